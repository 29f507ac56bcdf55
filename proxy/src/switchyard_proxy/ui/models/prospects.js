// What would happen if a model were loaded now, as its manager explains it: asked for what the reader points
// at, anew whenever something is loaded or leaves, and kept for a few seconds. It shows nothing.

import { computed, effect, signal, useEffect, useState } from "../html.js";
import { models } from "../store/live.js";
import { keyOf } from "../store/news.js";
import { explanation } from "./calls.js";
import { mayOperate } from "./rights.js";
import { verbsOf } from "./verbs.js";

const POINTED_MS = 150; // a pointer that passes by asks nothing
const KEPT_MS = 4_000;

/** The model that the reader points at, and what would come of loading it: {key, name, site, explanation}. */
export const prospect = signal(null);

/** The phase of every model, in one text: as long as it is the same, so is what would come of a load. */
const standing = computed(() => models.value.map((model) => `${keyOf(model)} ${model.phase}`).join("\n"));
const pointed = signal(null);
const loadable = computed(() => {
  const model = modelOf(models.value, pointed.value);
  return model && mayOperate.value && verbsOf(model)[0] === "load" ? pointed.value : null;
});
const kept = new Map();

/** The reader points at a model. */
export function pointAt(model) {
  pointed.value = keyOf(model);
}

/** The reader points elsewhere. */
export function pointAway() {
  pointed.value = null;
}

effect(() => {
  const question = { key: loadable.value, standing: standing.value };
  if (question.key === null) {
    prospect.value = null;
    return undefined;
  }
  const timer = setTimeout(() => ask(question), POINTED_MS);
  return () => clearTimeout(timer);
});

async function ask(question) {
  const model = modelOf(models.peek(), question.key);
  const found = await explanationOf(model).catch(() => null);
  if (loadable.peek() !== question.key || standing.peek() !== question.standing) return; // no longer asked
  prospect.value = found && { key: question.key, name: model.name, site: model.site, explanation: found };
}

function modelOf(all, key) {
  return all.find((model) => keyOf(model) === key);
}

/** @returns {Promise<object>} an Explanation, a few seconds old at most */
function explanationOf(model) {
  const key = keyOf(model);
  const old = kept.get(key);
  if (old && old.standing === standing.peek() && Date.now() - old.at < KEPT_MS) return old.answer;
  const answer = explanation(model);
  answer.catch(() => kept.delete(key));
  kept.set(key, { at: Date.now(), standing: standing.peek(), answer });
  return answer;
}

/** What would come of loading a model, asked anew when that may have changed: {explanation, error}. */
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
  }, [key, standing.value, model.blocked, model.pinned, mayOperate.value]);
  return found?.key === key ? found : {};
}
