// What would happen if a model were loaded now, as its manager explains it: asked for what the reader points
// at, and kept for a few seconds. It shows nothing.

import { signal, useEffect, useState } from "../html.js";
import { keyOf } from "../store/news.js";
import { explanation } from "./calls.js";
import { mayOperate } from "./rights.js";

const POINTED_MS = 150; // a pointer that passes by asks nothing
const KEPT_MS = 4_000;

/** The model that the reader points at, and what would come of loading it: {key, name, site, explanation}. */
export const prospect = signal(null);

let timer = 0;
const kept = new Map();

/** The reader points at a model that could be loaded. */
export function pointAt(model) {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const found = mayOperate.peek() ? await explanationOf(model).catch(() => null) : null;
    prospect.value = found && { key: keyOf(model), name: model.name, site: model.site, explanation: found };
  }, POINTED_MS);
}

/** The reader points elsewhere. */
export function pointAway() {
  clearTimeout(timer);
  prospect.value = null;
}

/** @returns {Promise<object>} an Explanation, a few seconds old at most */
export function explanationOf(model) {
  const key = keyOf(model);
  const old = kept.get(key);
  if (old && Date.now() - old.at < KEPT_MS) return old.answer;
  const answer = explanation(model);
  answer.catch(() => kept.delete(key));
  kept.set(key, { at: Date.now(), answer });
  return answer;
}

/** What would come of loading a model, asked anew when its phase or turn changes: {explanation, error}. */
export function useExplanation(model) {
  const key = keyOf(model);
  const [found, setFound] = useState(null);
  useEffect(() => {
    if (!mayOperate.value) return undefined;
    let isLeft = false;
    kept.delete(key);
    const settle = (value) => !isLeft && setFound({ key, ...value });
    explanationOf(model).then((answer) => settle({ explanation: answer }), (error) => settle({ error }));
    return () => {
      isLeft = true;
    };
  }, [key, model.phase, model.blocked, model.pinned, mayOperate.value]);
  return found?.key === key ? found : {};
}
