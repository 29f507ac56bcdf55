// The chat: conversations at the side, the one that is open, and where one writes. It puts the parts together
// and hears keys and errands; what each part does is in its own file.

import { effect, html, useEffect, useRef } from "../html.js";
import { t } from "../i18n/index.js";
import { textOf } from "../media/outgoing.js";
import { go } from "../routes.js";
import { announce } from "../shell/announcer.js";
import { useErrands } from "../shell/errands.js";
import * as chats from "../store/chats.js";
import * as actions from "./actions.js";
import { answers, branched, ended, reattach } from "./answers.js";
import { attach, Composer } from "./composer.js";
import { Empty } from "./empty.js";
import { focusField, isLost } from "./field-focus.js";
import { Head } from "./head.js";
import { chosenModel } from "./models.js";
import { branch, current, editing, open, openNew, reload, replace, standing } from "./open.js";
import { Sidebar } from "./sidebar.js";
import { Transcript } from "./transcript.js";

export { commands } from "./view-commands.js";
export { keys } from "./view-keys.js";

actions.sweep().catch(() => {}); // it is tried again with the next page
reattach();

export default function Chat({ route }) {
  const [id] = route.path;
  useEffect(() => {
    if (!id) openNew();
    else if (id !== current.peek().id || route.query.at) open(id, route.query.at);
  }, [id, route.query.at]);
  useEffect(listen, []);
  useErrands("chat", run);
  return html`<div class="view-fill chat">
    <aside class="chat-side" data-region aria-label=${t("chat.conversations")}><${Sidebar} /></aside>
    <div class="chat-main">
      <${Head} />
      ${standing.value === "missing" && html`<${Notice} text=${t("chat.missing")} />`}
      ${standing.value === "unreadable" && html`<${Notice} text=${t("chat.unreadable")} />`}
      ${standing.value === "there" && !branch.value.length ? html`<${Empty} />` : html`<${Transcript} />`}
      <${Writing} />
    </div>
  </div>`;
}

const Notice = ({ text }) =>
  html`<div class="chat-column"><p class="notice notice-warn" role="alert">${text}</p></div>`;

function Writing() {
  const record = current.value;
  const box = useRef(null);
  const isBusy = branch.value.some((one) => answers.value.has(one.id));
  // Where what had the focus is gone, one writes on here. A finger gets no keyboard that it did not ask for.
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) return focusField(box.current, isLost);
  }, [record.id, record.isNew]);
  return html`<div ref=${box} class="chat-writing" data-region aria-label=${t("chat.writing")}>
    <${Composer} conversation=${{ ...record, id: record.isNew ? "new" : record.id }} place=${record.id}
      model=${chosenModel.value} busy=${isBusy} turn=${`${record.id} ${record.leaf} ${record.system}`}
      onSend=${actions.send} onStop=${actions.stop} history=${actions.history}
      onEditLast=${actions.editLast} />
  </div>`;
}

/** What happens beside the page: answers that end or are begun again, other tabs that write. */
function listen() {
  const ends = [
    effect(() => {
      const record = ended.value;
      if (record) settle(record);
    }),
    effect(() => {
      const news = branched.value;
      if (news && news.conversation === current.peek().id) reload(news.message);
    }),
    effect(() => {
      const news = chats.writtenElsewhere.value;
      if (news) actions.hear(news);
    }),
  ];
  return () => ends.forEach((end) => end());
}

function settle(record) {
  replace([record]);
  if (record.conversation === current.peek().id) announce(t(`chat.said.${record.state}`));
}

function run(verb, payload) {
  const { model, text, content = text ? [{ type: "text", text }] : null } = payload;
  const acts = {
    new: () => start({ model }),
    model: () => actions.adjust({ model }),
    attach: () => attach(payload.files),
    stop: () => actions.stop(),
    send: () => {
      if (payload.fresh) start({ model });
      else if (model) actions.adjust({ model });
      if (content && textOf(content) !== null) actions.send(content);
    },
  };
  acts[verb]?.();
}

function start({ model }) {
  go("#/chat");
  editing.value = null;
  openNew(model ? { model } : {});
}
