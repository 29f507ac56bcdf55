// What is under way: the order that is drawn with its preview, those that wait, and how the last ones ended.

import { html, useEffect, useState } from "../html.js";
import { ago, seconds, t } from "../i18n/index.js";
import { Meter } from "../shell/meter.js";
import { abilities } from "./offers.js";
import { isOver, placeOf, remaining, share, sizeHint } from "./order.js";
import { cancel, dismiss, orders, previews, retry, shift } from "./orders.js";
import { Results } from "./results.js";
import { within } from "./sizes.js";
import { Standing } from "./standing.js";
import { Trouble } from "./trouble.js";

const PREVIEW = { width: 320, height: 320 };
const SEVERAL = { width: 190, height: 190 };
const MOST_GROWTH = 3;

/** Orders, those under way first. Nothing where there is none. */
export function Work() {
  const shown = orders.value;
  const now = useClock(shown.some((one) => !isOver(one)));
  if (shown.length === 0) return null;
  const waiting = shown.filter((one) => one.phase === "queued");
  const rest = shown.filter((one) => one.phase !== "queued").reverse();
  return html`<section class="images-work" aria-label=${t("images.work")}>
    ${rest.map((order) => html`<${Order} key=${order.id} order=${order} now=${now} />`)}
    ${waiting.length > 0 && html`<${Waiting} waiting=${waiting} all=${shown} />`}
  </section>`;
}

/** The time, each second while something is under way. */
function useClock(isOn) {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    if (!isOn) return undefined;
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, [isOn]);
  return Math.max(now, Date.now() / 1000);
}

function Order({ order, now }) {
  const can = abilities(order.wish.model);
  const size = sizeHint(order, can);
  const { count } = order.wish;
  const box = within(size, count > 1 ? SEVERAL : PREVIEW, MOST_GROWTH);
  const isDone = order.phase === "done" || (isOver(order) && order.drawn > 0);
  const hasRoom = !isOver(order) || previews.value[order.id]; // nothing will come any more: no room for it
  return html`<article class=${`panel images-order images-${order.phase}`}
    aria-label=${order.wish.prompt.slice(0, 80)}>
    ${isDone ? html`<${Results} batch=${order.id} box=${box} count=${order.drawn} />`
      : hasRoom && html`<${Previews} order=${order} box=${box} count=${count} />`}
    <div class="images-order-side">
      <p class="images-order-prompt" title=${order.wish.prompt}>${order.wish.prompt}</p>
      <p class="small dim wrap">${facts(order, isSizeKnown(order, can) ? size : null)}</p>
      <${State} order=${order} now=${now} />
      <${Buttons} order=${order} />
    </div>
  </article>`;
}

function facts(order, size) {
  const { wish, seed } = order;
  const many = wish.count > 1 ? [t("images.pictures", { n: wish.count })] : [];
  const measure = size ? [`${size.width} × ${size.height}`] : [];
  return [wish.model, ...measure, ...many, t("images.seed.is", { seed: String(seed) })].join(" · ");
}

/** Whether it is more than a guess that keeps room. */
const isSizeKnown = (order, can) => order.size !== null || order.wish.size !== "auto" || can.known;

/** Boxes of the size that the pictures will have: nothing moves when they come. */
function Previews({ order, box, count }) {
  const urls = previews.value[order.id] ?? {};
  return html`<div class="images-previews">
    ${Array.from({ length: count }, (_, at) => html`
      <div key=${at} class="images-preview"
        style=${{ width: `${box.width}px`, aspectRatio: `${box.width} / ${box.height}` }}>
        ${urls[at] ? html`<img src=${urls[at]} alt=${t("images.preview", { n: at + 1 })} decoding="async" />`
          : html`<span class="images-blank"
            aria-hidden="true">${order.phase === "drawing" ? "▒" : "░"}</span>`}
      </div>`)}
  </div>`;
}

function State({ order, now }) {
  switch (order.phase) {
    case "asking": return html`<${Asking} order=${order} now=${now} />`;
    case "drawing": return html`<${Progress} order=${order} now=${now} />`;
    case "failed": return html`<${Trouble} order=${order} />`;
    case "stopped": return html`<p class="images-state dim">◼ ${t("images.stopped")}</p>`;
    default: return html`<${Done} order=${order} now=${now} />`;
  }
}

function Asking({ order, now }) {
  const waited = t("images.waited", { time: seconds(Math.max(0, now - order.askedAt)) });
  return html`<p class="images-state">
    ${order.anew && html`<span class="tone-warn">↻ ${t("images.anew")}</span>`}
    <${Standing} order=${order} now=${now} /> <span class="dim">· ${waited}</span></p>`;
}

function Done({ order, now }) {
  const took = seconds(order.endedAt - (order.startedAt ?? order.endedAt));
  const facts = `· ${took} · ${ago(order.endedAt, now)}`;
  return html`<p class="images-state"><span class="tone-ok">✓ ${t("images.done", { n: order.drawn })}</span>
    <span class="dim">${facts}</span></p>`;
}

function Progress({ order, now }) {
  const left = remaining(order, now);
  const lost = order.link === "reconnecting";
  const step = order.total ? t("images.step", { n: order.step, total: order.total }) : t("images.begun");
  const time = left === null ? null : timeLeft(left);
  const text = [step, time].filter(Boolean).join(" · ");
  return html`<div class="images-state images-progress">
    <${Meter} share=${share(order)} label=${t("images.progress")} text=${text} wide />
    <span>${text}</span>
    ${lost && html`<span class="tone-warn">↻ ${t("images.link.lost")}</span>`}
  </div>`;
}

const timeLeft = (left) => (left < 1 ? t("images.soon") : t("images.about", { time: seconds(left) }));

function Buttons({ order }) {
  if (!isOver(order)) {
    return html`<div class="toolbar"><button class="button"
      onClick=${() => cancel(order.id)}>${t("images.cancel")}</button></div>`;
  }
  const isAgain = order.phase !== "done";
  return html`<div class="toolbar">
    ${isAgain && html`<button class="button" onClick=${() => retry(order.id)}>${t("images.retry")}</button>`}
    <button class="button-quiet" onClick=${() => dismiss(order.id)}>${t("images.dismiss")}</button>
  </div>`;
}

function Waiting({ waiting, all }) {
  return html`<section class="panel images-waiting"><h2
    class="panel-title">${t("images.waiting", { n: waiting.length })}</h2>
    <ol class="list">${waiting.map((order, at) => html`<li key=${order.id} class="row">
      <span class="number dim">${placeOf(all, order) + 1}.</span>
      <span class="row-main clip" title=${order.wish.prompt}>${order.wish.prompt}</span>
      <span class="row-side"><span class="clip images-waiting-model">${order.wish.model}</span>
        <button class="button-icon" disabled=${at === 0} aria-label=${t("images.earlier")}
          title=${t("images.earlier")}
          onClick=${() => shift(order.id, -1)}>↑</button>
        <button class="button-icon" disabled=${at === waiting.length - 1} aria-label=${t("images.later")}
          title=${t("images.later")} onClick=${() => shift(order.id, 1)}>↓</button>
        <button class="button-icon" aria-label=${t("images.cancel")} title=${t("images.cancel")}
          onClick=${() => cancel(order.id)}>✕</button></span>
    </li>`)}</ol></section>`;
}
