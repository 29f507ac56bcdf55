// One message as it stands in the transcript: a question, or an answer that is there or still grows. It
// draws; what its buttons do is in `actions`.

import { html, useLayoutEffect, useRef } from "../html.js";
import { lang, t } from "../i18n/index.js";
import { FileThumb } from "../media/thumb.js";
import { Menu } from "../shell/menu.js";
import * as actions from "./actions.js";
import { answers, isLive } from "./answers.js";
import { AnswerText } from "./answer-text.js";
import { place } from "./branches.js";
import { Composer } from "./composer.js";
import { focusField } from "./field-focus.js";
import { Figures } from "./figures.js";
import { chosenModel } from "./models.js";
import { current, editing } from "./open.js";
import { Thought } from "./thought.js";
import { Tools } from "./tools.js";
import { Instead, Trouble } from "./trouble.js";
import { Waiting } from "./waiting-line.js";

const LINE_PX = 24;
const SIGNS_IN_A_LINE = 80;

/** About how high a message will be: what the browser takes for it until it was in sight once. */
export const guessedHeight = (text) => {
  const lines = text.length / SIGNS_IN_A_LINE + (text.match(/\n/g)?.length ?? 0);
  return Math.round(Math.min(20_000, 72 + lines * LINE_PX));
};

/** @param {{record: object, kin?: string[], isFound: boolean}} props */
export function Message({ record, kin, isFound }) {
  const answer = answers.value.get(record.id);
  const isMine = record.role === "user";
  const look = [
    "message",
    isMine ? "message-mine" : "message-answer",
    answer && "message-live",
    isFound && "message-found",
  ];
  return html`<article id=${`m-${record.id}`} class=${look.filter(Boolean).join(" ")} tabindex="-1"
      aria-label=${isMine ? t("chat.you") : t("chat.answer_of", { model: record.model })}
      style=${{ containIntrinsicBlockSize: `auto ${guessedHeight(record.text)}px` }}>
    <header class="message-head">
      <span class="message-who">${isMine ? t("chat.you") : record.model || t("chat.assistant")}</span>
      <${Branches} record=${record} kin=${kin} />
      <time class="message-time" datetime=${new Date(record.at).toISOString()}>${timeOf(record.at)}</time>
    </header>
    ${isMine && html`<${Question} record=${record} />`}
    ${!isMine && html`<${Answered} record=${record} answer=${answer} />`}
  </article>`;
}

function timeOf(at) {
  const when = new Date(at);
  const isToday = when.toDateString() === new Date().toDateString();
  const style = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return when.toLocaleString(lang.value, style);
}

function Branches({ record, kin = [] }) {
  const { at, of, before, after } = place(kin, record.id);
  if (of < 2) return null;
  return html`<span class="branches" role="group" aria-label=${t("chat.branches")}>
    <button class="button-icon branch-step" aria-label=${t("chat.branch_before")} aria-keyshortcuts="["
      aria-disabled=${!before} onClick=${() => actions.step(record, -1)}>‹</button>
    <span class="branch-place">${t("chat.branch_place", { at, of })}</span>
    <button class="button-icon branch-step" aria-label=${t("chat.branch_after")} aria-keyshortcuts="]"
      aria-disabled=${!after} onClick=${() => actions.step(record, 1)}>›</button>
  </span>`;
}

function Question({ record }) {
  if (editing.value === record.id) return html`<${Editor} record=${record} />`;
  return html`<${Content} record=${record} />
    <footer class="message-foot">
      <span class="message-buttons">
        <button class="button-quiet" onClick=${() => {
          editing.value = record.id;
        }}>${t("chat.edit")}</button>
        <button class="button-quiet" onClick=${() => actions.copyMessage(record)}>${t("chat.copy")}</button>
      </span>
    </footer>`;
}

function Content({ record }) {
  const parts = record.content ?? [{ type: "text", text: record.text }];
  const media = parts.filter((part) => part.file);
  return html`<div class="question">
    ${parts.map((part, at) => html`<${Part} key=${part.file ?? at} part=${part} among=${media} />`)}</div>`;
}

function Part({ part, among }) {
  if (part.file) {
    const all = among.map(({ file, label }) => ({ id: file, label }));
    return html`<${FileThumb} id=${part.file} label=${part.label} among=${all} />`;
  }
  if (!part.name) return html`<p class="question-text">${part.text}</p>`;
  return html`<details class="question-file">
    <summary class="chip">${part.name}</summary><pre>${part.text}</pre></details>`;
}

function Editor({ record }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const giveUp = focusField(box.current);
    return () => {
      giveUp();
      document.getElementById(`m-${record.id}`)?.focus({ preventScroll: true });
    };
  }, []);
  return html`<div ref=${box} class="message-editor">
    <${Composer} conversation=${{ ...current.value, id: `edit-${record.id}` }} model=${chosenModel.value}
      initial=${record.content ?? [{ type: "text", text: record.text }]} busy=${false} onStop=${() => {}}
      history=${() => actions.historyBefore(record)} onSend=${(content) => actions.edit(record, content)}
      onCancel=${() => {
        editing.value = null;
      }} />
  </div>`;
}

function Answered({ record, answer }) {
  const live = answer?.record ?? record;
  const phase = answer?.phase.value ?? "over";
  const beat = answer?.beat.value;
  const hasText = Boolean(answer ? answer.text : record.text);
  const isElsewhere = !answer && isLive(record); // another tab hears it, or this one is about to
  return html`
    ${record.instead && html`<${Instead} />`}
    <${Thought} record=${live} answer=${answer} beat=${beat} />
    <${AnswerText} record=${record} answer=${answer} />
    <${Tools} tools=${answer ? answer.reply.tools : record.tools} />
    ${answer && phase !== "streaming" && html`<${Waiting} record=${record} phase=${phase} />`}
    ${isElsewhere && html`<div class="waiting"><p class="dim">${t("chat.wait.elsewhere")}</p></div>`}
    ${!answer && html`<${Trouble} record=${record} hasText=${hasText} />`}
    <footer class="message-foot">
      <${Figures} record=${live} reply=${answer?.reply} beat=${beat} />
      ${!answer && !isElsewhere && html`<${AnswerButtons} record=${record} />`}
    </footer>`;
}

const mayGoOn = (record) =>
  record.text && (record.state === "stopped" || record.state === "failed" || record.finish === "length");

function AnswerButtons({ record }) {
  if (!record.text && record.state === "failed") return null; // what can be done stands in the notice
  return html`<span class="message-buttons">
    ${mayGoOn(record) && html`<button class="button-quiet" onClick=${() => actions.goOn(record)}>
      ${t("chat.go_on")}</button>`}
    <button class="button-quiet" onClick=${() => actions.retry(record)}>${t("chat.retry")}</button>
    <button class="button-quiet" onClick=${() => actions.copyMessage(record)}>${t("chat.copy")}</button>
    <${Menu} label=${t("chat.more")} items=${[
      { text: t("chat.copy_curl"), run: () => actions.copyCurl(record) },
      { text: t("chat.copy_thought"), run: () => actions.copyThought(record), disabled: !record.thought },
    ]} />
  </span>`;
}
