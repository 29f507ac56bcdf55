// The form: what is to be drawn, by which model, and everything that may be said about it. Sending it is
// `orders`'.

import { html, useEffect, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { ModelPicker } from "../shell/picker.js";
import { models } from "../store/live.js";
import { whyNot } from "./abilities.js";
import { Advanced } from "./advanced.js";
import { change, chosenModel, isDue, wish } from "./draft.js";
import { Field, NumberField, Segmented, told } from "./fields.js";
import { abilities, isPainter, learn, painter, painters } from "./offers.js";
import { isOver } from "./order.js";
import { orders } from "./orders.js";
import { References } from "./references.js";
import { Seed } from "./seed.js";
import { submit } from "./send.js";
import { SizeField } from "./size-field.js";
import { faultsIn, MOST_PICTURES, MOST_PROMPT } from "./wish.js";

// What is not there yet is no fault before somebody has tried to send it.
const LATE = ["no-model", "no-prompt", "no-reference"];

/** @param {{onPlaced: () => void}} props */
export function Form({ onPlaced }) {
  const form = useRef(null);
  const [isTried, setTried] = useState(false);
  const model = chosenModel();
  const now = { ...wish.value, model };
  const can = abilities(model);
  const phase = painter(model)?.phase;
  // A proxy that has not asked the engine for anything yet cannot look at it: so once more when it draws.
  const isDrawing = orders.value.some((one) => one.phase === "drawing");
  useEffect(() => { learn(model); }, [model, phase, isDrawing]);
  const faults = faultsIn(now, can);
  const shown = (field) => {
    const fault = faults.find((one) => one.field === field);
    return isTried || !LATE.includes(fault?.key) ? told(fault) : null;
  };
  const send = async (event) => {
    event?.preventDefault();
    setTried(true);
    const why = whyNot(can, now.mode);
    if (faults.length > 0 || why) return showFault(form.current, faults[0]?.field);
    setTried(false);
    if (await submit(now, can)) onPlaced();
  };
  const isTime = isDue.value && models.value.length > 0;
  useEffect(() => {
    if (!isTime) return;
    isDue.value = false;
    send();
  }, [isTime]);
  return html`<form ref=${form} class="images-form" noValidate aria-label=${t("images.form")} onSubmit=${send}
      onKeyDown=${(event) => isSend(event) && send(event)}>
    <${Mode} can=${can} mode=${now.mode} />
    <${Model} model=${model} fault=${shown("model")} />
    <${Prompt} value=${now.prompt} fault=${shown("prompt")} mode=${now.mode} />
    ${now.mode === "edit" && html`<${References} can=${can} fault=${shown("references")} />`}
    <${SizeField} size=${now.size} can=${can} fault=${shown("size")} mode=${now.mode} />
    <div class="images-count-seed">
      <${NumberField} name="count" label=${t("images.count")} min=${1} max=${MOST_PICTURES} value=${now.count}
        fault=${shown("count")} onValue=${(count) => change({ count: count ?? 1 })} />
      <${Seed} seed=${now.seed} locked=${now.locked} fault=${shown("seed")} />
    </div>
    <${Advanced} now=${now} can=${can} fault=${shown} />
    <${Send} mode=${now.mode} />
  </form>`;
}

const isSend = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing;

/** To the first field that is wrong, opened if it lies folded. */
function showFault(form, field) {
  const wrong = form.querySelector('[aria-invalid="true"]') ?? form.elements[field ?? "mode"];
  const target = wrong instanceof RadioNodeList ? wrong[0] : wrong;
  target?.closest("details")?.setAttribute("open", "");
  target?.focus();
}

function Mode({ can, mode }) {
  const why = whyNot(can, mode);
  return html`<div class="field">
    <${Segmented} legend=${t("images.mode")} name="mode" value=${mode}
      onValue=${(next) => change({ mode: next })}
      options=${["draw", "edit"].map((value) => ({ value, text: t(`images.mode.${value}`) }))} />
    ${why && painters().length > 0 && html`
      <p class="field-error" role="status">${t(`images.why.${why}`)}</p>`}
  </div>`;
}

function Model({ model, fault }) {
  const listed = painter(model);
  if (painters().length === 0) {
    const key = models.value.length > 0 ? "images.model.none" : "images.model.waiting";
    return html`<p class="notice">${t(key)}</p>`;
  }
  return html`<div class="field">
    <span class="field-label" aria-hidden="true">${t("images.model")}</span>
    <${ModelPicker} value=${model} label=${t("images.model")} fits=${isPainter}
      onPick=${(next) => change({ model: next })} />
    ${fault && html`<span class="field-error">${fault}</span>`}
    ${listed && !abilities(model).known && html`<span class="field-hint">${t("images.model.unknown")}</span>`}
  </div>`;
}

function Prompt({ value, fault, mode }) {
  const near = value.length > MOST_PROMPT * 0.9;
  return html`<${Field} label=${t(`images.prompt.${mode}`)} fault=${fault}
    hint=${near ? t("images.prompt.length", { n: value.length, most: MOST_PROMPT }) : null}
    field=${(ties) => html`
    <textarea ...${ties} class="textarea images-prompt" name="prompt" rows="4" value=${value}
      placeholder=${t(`images.prompt.${mode}.example`)}
      onInput=${(event) => change({ prompt: event.target.value })} />`} />`;
}

function Send({ mode }) {
  const ahead = orders.value.filter((one) => !isOver(one)).length;
  return html`<div class="images-send">
    <button class="button button-primary" type="submit">${t(`images.send.${mode}`)}</button>
    ${ahead > 0 ? html`<span class="field-hint">${t("images.send.ahead", { n: ahead })}</span>`
      : html`<span class="field-hint images-send-key">${t("images.send.key")}</span>`}
  </div>`;
}
