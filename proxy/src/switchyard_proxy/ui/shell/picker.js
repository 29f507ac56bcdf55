// The choice of a model: a button with its phase, and a list, grouped by what models are for, that narrows as
// one types. It knows no view: whoever shows it says which models fit, and hears which was picked.

import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { models, sites } from "../store/live.js";
import { find } from "../store/names.js";
import { glyphOf, toneOf } from "../store/phases.js";
import { ranked } from "./fuzzy.js";
import { Phase } from "./phase.js";

const GROUPS = ["text", "vision", "image"];

/**
 * Everything that can be picked: models, their variants, and the proxy's virtual names. Pure.
 * @param {object[]} all ModelStatus
 * @param {object[]} places as `sites` has them
 * @param {(model: object) => boolean} fits
 * @returns {Array<{name: string, group: string, model: object|null, variant: string|null, words: string}>}
 */
export function choices(all, places, fits) {
  const own = all
    .filter(fits)
    .flatMap((model) => [
      choice(model.name, model.type, model, null),
      ...Object.keys(model.serving?.variants ?? {}).map((variant) =>
        choice(`${model.name}:${variant}`, model.type, model, variant),
      ),
    ]);
  const virtual = places
    .flatMap((site) => site.virtual ?? [])
    .map(({ name }) => choice(name, "virtual", null, null));
  const known = new Set();
  return [...own, ...virtual].filter(({ name }) => !known.has(name) && known.add(name));
}

const choice = (name, group, model, variant) => ({
  name,
  group,
  model,
  variant,
  words: [name, ...(model?.aliases ?? [])].join(" "),
});

/**
 * In groups, each in the order of the catalog; narrowed, the best of each first. Pure.
 * @param {ReturnType<typeof choices>} all
 * @param {string} typed
 */
export function grouped(all, typed) {
  const left = typed.trim() ? ranked(typed, all, (one) => one.words).map(({ item }) => item) : all;
  const names = [
    ...GROUPS,
    ...new Set(left.map((one) => one.group).filter((group) => !GROUPS.includes(group))),
  ];
  return names
    .map((group) => ({ group, rows: left.filter((one) => one.group === group) }))
    .filter((g) => g.rows.length);
}

/**
 * @param {{value: string, onPick: (name: string) => void, fits?: (model: object) => boolean, label: string,
 *   id?: string}} props `label` says what the model is for
 */
export function ModelPicker({ value, onPick, fits = () => true, label, id }) {
  const [isOpen, setOpen] = useState(false);
  const list = useRef(null);
  const button = useRef(null);
  const popup = useId();
  const model = find(models.value, value)?.model;
  // What is in it is there before it shows, so that its field has the focus from the first moment; and it
  // stays until it is hidden, so that the focus is given back.
  const opens = ({ newState }) => {
    if (newState !== "open") return;
    setOpen(true);
    place(list.current, button.current);
  };
  const toggled = ({ newState }) => setOpen(newState === "open");
  const close = () => {
    list.current.hidePopover();
    button.current.focus();
  };
  const pick = (name) => {
    close();
    onPick(name);
  };
  return html`<button ref=${button} id=${id} type="button" class="button picker-button" popovertarget=${popup}
      aria-haspopup="dialog" aria-expanded=${isOpen} title=${value}
      aria-label=${spoken(label, value, model)}
      onKeyDown=${(event) => openBy(event, list.current)}>
      ${model && html`<span class=${`picker-glyph tone-${toneOf(model.phase)}`} aria-hidden="true">
        ${glyphOf(model.phase)}</span>`}
      <span class="picker-name">${value || t("shell.picker.none")}</span>
      <span class="picker-arrow" aria-hidden="true">▾</span></button>
    <div ref=${list} id=${popup} popover="auto" class="menu picker" role="dialog" aria-label=${label}
        onBeforeToggle=${opens} onToggle=${toggled}>
      ${isOpen && html`<${Choices} value=${value} fits=${fits} label=${label} onPick=${pick}
        onLeave=${close} />`}
    </div>`;
}

