// What is said while an answer has not begun: what the model does, how far it is, who is before it. Only what
// the manager says, and how old that is when the link is down.

import { request } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { ago, percent, seconds, t } from "../i18n/index.js";
import { Meter } from "../shell/meter.js";
import { Phase } from "../shell/phase.js";
import { facts, link, machines, sites } from "../store/live.js";
import { statusOf } from "./models.js";
import { movedOut, waiting } from "./waiting.js";

const QUIET_MS = 300; // what is over sooner needs no words

/** @param {{record: object, phase: string}} props */
export function Waiting({ record, phase }) {
  const now = useClock();
  const model = statusOf(record.model);
  const victims = useVictims(model);
  if (now === null) return html`<div class="waiting" />`;
  if (phase === "reconnecting")
    return html`<div class="waiting"><p class="tone-warn">${t("chat.wait.reconnecting")}</p></div>`;
  const seen = waiting(model, machines.value, now / 1000);
  const isUnknown =
    !model && link.value.state === "live" && !record.model.includes(":") && !isVirtual(record.model);
  if (!seen)
    return html`<div class="waiting"><p class="dim">${without(phase, isUnknown)}
    ${" "}<${Since} record=${record} now=${now} /></p></div>`;
  return html`<div class="waiting">
    ${phase === "completing" && html`<p class="dim">${t("chat.wait.completing")}</p>`}
    <p class="waiting-line"><${Phase} phase=${seen.phase} />
      ${seen.share !== null && html`<${Meter} share=${seen.share} label=${t("chat.wait.loading")} />
        <span>${percent(seen.share)}</span>`}
      ${seen.left !== null && html`<span>${untilThere(seen.left)}</span>`}
      <${Since} record=${record} now=${now} /></p>
    ${seen.place > 1 && html`<p>${t("chat.wait.place", { place: seen.place, model: seen.behind })}</p>`}
    ${seen.blocked && html`<p class="dim">${seen.blocked}</p>`}
    ${seen.progress && html`<p class="dim wrap">${seen.progress}</p>`}
    ${victims.length > 0 && html`<p class="dim">
      ${t("chat.wait.moves_out", { models: victims.join(", ") })}</p>`}
    ${link.value.state === "down" && html`<p class="tone-warn">
      ${t("chat.wait.old", { ago: ago(link.value.heard ?? link.value.since) })}</p>`}
  </div>`;
}

/** What is said where the model is there, or nobody knows it. */
function without(phase, isUnknown) {
  if (phase === "completing") return t("chat.wait.completing");
  return isUnknown ? t("chat.wait.no_model") : t("chat.wait.reading");
}

const untilThere = (left) =>
  left < 1 ? t("chat.wait.any_moment") : t("chat.wait.left", { span: seconds(Math.ceil(left)) });

const isVirtual = (name) => sites.peek().some((site) => site.virtual?.some((one) => one.name === name));

const Since = ({ record, now }) => {
  const span = Math.floor((now - (record.asked ?? record.at)) / 1000);
  return span >= 2 && html`<span class="dim">${t("chat.wait.since", { span: seconds(span) })}</span>`;
};

/** The time once a second; null until it is worth a word. */
function useClock() {
  const [now, setNow] = useState(null);
  useEffect(() => {
    const tick = () => setNow(Date.now());
    const first = setTimeout(tick, QUIET_MS);
    const beat = setInterval(tick, 1000);
    return () => {
      clearTimeout(first);
      clearInterval(beat);
    };
  }, []);
  return now;
}

/** Which models will be moved out for this one; asked once for each phase, by those who may know. */
export function useVictims(model) {
  const [victims, setVictims] = useState([]);
  const mayAsk = ["operate", "admin"].includes(facts.value?.role);
  const isAway = model && ["stopped", "failed", "asleep"].includes(model.phase);
  useEffect(() => {
    if (!mayAsk || !isAway) return setVictims([]);
    const line = new AbortController();
    const path = `/api/managers/${model.site}/models/${encodeURIComponent(model.name)}/explain`;
    request("GET", path, { signal: line.signal }).then(
      (said) => setVictims(movedOut(said)),
      () => {},
    );
    return () => line.abort();
  }, [mayAsk, isAway, model?.site, model?.name]);
  return victims;
}
