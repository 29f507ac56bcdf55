// How one part of the page asks another view to do something, without knowing it: a note that the view takes.

import { signal, useEffect } from "../html.js";
import { go, route } from "../routes.js";

/** The note that lies there: `{view, verb, payload}`, or null. */
export const pending = signal(null);

/**
 * Leaves a note for a view and shows that view.
 * @param {string} [hash] where to, if not to the view's beginning
 */
export function ask(view, verb, payload = {}, hash = `#/${view}`) {
  pending.value = { view, verb, payload };
  if (route.peek().view !== view || hash !== `#/${view}`) go(hash);
}

/** @returns {{verb: string, payload: object} | null} the note for this view, which is then gone */
export function take(view) {
  const note = pending.value;
  if (note?.view !== view) return null;
  pending.value = null;
  return { verb: note.verb, payload: note.payload };
}

/** Runs `handle(verb, payload)` for every note, while a view is shown. */
export function useErrands(view, handle) {
  const note = pending.value;
  useEffect(() => {
    const taken = take(view);
    if (taken) handle(taken.verb, taken.payload);
  }, [note]);
}
