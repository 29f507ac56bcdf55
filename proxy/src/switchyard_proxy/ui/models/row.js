// One model in the list: its names, its phase, what it takes, who uses it, and what can be done with it.

import { html } from "../html.js";
import { ago, t } from "../i18n/index.js";
import { Phase } from "../shell/phase.js";
import { keyOf } from "../store/news.js";
import { addressOfModel, RowActions } from "./actions.js";
import { usedAt } from "./listing.js";
import { now } from "./now.js";
import { cursor, shown } from "./place.js";
import { pointAt, pointAway } from "./prospects.js";
import { Memory, Requests, Standing } from "./state.js";

export function Row({ model }) {
  const key = keyOf(model);
  const isOpen = shown.value !== null && keyOf(shown.value) === key;
  const point = () => pointAt(model);
  const enter = () => {
    cursor.value = key;
    point();
  };
  return html`<tr class="models-row" data-model=${key} aria-current=${isOpen ? "true" : undefined}
      onMouseEnter=${point} onMouseLeave=${pointAway} onFocusIn=${enter} onFocusOut=${pointAway}>
    <th scope="row" class="models-cell-name"><${Name} model=${model} /></th>
    <td class="models-cell-phase"><${Phase} phase=${model.phase} /><${Standing} model=${model} /></td>
    <td class="models-cell-memory number"><${Memory} model=${model} /></td>
    <td class="models-cell-used"><${Used} model=${model} /></td>
    <td class="models-cell-requests"><${Requests} model=${model} /></td>
    <td class="models-cell-actions"><${RowActions} model=${model} /></td>
  </tr>`;
}

function Name({ model }) {
  const variants = Object.keys(model.serving?.variants ?? {});
  const also = [...(model.aliases ?? []).map((name) => `= ${name}`), ...variants.map((name) => `:${name}`)];
  return html`<a class="models-name" href=${addressOfModel(model)}
      data-cursor=${keyOf(model)}>${model.name}</a>
    ${model.pinned && html` <span class="badge">${t("models.pinned")}</span>`}
    <span class="models-kind dim small">${t(`models.type.${model.type}`)} · ${model.engine}
      ${also.length > 0 && html`<span class="models-also"> ${also.join(" ")}</span>`}</span>`;
}

function Used({ model }) {
  const at = usedAt(model);
  if (at === null) return html`<span class="dim" aria-hidden="true">–</span>`;
  return html`<span class="models-label dim">${t("models.used")} </span>${model.in_flight > 0
    ? t("models.used_now") : ago(at, now.value)}`;
}
