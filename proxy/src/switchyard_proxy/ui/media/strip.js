// The attached pictures and videos in their order: look, name, move, remove with undo. It owns none of them:
// every change is handed to the owner as a function from the list to the next list.

import { html, useLayoutEffect, useRef } from "../html.js";
import { t } from "../i18n/index.js";
import { announce } from "../shell/announcer.js";
import { toast } from "../shell/toast.js";
import { Chip } from "./chip.js";
import { labelsOf } from "./labels.js";
import { moved, restored, without } from "./order.js";
import { useReorder } from "./reorder.js";

/** @typedef {import("./intake.js").MediaItem} MediaItem */

/**
 * @param {{items: MediaItem[], onChange: (update: (items: MediaItem[]) => MediaItem[]) => void, labels?:
 *   string[], costs?: Map<string, {tokens: number, exact: boolean, error?: string}>, onShrink?: (item:
 *   MediaItem) => void, onGone?: (item: MediaItem) => void, named?: boolean}} props `costs`: by the item's
 *   id; `onGone`: it was removed and not put back, so its file may go; `named: false` where labels are not
 *   sent
 */
export function FileStrip({
  items,
  onChange,
  labels = labelsOf(items),
  costs,
  onShrink,
  onGone,
  named = true,
}) {
  const focus = useRef(null); // the item that keeps the focus over a change
  const move = (from, to) => {
    const target = Math.max(0, Math.min(to, items.length - 1));
    if (target === from) return;
    focus.current = items[from].id;
    onChange((now) => moved(now, from, target));
    announce(t("media.moved", { name: labels[from], at: target + 1, all: items.length }));
  };
  const { list, held, grip } = useReorder(move);
  useLayoutEffect(() => {
    if (!focus.current) return;
    const chip = list.current?.querySelector(`[data-item="${focus.current}"] button`);
    focus.current = null;
    if (chip && !list.current.contains(document.activeElement)) chip.focus();
  });
  const remove = (at) => {
    focus.current = (items[at + 1] ?? items[at - 1])?.id ?? null;
    removeWithUndo(items, at, labels[at], onChange, onGone);
  };
  const rename = (id, label) =>
    onChange((now) => now.map((each) => (each.id === id ? { ...each, label } : each)));
  if (!items.length) return null;
  return html`<ul class="media-strip" ref=${list} aria-label=${t("media.strip")}>
    ${items.map(
      (item, at) => html`<${Chip}
        key=${item.id}
        ...${{ item, at, all: items.length, label: labels[at], cost: costs?.get(item.id), named }}
        among=${items.map((each, i) => ({ id: each.file, label: labels[i] }))}
        held=${held?.from === at ? held : null}
        isTarget=${held && held.to === at && held.from !== at}
        grip=${grip}
        onMove=${(to) => move(at, to)}
        onRemove=${() => remove(at)}
        onLabel=${(label) => rename(item.id, label)}
        onShrink=${onShrink && item.kind === "image" ? () => onShrink(item) : null}
      />`,
    )}
  </ul>`;
}

/**
 * Takes an item out at once, and offers to put it back.
 * @param {MediaItem[]} items
 * @param {number} at
 * @param {string} label
 * @param {(update: (items: MediaItem[]) => MediaItem[]) => void} onChange
 * @param {(item: MediaItem) => void} [onGone] when it was not put back in time
 */
export function removeWithUndo(items, at, label, onChange, onGone) {
  const one = items[at];
  onChange((now) => without(now, one.id));
  toast({
    text: t("media.removed", { name: label }),
    action: { label: t("media.undo"), run: () => onChange((now) => restored(now, items, one)) },
    onGone: () => onGone?.(one),
  });
}
