// The row of filters. Holds nothing: what is chosen stands in the address.

import { html, useEffect, useRef } from "../html.js";
import { number, t } from "../i18n/index.js";
import { OUTCOMES, PERIODS, SLOWER, count } from "./filters.js";

const PAUSE_MS = 300;

/**
 * @param {{filters: object, models: string[], keys: string[], onChange: (partial: object) => void,
 *   onClear: () => void}} props
 */
export function FilterBar({ filters, models, keys, onChange, onClear }) {
  const choose = (name) => (event) => onChange({ [name]: event.target.value });
  const set = count(filters);
  const clear = () => {
    // The button goes, and the focus must not go with it.
    document.getElementById("activity-q").focus();
    onClear();
  };
  return html`<form class="activity-filters" role="search" aria-label=${t("activity.filters")}
      onSubmit=${(event) => event.preventDefault()}>
    <${Search} value=${filters.q} onChange=${(q) => onChange({ q })} />
    <${Choice} name="model" filters=${filters} onChange=${choose("model")}
      options=${named(models, filters.model)} />
    <${Choice} name="outcome" filters=${filters} onChange=${choose("outcome")}
      options=${OUTCOMES.map((one) => [one, t(`activity.outcome.${one}`)])} />
    <${Choice} name="key" filters=${filters} onChange=${choose("key")} options=${named(keys, filters.key)} />
    <${Choice} name="period" filters=${filters} onChange=${choose("period")} all=${null}
      options=${Object.keys(PERIODS).map((one) => [one, t(`activity.period.${one}`)])} />
    <${Choice} name="slower" filters=${filters} onChange=${choose("slower")}
      options=${SLOWER.map((s) => [String(s), t("activity.slower_than", { s: number(s) })])} />
    <${Chips} filters=${filters} onChange=${onChange} />
    ${set > 0 && html`<button type="button" class="button-quiet activity-clear" onClick=${clear}>
      ${t("activity.clear")}</button>`}
  </form>`;
}

// Also what is chosen and not among those seen, or the choice would seem to be another.
const named = (names, chosen) =>
  [...new Set([...names, ...(chosen ? [chosen] : [])])].sort().map((name) => [name, name]);

function Choice({ name, filters, options, onChange, all = t("activity.any") }) {
  return html`<label class="field activity-choice">
    <span class="field-label">${t(`activity.field.${name}`)}</span>
    <select class="select" value=${filters[name]} onChange=${onChange}>
      ${all !== null && html`<option value="" selected=${filters[name] === ""}>${all}</option>`}
      ${options.map(([value, text]) => html`
        <option value=${value} selected=${filters[name] === value}>${text}</option>`)}
    </select></label>`;
}

/** Asks when the reader pauses, not at every letter. */
function Search({ value, onChange }) {
  const timer = useRef(0);
  const field = useRef(null);
  useEffect(() => {
    if (document.activeElement !== field.current) field.current.value = value;
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const typed = (event) => {
    const text = event.target.value.trim();
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(text), PAUSE_MS);
  };
  return html`<label class="field activity-search">
    <span class="field-label">${t("activity.field.q")}</span>
    <input class="input" type="search" id="activity-q" ref=${field} defaultValue=${value} maxlength="200"
      autocomplete="off" spellcheck=${false} onInput=${typed} /></label>`;
}

/** Filters that come from a click in the list and have no field here. */
function Chips({ filters, onChange }) {
  const set = ["route", "code", "status"].filter((name) => filters[name]);
  return set.length > 0 && html`<p class="activity-chips">${set.map((name) => html`
    <button type="button" key=${name} class="chip" onClick=${() => onChange({ [name]: "" })}
      aria-label=${t("activity.drop_filter", { name: t(`activity.field.${name}`), value: filters[name] })}>
      <span class="wrap">${t(`activity.field.${name}`)}: ${filters[name]}</span>
      <span aria-hidden="true">✕</span>
    </button>`)}</p>`;
}
