// One attached picture or video: thumbnail, label, tokens, and what can be done with it.

import { html, useEffect, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { MOST_LABEL, tidy } from "./labels.js";
import { Thumb, factsOf } from "./thumb.js";
import { openViewer } from "./viewer.js";

/**
 * Alt+arrows move, Delete removes: the same wherever the focus is within the chip.
 * @param {KeyboardEvent} event
 * @param {{at: number, all: number, onMove: (to: number) => void, onRemove: () => void}} chip
 */
export function chipKey(event, { at, all, onMove, onRemove }) {
  if (event.target.tagName === "INPUT") return;
  const steps = { ArrowLeft: at - 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowDown: at + 1 };
  const to = { ...steps, Home: 0, End: all - 1 }[event.key];
  if (event.altKey && to !== undefined) onMove(to);
  else if (event.key === "Delete" || event.key === "Backspace") onRemove();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** `column`: the chips stand one below the other; `viewAt`: its place among those of the large view. */
export function Chip(props) {
  const { item, at, label, cost, among, viewAt = at, held, isTarget, grip, onLabel, named } = props;
  const style = held ? { transform: `translate(${held.x}px, ${held.y}px)` } : null;
  return html`<li
    class="media-chip"
    style=${style}
    data-item=${item.id}
    data-held=${held ? "" : null}
    data-target=${isTarget ? "" : null}
    data-trouble=${cost?.error ? "" : null}
    onKeyDown=${(event) => chipKey(event, props)}
  >
    <button
      type="button"
      class="media-open"
      ...${grip(at, { touch: false })}
      onClick=${() => openViewer(among, viewAt)}
      aria-label=${`${t("media.open", { name: label })} · ${item.name}`}
      title=${`${item.name} · ${factsOf(item)}`}
    >
      <${Thumb} id=${item.file} />
    </button>
    <div class="media-side">
      ${named ? html`<${Label} label=${label} own=${item.label} onLabel=${onLabel} />` : null}
      <span class="media-facts">${item.width ? `${item.width}×${item.height}` : item.name}</span>
      <${Cost} cost=${cost} />
      <${ChipTools} ...${props} />
    </div>
  </li>`;
}

const STEPS = {
  row: [{ glyph: "◂", key: "media.earlier" }, { glyph: "▸", key: "media.later" }],
  column: [{ glyph: "▴", key: "media.up" }, { glyph: "▾", key: "media.down" }],
};

/** What a finger drags by; those who use keys have keys for it. */
export const Grip = (handlers) =>
  html`<span class="media-grip" aria-hidden="true" title=${t("media.drag")} ...${handlers}>⠿</span>`;

function ChipTools({ at, all, label, column, grip, onMove, onRemove, onShrink }) {
  const [earlier, later] = STEPS[column ? "column" : "row"];
  const tool = (glyph, key, run, off = false) =>
    html`<button
      type="button"
      class="media-tool"
      disabled=${off}
      onClick=${run}
      aria-label=${t(key, { name: label })}
      title=${t(key, { name: label })}
    >
      ${glyph}
    </button>`;
  return html`<span class="media-tools">
    ${all > 1 && html`<${Grip} ...${grip(at)} />`}
    ${all > 1 && tool(earlier.glyph, earlier.key, () => onMove(at - 1), at === 0)}
    ${all > 1 && tool(later.glyph, later.key, () => onMove(at + 1), at === all - 1)}
    ${onShrink && tool("⤡", "media.smaller", onShrink)} ${tool("✕", "media.remove", onRemove)}
  </span>`;
}

function Cost({ cost }) {
  if (!cost) return null;
  if (cost.error) return html`<span class="media-error">✕ ${cost.error}</span>`;
  if (!cost.tokens && !cost.exact) return html`<span class="media-cost">${t("media.tokens.unknown")}</span>`;
  return html`<span class="media-cost" title=${cost.exact ? t("media.exact") : t("media.estimate")}>
    ${cost.exact ? "" : "≈ "}${t("media.tokens", { n: cost.tokens })}
  </span>`;
}

/** Shows the label; a press lets the user write another. An emptied one goes back to the automatic label. */
function Label({ label, own, onLabel }) {
  const [edited, setEdited] = useState(null);
  const field = useRef(null);
  const button = useRef(null);
  const isEdited = edited !== null;
  useEffect(() => field.current?.select(), [isEdited]);
  const end = (text) => {
    setEdited(null);
    if (text !== null && tidy(text) !== label) onLabel(tidy(text) || null);
    requestAnimationFrame(() => button.current?.focus());
  };
  if (!isEdited) {
    const title = t("media.rename", { name: label });
    const edit = () => setEdited(label);
    const said = { "aria-label": title, title };
    return html`<button type="button" class="media-label" ref=${button} onClick=${edit} ...${said}>
      <span>${label}</span><span aria-hidden="true">${own ? "✎" : ""}</span>
    </button>`;
  }
  const onKeyDown = (event) => {
    const isComposing = event.isComposing || event.keyCode === 229;
    if (isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    end(event.key === "Enter" ? edited : null);
  };
  return html`<input
    class="input media-label-field"
    ref=${field}
    value=${edited}
    maxlength=${MOST_LABEL}
    aria-label=${t("media.label")}
    placeholder=${t("media.label.automatic")}
    onInput=${(event) => setEdited(event.target.value)}
    onKeyDown=${onKeyDown}
    onBlur=${() => isEdited && end(edited)}
  />`;
}
