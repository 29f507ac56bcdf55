// The text of an answer: while it grows, its element belongs to `LiveText`; afterwards nothing is drawn anew.

import { html, useLayoutEffect, useRef } from "../html.js";
import { LiveText } from "../text/live.js";
import { fillMarkdown } from "../text/settled.js";

/** @param {{record: object, answer?: import("./answer.js").Answer}} props */
export function AnswerText({ record, answer }) {
  const element = useRef(null);
  const grown = useRef(null); // the answer that grew in this very element, and is finished there
  if (answer) grown.current = answer;
  const source = grown.current ?? record.text;
  useLayoutEffect(
    () => (grown.current ? grow(element.current, grown.current) : settle(element.current, record.text)),
    [source],
  );
  return html`<div class="message-text"><div ref=${element} class="prose" /></div>`;
}

function settle(element, text) {
  element.replaceChildren();
  const filling = fillMarkdown(element, text);
  return () => filling.stop();
}

function grow(element, answer) {
  let live = begin(element, answer.text);
  const away = answer.listen((added) => {
    if (added) return added.text && live.append(added.text);
    live.drop();
    live = begin(element, answer.text);
  });
  const settled = answer.phase.subscribe((phase) => phase === "over" && live.finish());
  return () => {
    away();
    settled();
    live.drop();
  };
}

function begin(element, text) {
  element.replaceChildren();
  const live = new LiveText(element);
  if (text) live.append(text);
  return live;
}