/**
 * What the button is for, what is chosen, and how that one is: a glyph alone tells nobody who does not see
 * it.
 */
function spoken(label, value, model) {
  const chosen = value || t("shell.picker.none");
  return model ? `${label}: ${chosen}, ${t(`shell.phase.${model.phase}`)}` : `${label}: ${chosen}`;
}

function Choices({ value, fits, label, onPick, onLeave }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(null);
  const field = useRef(null);
  const base = useId();
  const groups = grouped(choices(models.value, sites.value, fits), typed);
  const rows = groups.flatMap((group) => group.rows);
  const chosen = at ?? Math.max(0, typed ? 0 : rows.findIndex((row) => row.name === value));
  const here = Math.min(chosen, rows.length - 1);
  useLayoutEffect(() => field.current.focus(), []);
  useEffect(() => {
    document.getElementById(`${base}-${here}`)?.scrollIntoView({ block: "nearest" });
  }, [here, typed]);
  const move = (event) =>
    walk(event, { here, count: rows.length, setAt, pick: () => onPick(rows[here].name), onLeave });
  return html`<input ref=${field} class="input picker-filter" type="text" role="combobox" aria-expanded="true"
      aria-label=${t("shell.picker.filter")} placeholder=${t("shell.picker.filter")} aria-controls=${base}
      aria-autocomplete="list" autocomplete="off" autofocus spellcheck=${false}
      aria-activedescendant=${here >= 0 ? `${base}-${here}` : undefined} value=${typed} onKeyDown=${move}
      onInput=${(event) => {
        setTyped(event.target.value);
        setAt(null);
      }} />
    <div id=${base} class="picker-list" role="listbox" aria-label=${label}>
      ${groups.map(
        ({ group, rows: members }) => html`
        <div key=${group} role="group" aria-label=${t(`shell.picker.group.${group}`)}>
          <div class="picker-group" aria-hidden="true">${t(`shell.picker.group.${group}`)}</div>
          ${members.map(
            (row) => html`<${Row} key=${row.name} row=${row} id=${`${base}-${rows.indexOf(row)}`}
            isHere=${rows.indexOf(row) === here} isValue=${row.name === value} onPick=${onPick} />`,
          )}
        </div>`,
      )}
    </div>
    ${!rows.length && html`<p class="picker-empty dim">
      ${models.value.length ? t("shell.picker.no_match") : t("shell.picker.nothing")}</p>`}`;
}

const Row = ({ row, id, isHere, isValue, onPick }) => html`
  <div id=${id} role="option" class="picker-row" aria-selected=${isHere} onClick=${() => onPick(row.name)}>
    <span class="picker-mark" aria-hidden="true">${isValue ? "›" : ""}</span>
    <span class="picker-name" title=${row.model?.description ?? row.name}>${row.name}</span>
    ${row.model && html`<${Phase} phase=${row.model.phase} />`}
  </div>`;

function walk(event, { here, count, setAt, pick, onLeave }) {
  if (event.isComposing || event.keyCode === 229) return;
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, PageDown: here + 8, PageUp: here - 8 }[event.key];
  if (to !== undefined && count)
    setAt(Math.abs(to - here) === 1 ? (to + count) % count : Math.min(count - 1, Math.max(0, to)));
  else if (event.key === "Enter" && count) pick();
  else if (event.key === "Escape") onLeave();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function openBy(event, list) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  list.showPopover();
}

/** Below its button, or above it where there is more room; never beyond the window. */
function place(list, button) {
  const from = button.getBoundingClientRect();
  const width = Math.min(innerWidth - 16, Math.max(from.width, 420));
  const below = innerHeight - from.bottom - 12;
  const isBelow = below > 280 || below > from.top;
  Object.assign(list.style, {
    width: `${width}px`,
    left: `${Math.max(8, Math.min(from.left, innerWidth - width - 8))}px`,
    maxHeight: `${Math.min(480, isBelow ? below : from.top - 12)}px`,
    top: isBelow ? `${from.bottom + 4}px` : "auto",
    bottom: isBelow ? "auto" : `${innerHeight - from.top + 4}px`,
  });
}
