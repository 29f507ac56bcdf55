// What a composer has to say about what is written in it: files being read or refused, too much weight,
// tokens.

import { Fragment, html } from "../html.js";
import { bytes, t } from "../i18n/index.js";
import { weigh } from "../media/weight.js";
import { facts, models } from "../store/live.js";
import { find } from "../store/names.js";
import { mediaIn } from "./blocks.js";
import { BudgetBar } from "./budget.js";

const MOST_BYTES = 3; // of one letter in UTF-8, but for those that are two letters here anyway

/**
 * How heavy the message is against what the proxy takes, and which file weighs most.
 * @param {import("./blocks.js").Block[]} blocks
 */
export function weightOf(blocks) {
  const media = mediaIn(blocks);
  const text = blocks.reduce((sum, block) => sum + (block.text?.length ?? 0) * MOST_BYTES, 0);
  const heaviest = [...media].sort((one, other) => other.size - one.size)[0]?.id ?? null;
  return { ...weigh(media, text, facts.value?.limits?.body_mib), heaviest };
}

export function Notes({ progress, trouble, setTrouble, weight, budget, blocks, labels, mend, model }) {
  return html`<${Fragment}>
    ${progress && html`<p class="composer-note" role="status">${readingText(progress)}</p>`}
    ${
      trouble &&
      html`<div class="notice notice-err composer-note" role="alert">
      <span>${trouble}</span>
      <button
        type="button"
        class="button-icon"
        aria-label=${t("media.dismiss")}
        onClick=${() => setTrouble("")}
      >
        ✕
      </button>
    </div>`
    }
    ${
      weight.over > 0 &&
      html`<p class="notice notice-err composer-note" role="alert">${heavyText(weight, labels)}</p>`
    }
    ${mediaIn(blocks).length > 0 && html`<${Blind} model=${model} />`}
    <${BudgetBar} budget=${budget} blocks=${blocks} labelOf=${(id) => labels.get(id)} onRemedy=${mend} />
  <//>`;
}

/**
 * Warns where the model is known not to look at pictures; of a name that stands for several nothing is known.
 */
function Blind({ model }) {
  const known = find(models.value, model)?.model;
  if (!known || known.capabilities?.includes("vision")) return null;
  return html`<p class="notice notice-warn composer-note" role="status">${t("media.blind", { model })}</p>`;
}

const readingText = ({ done, all }) => t("media.reading", { at: Math.min(done + 1, all), all });

function heavyText({ bytes: size, limit, over, heaviest }, labels) {
  const sizes = { size: bytes(size), limit: bytes(limit), over: bytes(over) };
  return heaviest ? t("media.heavy", { ...sizes, name: labels.get(heaviest) }) : t("media.heavy.text", sizes);
}
