// The line above the transcript: what the conversation is called, who answers, and how.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { openDialog } from "../shell/dialog.js";
import { ModelPicker } from "../shell/picker.js";
import { facts } from "../store/live.js";
import * as actions from "./actions.js";
import { openSettings } from "./chat-settings.js";
import { canChat, chosenModel, statusOf } from "./models.js";
import { current } from "./open.js";
import { Sidebar } from "./sidebar.js";
import { useVictims } from "./waiting-line.js";

export function Head() {
  const record = current.value;
  const isTuned = Boolean(
    record.system || Object.values(record.sampling ?? {}).some((value) => value !== null),
  );
  return html`<header class="chat-head">
    <button class="button-icon chat-drawer-button" aria-label=${t("chat.conversations")}
      onClick=${openDrawer}>☰</button>
    <h1 class="chat-title clip">${record.title || t("chat.untitled")}</h1>
    <div class="chat-head-tools">
      <${ModelPicker} id="chat-model" value=${chosenModel.value} fits=${canChat} label=${t("chat.model")}
        onPick=${(model) => actions.adjust({ model })} />
      <button class="button" aria-pressed=${isTuned} title=${t("chat.settings")}
        aria-label=${t("chat.settings")}
        onClick=${() => openSettings(record)}><span aria-hidden="true">⚙</span></button>
    </div>
    <${Cost} />
  </header>`;
}

/** What the next question will cost others: before it is asked. */
function Cost() {
  const model = statusOf(chosenModel.value);
  const victims = useVictims(model);
  if (!facts.value || !model || !victims.length) return null;
  return html`<p class="chat-cost dim small">
    ${t("chat.moves_out", { model: model.name, models: victims.join(", ") })}</p>`;
}

export const openDrawer = () => openDialog(Drawer, { label: t("chat.conversations") });

const Drawer = ({ close }) => html`<div class="chat-drawer">
  <p class="chat-drawer-head">
    <button class="button-icon" aria-label=${t("shell.close")} onClick=${() => close()}>✕</button></p>
  <${Sidebar} onLeave=${() => close()} />
</div>`;
