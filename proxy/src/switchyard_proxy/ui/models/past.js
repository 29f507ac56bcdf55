// A model's past runs: when, how long it took to serve, how long it ran, why it ended.

import { html, useEffect, useState } from "../html.js";
import { explain } from "../api.js";
import { ago, bytes, seconds, t } from "../i18n/index.js";
import { runs } from "./calls.js";
import { now } from "./now.js";
import { endOf } from "./words.js";

export function Past({ model }) {
  const [{ found, error }, setState] = useState({});
  useEffect(() => {
    const asking = new AbortController();
    runs(model, asking.signal).then(
      (list) => setState({ found: list }),
      (fault) => !asking.signal.aborted && setState({ error: fault }),
    );
    return () => asking.abort();
  }, [model.phase]);
  if (error) return html`<p class="notice notice-err" role="alert">${explain(error)}</p>`;
  if (!found) return html`<span class="skeleton" aria-busy="true"></span>`;
  if (!found.length) return html`<p class="dim">${t("models.past.none")}</p>`;
  return html`<ol class="list">${found.map((run) => html`<${Run} key=${run.instance} run=${run} />`)}</ol>`;
}

function Run({ run }) {
  const { began_at: began, ended_at: ended, ready_after_s: ready, peak_mib: peak } = run;
  const said = [
    ready === null ? t("models.past.never_ready") : t("models.past.ready", { time: seconds(ready) }),
    ended === null ? t("models.past.running") : t("models.past.ran", { time: seconds(ended - began) }),
    peak ? t("models.past.peak", { size: bytes(peak * 2 ** 20) }) : "",
  ].filter(Boolean).join(" · ");
  const began_on = new Date(began * 1000);
  return html`<li class="row"><span class="row-main">
    <time datetime=${began_on.toISOString()}
        title=${began_on.toLocaleString()}>${ago(began, now.value)}</time>
    <span class="dim small models-under">${said}</span>
    ${run.ended_because && html`<span
        class=${`small models-under${ready === null ? " tone-err" : ""}`}>${why(run)}</span>`}
  </span></li>`;
}

function why({ ended_because: because, exit_code: code }) {
  const said = t("models.past.because", { why: endOf(because) });
  return code ? `${said} (${t("models.failure.exit", { code })})` : said;
}
