// The view of pictures: the form at the side; beside it what is under way and the gallery, one picture, two,
// or a mask.

import { html, useEffect, useRef } from "../html.js";
import { t } from "../i18n/index.js";
import { format, go } from "../routes.js";
import { useErrands } from "../shell/errands.js";
import { Compare } from "./compare.js";
import { Details } from "./details.js";
import { bring, change, isDue } from "./draft.js";
import { Form } from "./form.js";
import { Gallery } from "./gallery.js";
import { MaskEditor } from "./mask/editor.js";
import { isOver } from "./order.js";
import { cancel, orders, reattach } from "./orders.js";
import { addFiles } from "./references.js";
import { Work } from "./work.js";

const FAR = 400; // below the form: on a phone

/** @param {{route: {path: string[], query: Record<string, string>}}} props */
export default function Images({ route }) {
  const { path, query } = route;
  const place = useRef(null);
  useEffect(() => { reattach(); bring(); }, []);
  useErrands("images", async (verb, { prompt, files }) => {
    change({ mode: verb === "edit" ? "edit" : "draw", ...(prompt ? { prompt } : {}) });
    go("#/images");
    if (!prompt) requestAnimationFrame(focusPrompt);
    await bring();
    if (files) await addFiles(files);
    if (prompt) isDue.value = true;
  });
  const toWork = () => {
    if (path.length > 0) go("#/images");
    afterPaint(() => place.current?.offsetTop > FAR && place.current.scrollIntoView({ block: "start" }));
  };
  return html`<div class=${path.length > 0 ? "view images images-focused" : "view images"}>
    <h1 class="aside-screen">${t("images.title")}</h1>
    <aside class="images-side" aria-label=${t("images.form")} data-region><${Form}
      onPlaced=${toWork} /></aside>
    <div ref=${place} class="images-main">${placeOf(path, query)}</div>
  </div>`;
}

function placeOf([first, ...rest], query) {
  if (first === "mask" && rest[0]) return html`<${MaskEditor} key=${rest[0]} file=${rest[0]} />`;
  if (first === "compare" && rest[1]) return html`<${Compare} key=${rest.join()} left=${rest[0]}
    right=${rest[1]} />`;
  if (first) return html`<${Details} key="details" id=${first} />`;
  return html`<${Work} /><${Gallery} query=${query.q ?? ""} />`;
}

const afterPaint = (run) => requestAnimationFrame(() => setTimeout(run));
const focusPrompt = () => document.querySelector(".images-prompt")?.focus();

function stop() {
  const running = orders.peek().find((one) => !isOver(one));
  if (!running) return false;
  cancel(running.id);
  return true;
}

export const keys = [
  { keys: "n", title: "images.key.new", run: focusPrompt },
  { keys: "/", title: "images.key.search", run: () => focusSearch() },
  { keys: "Ctrl+.", title: "images.key.stop", run: stop },
];

function focusSearch() {
  const field = document.querySelector(".images-search");
  if (!field) go(format({ view: "images" }));
  requestAnimationFrame(() => document.querySelector(".images-search")?.focus());
}
