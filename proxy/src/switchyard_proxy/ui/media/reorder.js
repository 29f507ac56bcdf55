// Reordering by dragging with mouse, pen or finger. It decides nothing: `slotAt` says where, the owner moves.

import { useRef, useState } from "../html.js";
import { slotAt } from "./order.js";

const THRESHOLD = 6; // pixels before a press becomes a drag

/**
 * For a list whose children are its items. `grip(at, {touch})` gives the handlers of what an item is held by.
 * @param {(from: number, to: number) => void} onMove
 */
export function useReorder(onMove) {
  const list = useRef(null);
  const drag = useRef(null);
  const [held, setHeld] = useState(null); // {from, to, x, y} while something is dragged

  const end = (event, moves) => {
    const { from, to } = drag.current?.over ?? {};
    drag.current = null;
    setHeld(null);
    if (moves && from !== undefined && from !== to) onMove(from, to);
    if (event.currentTarget.hasPointerCapture?.(event.pointerId)) {
      event.currentTarget.releasePointerCapture(event.pointerId);
    }
  };

  const grip = (at, { touch = true } = {}) => ({
    onPointerDown: (event) => {
      if (event.button !== 0 || (event.pointerType === "touch" && !touch)) return;
      drag.current = { at, x: event.clientX, y: event.clientY, boxes: boxesOf(list.current) };
    },
    onPointerMove: (event) => {
      const now = drag.current;
      if (!now) return;
      const x = event.clientX - now.x;
      const y = event.clientY - now.y;
      if (!now.over && Math.hypot(x, y) < THRESHOLD) return;
      if (!now.over) event.currentTarget.setPointerCapture(event.pointerId);
      now.over = { from: now.at, to: slotAt(now.boxes, event.clientX, event.clientY, now.at), x, y };
      setHeld(now.over);
    },
    onPointerUp: (event) => {
      if (drag.current?.over) swallowClick(event.currentTarget);
      end(event, true);
    },
    onPointerCancel: (event) => end(event, false),
  });
  return { list, held, grip };
}

const boxesOf = (list) => [...list.children].map((child) => child.getBoundingClientRect());

// A drag that ends over the button where it began would press it.
function swallowClick(element) {
  const swallow = (event) => event.stopPropagation();
  element.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => element.removeEventListener("click", swallow, { capture: true }));
}
