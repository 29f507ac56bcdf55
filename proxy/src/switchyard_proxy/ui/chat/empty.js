// What stands where nothing was said yet: what one can do here, with words to begin with.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { Keys } from "../shell/keys.js";
import { Phase } from "../shell/phase.js";
import { facts, link, models } from "../store/live.js";
import * as actions from "./actions.js";
import { canChat, chosenModel, statusOf } from "./models.js";

const IDEAS = ["explain", "write", "code"];
const TIPS = [
  ["Enter", "send"],
  ["Shift+Enter", "newline"],
  [":", "command"],
  ["/", "search"],
  ["?", "help"],
];

export function Empty() {
  const model = statusOf(chosenModel.value);
  const isKnown = link.value.heard !== null;
  const able = models.value.filter(canChat);
  if (isKnown && facts.value && !able.length) return html`<${NoModel} />`;
  return html`<div class="chat-empty"><div class="chat-empty-inside">
    <h2 class="chat-empty-title">
      <span class="tone-accent" aria-hidden="true">❯ </span>${t("chat.empty.title")}
      <span class="chat-cursor" aria-hidden="true"></span></h2>
    ${
      model &&
      html`<p class="wrap"><strong>${chosenModel.value}</strong> ${" "}<${Phase} phase=${model.phase} />
      ${model.phase !== "ready" && html`<span class="dim"> · ${t("chat.empty.loads")}</span>`}</p>`
    }
    <ul class="chat-ideas">${IDEAS.map(
      (idea) => html`<li key=${idea}>
      <button class="button" disabled=${!model} onClick=${() => say(t(`chat.idea.${idea}`))}>
        ${t(`chat.idea.${idea}`)}</button></li>`,
    )}</ul>
    <dl class="chat-tips">${TIPS.map(
      ([keys, tip]) => html`<div key=${keys}>
      <dt><${Keys} keys=${keys} /></dt><dd class="dim">${t(`chat.tip.${tip}`)}</dd></div>`,
    )}</dl>
  </div></div>`;
}

const say = (text) => actions.send([{ type: "text", text }]);

const NoModel = () => html`<div class="chat-empty"><div class="empty">
  <h2>${t("chat.empty.no_model")}</h2>
  <p>${t("chat.empty.no_model_advice")}</p>
  <p><a class="button" href="#/models">${t("chat.empty.to_models")}</a></p>
</div></div>`;
