// The view of models: machines with their memory, the list, and beside it the model that is open; or, in
// their place, a form or the file. What is done with a model is in orders.js, where the reader is in
// place.js.

import { html, useEffect, useRef } from "../html.js";
import { ago, t } from "../i18n/index.js";
import { useErrands } from "../shell/errands.js";
import { facts, link, models } from "../store/live.js";
import { keyOf } from "../store/news.js";
import { Details, leave } from "./details.js";
import { Editor } from "./editor.js";
import { EntryForm } from "./form.js";
import { List, SortChoice } from "./list.js";
import { neighbour } from "./listing.js";
import { now, useNow } from "./now.js";
import { order } from "./orders.js";
import { chosen, cursor, listed, place, show, shown } from "./place.js";
import { mayEdit, mayOperate } from "./rights.js";
import { verbsOf } from "./verbs.js";

export default function Models() {
  useNow();
  useErrands("models", (verb, { model, site }) => {
    if (verb === "logs" && model) show({ name: model, site: site ?? null, tab: "log", page: null });
  });
  const { page, name, site } = place.value;
  if (page === "file" && mayEdit.value) return html`<${Editor} key=${site ?? 0} site=${site ?? 0} />`;
  if (page === "add" && mayEdit.value) return html`<${EntryForm} key="add" site=${site} name=${null} />`;
  if (page === "edit" && name && mayEdit.value) return html`<${EntryForm} key=${`edit ${name}`} site=${site}
      name=${name} />`;
  const isWide = place.value.tab === "log";
  const look = ["view-fill models", name && "models-with-details", isWide && "models-wide"];
  return html`<div class=${look.filter(Boolean).join(" ")}>
    <div class="models-main"><div class="view">
      <${Head} />
      <${Link} />
      <${List} />
    </div></div>
    ${name && html`<aside class="models-aside" data-region aria-label=${t("models.details")}><${Open}
        name=${name} /></aside>`}
  </div>`;
}

function Open({ name }) {
  if (shown.value) return html`<${Details} model=${shown.value} />`;
  if (models.value.length === 0 && link.value.heard === null) return html`<span class="skeleton"
      aria-busy="true"></span>`;
  return html`<div class="empty"><p class="wrap">${t("models.no_such", { name })}</p>
    <button class="button" onClick=${leave}>${t("models.back")}</button></div>`;
}

function Head() {
  return html`<header class="view-head">
    <h1 class="view-title">${t("models.title")}</h1>
    <div class="toolbar models-tools"><${Filter} /><${SortChoice} /></div>
    ${mayEdit.value && html`<div class="toolbar">
      <button class="button" onClick=${() => show({ page: "add" })}>${t("models.add")}</button>
      <button class="button-quiet" onClick=${() => show({ page: "file" })}>models.json</button>
    </div>`}
  </header>`;
}

function Filter() {
  const pressed = (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" || event.key === "ArrowDown") {
      event.preventDefault();
      move(1);
    }
    if (event.key === "Escape" && place.peek().filter) {
      event.stopPropagation();
      show({ filter: "" }, { replace: true });
    }
  };
  return html`<input type="search" class="input models-filter" id="models-filter"
      placeholder=${t("models.filter")}
    aria-label=${t("models.filter")} aria-keyshortcuts="/" value=${place.value.filter} onKeyDown=${pressed}
    onInput=${(event) => show({ filter: event.target.value }, { replace: true })} />`;
}

/** While the link is down what is shown is old, and says how old. */
function Link() {
  const { state, heard, status } = link.value;
  const wasDown = useRef(false);
  useEffect(() => {
    wasDown.current = state === "down" || (wasDown.current && state === "connecting");
  }, [state]);
  if (status === 401 || status === 403) return html`<p class="notice notice-warn"
      role="status">${t("models.link.refused")}</p>`;
  if (state === "live" || (state === "connecting" && !wasDown.current)) return null;
  return html`<p class="notice notice-warn" role="status">
    ${heard === null ? t("models.link.never") : t("models.link.down", { when: ago(heard, now.value) })}</p>`;
}

function move(step) {
  const rows = listed.peek().flatMap((group) => group.models.map(keyOf));
  const key = neighbour(rows, cursor.peek() ?? (shown.peek() && keyOf(shown.peek())), step);
  if (key === null) return false;
  cursor.value = key;
  document.querySelector(`[data-cursor="${CSS.escape(key)}"]`)?.focus();
  return true;
}

/** Gives an order to the chosen model if it makes sense now; else says nothing and does nothing. */
function act(...verbs) {
  const model = chosen();
  if (!model || !mayOperate.peek() || !facts.peek()) return false;
  const verb = verbsOf(model).find((one) => verbs.includes(one));
  if (verb) order(verb, model);
  return Boolean(verb);
}

function open(tab) {
  const model = chosen();
  if (!model) return false;
  show({ name: model.name, site: model.site, tab, page: null });
  return true;
}

const find = () => document.getElementById("models-filter")?.focus();
const isList = () => !place.peek().page;
const inList = (run) => () => isList() && run();
// Its search has the key then, though the two may come in the same moment, and the log's table first.
const isLogOpen = () => Boolean(place.peek().name) && place.peek().tab === "log" && mayOperate.peek();

export const keys = [
  { keys: "j", title: "models.key.next", run: inList(() => move(1)) },
  { keys: "k", title: "models.key.previous", run: inList(() => move(-1)) },
  { keys: "Enter", title: "models.key.open", run: inList(() => open("now")) },
  { keys: "l", title: "models.key.load", run: inList(() => act("load")) },
  { keys: "z", title: "models.key.sleep", run: inList(() => act("sleep")) },
  { keys: "u", title: "models.key.unload", run: inList(() => act("unload")) },
  { keys: "x", title: "models.key.cancel", run: inList(() => act("cancel")) },
  { keys: "p", title: "models.key.pin", run: inList(() => act("pin", "unpin")) },
  { keys: "o", title: "models.key.log", run: inList(() => open("log")) },
  { keys: "/", title: "models.key.filter", run: inList(() => !isLogOpen() && find()) },
  { keys: "Escape", title: "models.key.close", run: () => {
    if (place.peek().page) show({ page: null });
    else if (place.peek().name) leave();
    else return false;
    return true;
  } },
];
