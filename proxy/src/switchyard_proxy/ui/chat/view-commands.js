// The commands of the chat, for the line below and the palette: all that its buttons do.

import * as actions from "./actions.js";
import { openSettings } from "./chat-settings.js";
import * as keeping from "./keeping.js";
import { branch, current, shown } from "./open.js";
import { bringIn, takeOut, takeOutAll } from "./transfer.js";

const isAnswer = (record) => record.role === "assistant";
const last = () => branch.peek().slice(0, shown.peek().to).findLast(isAnswer);
const withLast = (act) => () => last() && act(last());
const withKept =
  (act) =>
  (...args) =>
    !current.peek().isNew && act(current.peek(), ...args);

export const commands = [
  { name: "retry", title: "chat.key.retry", args: [], run: withLast(actions.retry), hint: "r" },
  { name: "continue", title: "chat.command.continue", args: [], run: withLast(actions.goOn) },
  { name: "copy", title: "chat.command.copy", args: [], run: withLast(actions.copyMessage), hint: "c" },
  { name: "curl", title: "chat.command.curl", args: [], run: withLast(actions.copyCurl) },
  { name: "prompt", title: "chat.settings", args: [], run: () => openSettings(current.peek()) },
  {
    name: "rename",
    title: "chat.command.rename",
    args: ["text?"],
    run: withKept((chat, [title]) => keeping.rename(chat, title)),
  },
  { name: "pin-chat", title: "chat.command.pin", args: [], run: withKept((chat) => keeping.togglePin(chat)) },
  {
    name: "delete-chat",
    title: "chat.command.delete",
    args: [],
    run: withKept((chat) => keeping.remove(chat)),
  },
  {
    name: "export-json",
    title: "chat.export_json",
    args: [],
    run: withKept((chat) => takeOut(chat.id, "json")),
  },
  {
    name: "export-markdown",
    title: "chat.export_markdown",
    args: [],
    run: withKept((chat) => takeOut(chat.id, "md")),
  },
  { name: "export-all", title: "chat.export_all", args: [], run: takeOutAll },
  { name: "import", title: "chat.import", args: [], run: bringIn },
];
