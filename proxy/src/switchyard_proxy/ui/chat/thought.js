// What a model thought before it answered: folded, and drawn only while somebody looks at it.

import { html, useEffect, useRef, useState } from "../html.js";
import { seconds, t } from "../i18n/index.js";
import { LiveText } from "../text/live.js";
import { fillMarkdown } from "../text/settled.js";

/** @param {{record: object, answer?: import("./answer.js").Answer, beat?: number}} props */
export function Thought({ record, answer }) {
  const [isOpen, setOpen] = useState(false);
  const thought = answer ? answer.reply.thought : record.thought;
  if (!thought) return null;
  return html`<details class="thought" open=${isOpen} onToggle=${(event) => setOpen(event.target.open)}>
    <summary><span class="dim">${heading(record, answer)}</span></summary>
    ${isOpen && html`<${Inside} thought=${thought} answer=${answer} />`}
  </details>`;
}

/** How long it thought is known if its first word and its first thought were heard. */
function heading(record, answer) {
  if (answer && !answer.text) return t("chat.thinking");
  const took = record.spoke && record.first ? (record.spoke - record.first) / 1000 : 0;
  return took > 0.1 ? t("chat.thought_for", { span: seconds(took) }) : t("chat.thought");
}

function Inside({ thought, answer }) {
  const element = useRef(null);
  const live = useRef(answer);
  useEffect(() => {
    if (!live.current) {
      const filling = fillMarkdown(element.current, thought);
      return () => filling.stop();
    }
    return follow(element.current, live.current);
  }, []);
  return html`<div class="thought-text"><div ref=${element} class="prose" /></div>`;
}

function follow(element, answer) {
  const text = new LiveText(element);
  text.append(answer.reply.thought);
  const away = answer.listen((added) => added?.thought && text.append(added.thought));
  const settled = answer.phase.subscribe((phase) => phase === "over" && text.finish());
  return () => {
    away();
    settled();
    text.drop();
  };
}
