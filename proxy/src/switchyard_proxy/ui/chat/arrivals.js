// Files that come from anywhere on the page to the composer that is shown, and what the conversation holds
// already.

import { useEffect, useRef, useState } from "../html.js";
import { dropZone, filesOf, pickFiles } from "../media/index.js";
import { countMedia } from "../media/labels.js";
import { isText } from "../shell/keys.js";

const NONE = { image: 0, video: 0 };
const shown = []; // the composers on the page; the last one is where files go

/**
 * Adds files to the composer that is shown, or lets the user pick some.
 * @param {File[]} [files]
 * @returns {Promise<boolean>} false where no composer is shown
 */
export async function attach(files) {
  const composer = shown.at(-1);
  if (!composer) return false;
  await composer.add(files ?? (await pickFiles({ kinds: ["image", "video", "text"] })));
  return true;
}

/**
 * Takes what is dropped or pasted anywhere on the page; an editor of an old message only what is put onto
 * itself.
 * @param {{current: HTMLElement}} root
 * @param {{add: (files: File[]) => void, setOver: (over: boolean) => void, isEditor: boolean}} composer
 */
export function useArrivals(root, { add, setOver, isEditor }) {
  const latest = useRef(null);
  latest.current = add;
  useEffect(() => {
    const me = { add: (files) => latest.current(files) };
    const onPaste = (event) => {
      if (event.defaultPrevented || isText(event.target) || document.querySelector("dialog:modal")) return;
      const files = filesOf(event.clipboardData);
      if (files.length && shown.at(-1) === me) me.add(files);
    };
    const endZone = dropZone(isEditor ? root.current : document.body, { onFiles: me.add, onOver: setOver });
    shown.push(me);
    document.addEventListener("paste", onPaste);
    return () => {
      shown.splice(shown.indexOf(me), 1);
      endZone();
      document.removeEventListener("paste", onPaste);
    };
  }, []);
}

/** How many pictures and videos the conversation holds already, so that labels count on. */
export function useBefore(history, turn) {
  const [before, setBefore] = useState(NONE);
  useEffect(() => {
    let isShown = true;
    history?.().then((messages) => isShown && setBefore(countMedia(messages)));
    return () => {
      isShown = false;
    };
  }, [turn]);
  return before;
}
