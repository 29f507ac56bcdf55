// The token budget of what is being composed: asked for in pauses, shown as a bar with a word, and with what
// to do when it is over. Old questions are given up; what an item took is shown on while it is counted anew.

import { explain } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { number, percent, t } from "../i18n/index.js";
import { Meter } from "../shell/meter.js";
import { contentOf, isBlank, mediaIn } from "./blocks.js";
import { over, remedy } from "./costs.js";
import { countTokens } from "./counting.js";

const PAUSE_MS = 300;
const NOTHING = { reckoning: null, costs: new Map(), busy: false, error: null };
const LEVELS = { ok: ["✓", "ok"], warning: ["▲", "warn"], critical: ["✕", "err"] };

/** @typedef {{reckoning: import("./costs.js").Reckoning | null, costs: Map<string, object>, busy: boolean,
 *   error: Error | null}} Budget */

/**
 * @param {{model: string, blocks: import("./blocks.js").Block[], before: {image: number, video: number},
 *   history?: () => Promise<object[]>, turn: unknown}} asked `turn` changes when the conversation does
 * @returns {Budget}
 */
export function useBudget({ model, blocks, before, history, turn }) {
  const [budget, setBudget] = useState(NOTHING);
  const memory = useRef(new Map()); // "<model> <file>" → cost
  useEffect(() => {
    if (!model || isBlank(blocks)) return void setBudget(NOTHING);
    const items = mediaIn(blocks);
    setBudget((now) => ({ ...now, busy: true, costs: remembered(memory.current, model, items) }));
    const leaving = new AbortController();
    const timer = setTimeout(async () => {
      const next = await counted({ model, blocks, items, before, history, signal: leaving.signal });
      if (leaving.signal.aborted) return;
      for (const { id, file } of items) memory.current.set(`${model} ${file}`, next.costs.get(id));
      setBudget(next);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [model, blocks, turn]);
  return budget;
}

function remembered(memory, model, items) {
  const known = items.map(({ id, file }) => [id, memory.get(`${model} ${file}`)]);
  return new Map(known.filter(([, cost]) => cost));
}

/** The answer to one question, whatever it is. */
async function counted({ model, blocks, items, before, history, signal }) {
  try {
    const asked = { model, content: contentOf(blocks, before), ids: items.map(({ id }) => id), signal };
    const reckoning = await countTokens({ ...asked, history: (await history?.()) ?? [] });
    return { ...NOTHING, reckoning, costs: reckoning.items };
  } catch (error) {
    if (!error.item) return { ...NOTHING, error };
    const cost = { tokens: 0, exact: false, error: explain(error) };
    return { ...NOTHING, costs: new Map([[error.item, cost]]) };
  }
}

/**
 * @param {{budget: Budget, blocks: import("./blocks.js").Block[], labelOf: (id: string) => string,
 *   onRemedy: (remedy: import("./costs.js").Remedy) => void}} props
 */
export function BudgetBar({ budget, blocks, labelOf, onRemedy }) {
  const { reckoning, error, busy } = budget;
  if (error) return html`<p class="budget-error">✕ ${explain(error)}</p>`;
  if (!reckoning) return null;
  const fix = remedy(mediaIn(blocks), reckoning);
  return html`<div class="budget" data-busy=${busy ? "" : null}>
    <${Level} reckoning=${reckoning} />
    ${fix && html`<${Over} excess=${over(reckoning)} fix=${fix} labelOf=${labelOf} onRemedy=${onRemedy} />`}
  </div>`;
}

function Level({ reckoning }) {
  const { total, context, level, exact } = reckoning;
  const [glyph, tone] = LEVELS[level];
  const word = t(`media.level.${level}`);
  const about = exact ? "" : "≈ ";
  const values = { total: number(total), context: number(context ?? 0), n: total };
  const text = about + t(context ? "media.budget.of" : "media.budget.total", values);
  const share = context ? Math.min(1, total / context) : 0;
  return html`<div class="budget-line" title=${t(exact ? "media.exact" : "media.estimate")}>
    ${context &&
    html`<${Meter} share=${share} label=${t("media.budget")} text=${`${text}, ${word}`} tone=${tone} />`}
    <span class="budget-text">${text}${context ? ` · ${percent(total / context)}` : ""}</span>
    <span class=${`phase tone-${tone}`}><span aria-hidden="true">${glyph}</span> ${word}</span>
    ${!exact && html`<span class="budget-estimate">${t("media.estimate.short")}</span>`}
  </div>`;
}

function Over({ excess, fix, labelOf, onRemedy }) {
  const name = fix.id && labelOf(fix.id);
  const action = { shrink: "media.over.shrink", remove: "media.over.remove" }[fix.kind];
  const values = { name, width: String(fix.size?.width), height: String(fix.size?.height) };
  return html`<div class="budget-over" role="status">
    <span>${t("media.over", { n: excess })}${action ? "" : ` ${t("media.over.text")}`}</span>
    ${action &&
    html`<button type="button" class="button" onClick=${() => onRemedy(fix)}>${t(action, values)}</button>`}
  </div>`;
}
