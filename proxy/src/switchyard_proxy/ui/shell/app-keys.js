// The keys that act everywhere. What a view adds, it says itself.

import { t } from "../i18n/index.js";
import { go, VIEW_NAMES } from "../routes.js";
import { focusLine } from "./command-line.js";
import { openPalette } from "./frame.js";
import { isText, tables } from "./keys.js";
import { stepRegion } from "./regions.js";
import { toast } from "./toast.js";

const STOP = "Ctrl+.";
const LETTERS = { chat: "c", images: "i", models: "m", activity: "a", settings: "s" };

export const openHelp = () => import("./help.js").then((module) => module.openHelp());

/** Stops what the view says that can be stopped: the key is the view's, wherever the wish comes from. */
export function stopHere() {
  const stops = tables.peek().filter(({ scope }) => scope === "view").flatMap(({ keys }) => keys)
    .filter(({ keys }) => keys === STOP);
  if (!stops.some(({ run }) => run(new Event("command")) !== false)) toast({ text: t("shell.nothing_runs") });
}

/** Out of a field of the view, to where single keys act: the command line is one key away again. */
function leaveField() {
  const field = document.activeElement;
  if (!isText(field) || !field.closest("#main")) return false;
  document.getElementById("main").focus({ preventScroll: true });
  return true;
}

export const appKeys = () => [
  { keys: "Ctrl+K", title: "shell.key_for.palette", run: () => { openPalette(); } },
  { keys: ":", title: "shell.key_for.line", run: () => { if (!focusLine()) openPalette(); } },
  { keys: "?", title: "shell.key_for.help", run: () => { openHelp(); } },
  { keys: "F1", title: "shell.key_for.help", run: () => { openHelp(); } },
  { keys: "F6", title: "shell.key_for.region", run: () => stepRegion(1) },
  { keys: "Shift+F6", title: "shell.key_for.region_back", run: () => stepRegion(-1) },
  { keys: "Escape", title: "shell.key_for.leave", run: leaveField },
  { keys: STOP, title: "shell.key_for.stop", run: stopHere },
  ...VIEW_NAMES.map((view) => (
    { keys: `g ${LETTERS[view]}`, title: `shell.go.${view}`, run: () => go(`#/${view}`) })),
];
