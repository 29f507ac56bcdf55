// What comes once the frame is drawn: what is live, the command line, keys, and the offers of commands.

import { explain } from "../api.js";
import { effect } from "../html.js";
import { loadArea, resolve, setLang } from "../i18n/index.js";
import { insist, route } from "../routes.js";
import { startLive } from "../store/live.js";
import { settings } from "../store/settings.js";
import { watchAccess } from "./access.js";
import { appKeys } from "./app-keys.js";
import { addBuiltIns } from "./built-ins.js";
import { CommandLine } from "./command-line.js";
import { furniture } from "./frame.js";
import { keepFocus } from "./kept-focus.js";
import { bind, listen } from "./keys.js";
import { LiveLine } from "./live-line.js";
import { watchVersion } from "./newer.js";
import { watchProgress } from "./progress.js";
import { mountToasts, toast } from "./toast.js";

const TIDY_AFTER_MS = 20_000; // by then nobody waits for the page

// What went on in the last page of this tab goes on, whichever view is shown now.
const UNFINISHED = {
  "switchyard.answering": ["chat", () => import("../chat/answers.js")],
  "switchyard.drawing": ["images", () => import("../images/orders.js")],
};

export async function furnish() {
  startLive();
  addBuiltIns();
  bind(appKeys(), { scope: "app", title: "shell.keys.anywhere" });
  listen();
  keepFocus();
  mountToasts();
  watchProgress();
  furniture.value = { LiveLine, CommandLine, isMissing: false };
  await insist(() => loadArea("errors"));
  effect(() => { speak(settings.value.lang); });
  watchAccess();
  watchVersion();
  setTimeout(tidy, TIDY_AFTER_MS);
  for (const [place, [view, load]] of Object.entries(UNFINISHED)) reattach(place, view, load);
}

/** What fails now is tried again with another page. */
const tidy = () => import("../store/unneeded.js").then((module) => module.tidy()).catch(() => {});

async function speak(wanted) {
  try {
    await setLang(resolve(wanted));
  } catch (error) {
    toast({ text: explain({ code: "proxy_unreachable", message: error.message }), kind: "err" });
  }
}

function reattach(place, view, load) {
  if (route.peek().view !== view && readPlace(place)) load().then((module) => module.reattach());
}

function readPlace(place) {
  try {
    return localStorage.getItem(place);
  } catch {
    return null;
  }
}
