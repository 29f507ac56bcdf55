// The buttons of a model: what can be done now, the likeliest first. Keys do the same (see view.js).

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { Menu } from "../shell/menu.js";
import { keyOf } from "../store/news.js";
import { order, underWay } from "./orders.js";
import { addressOf, show } from "./place.js";
import { mayOperate } from "./rights.js";
import { verbsOf } from "./verbs.js";

const KEYS = { load: "l", sleep: "z", unload: "u", pin: "p", unpin: "p" };
const HEAVY = ["unload", "cancel"];

/** One button and a menu: for a row of the list. */
export function RowActions({ model }) {
  if (!mayOperate.value) return null;
  const verbs = verbsOf(model);
  const [first] = verbs;
  const items = verbs.map((verb) => ({
    text: wordOf(verb, model), keys: KEYS[verb], danger: HEAVY.includes(verb), run: () => order(verb, model),
  }));
  const log = {
    text: t("models.log.open"), keys: "o",
    run: () => show({ name: model.name, site: model.site, tab: "log", page: null }),
  };
  return html`<span class="models-actions">
    ${first !== "pin" && first !== "unpin" && html`<${Verb} verb=${first} model=${model} />`}
    <${Menu} label=${t("models.more", { name: model.name })} items=${[...items, null, log]} />
  </span>`;
}

/** All of them side by side: for the details. */
export function Actions({ model }) {
  if (!mayOperate.value) return html`<p class="dim small">${t("models.may_not")}</p>`;
  return html`<div class="toolbar">
    ${verbsOf(model).map((verb, at) => html`<${Verb} key=${verb} verb=${verb} model=${model}
        isFirst=${at === 0} />`)}
  </div>`;
}

/** The second click of a double one would meet the button that calls off what the first began. */
function Verb({ verb, model, isFirst = false }) {
  const going = underWay.value.get(keyOf(model));
  const look = isFirst && verb === "load" ? "button button-primary" : "button";
  return html`<button class=${look} aria-disabled=${going === verb ? "true" : undefined}
      aria-label=${t("models.verb_of", { verb: wordOf(verb, model), name: model.name })}
      aria-keyshortcuts=${KEYS[verb]} onClick=${({ detail }) => detail < 2 && order(verb, model)}>
    ${wordOf(verb, model)}${going === verb ? "…" : ""}</button>`;
}

/** Files that are here are fetched again only as far as something of them is new. */
function wordOf(verb, { files }) {
  return verb === "pull" && files?.at === "here" ? t("models.verb.pull_new") : t(`models.verb.${verb}`);
}

/** The way to a model's details. */
export const addressOfModel = (model) => addressOf({ name: model.name, site: model.site, page: null });
