// What stands above a log: which run, search, follow, fold, times, copy.

import { html } from "../html.js";
import { number, t } from "../i18n/index.js";
import { copyText } from "../shell/copy.js";
import { toast } from "../shell/toast.js";

/** @param {{log: object}} props what is shown of the log, and the ways to change that (see logs.js) */
export function LogTools({ log }) {
  const { tail, run, setRun, look, turn, follows, setFollows } = log;
  return html`<div class="models-log-tools">
    <select class="select" aria-label=${t("models.log.run")} value=${run}
        onChange=${(event) => setRun(event.target.value)}>
      <option value="current">${t("models.log.current")}</option>
      <option value="previous">${t("models.log.previous")}</option>
    </select>
    <${Search} ...${log} />
    <span class="toolbar push">
      <${Switch} isOn=${follows && run === "current"} keys="f" text=${t("models.log.follow")}
        disabled=${run !== "current"} onClick=${() => setFollows(!follows)} />
      <${Switch} isOn=${look.wraps} keys="w" text=${t("models.log.wrap")} onClick=${() => turn("wraps")} />
      <${Switch} isOn=${look.times} keys="t" text=${t("models.log.time")} onClick=${() => turn("times")} />
      <button class="button-quiet" onClick=${() => copy(tail)}>${t("models.log.copy")}</button>
    </span>
  </div>`;
}

function Switch({ isOn, keys, text, onClick, disabled = false }) {
  return html`<button class="button-quiet" aria-pressed=${isOn ? "true" : "false"} aria-keyshortcuts=${keys}
    disabled=${disabled} onClick=${onClick}>${text}</button>`;
}

function Search({ search, setSearch, found, go }) {
  const at = found.indexOf(search.at);
  const count = search.text ? `${at < 0 ? "–" : number(at + 1)}/${number(found.length)}` : "";
  const pressed = (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
    if (event.key !== "Escape" || !search.text) return;
    event.stopPropagation();
    setSearch({ text: "", at: null });
  };
  return html`<span class="models-log-search">
    <input type="search" class="input" placeholder=${t("models.log.find")} aria-label=${t("models.log.find")}
      value=${search.text} onKeyDown=${pressed}
      onInput=${(event) => setSearch({ text: event.target.value, at: null })} />
    <span class="dim small number" role="status">${count}</span>
    <button class="button-icon" aria-label=${t("models.log.up")} disabled=${!found.length}
        onClick=${() => go(-1)}>↑</button>
    <button class="button-icon" aria-label=${t("models.log.down")} disabled=${!found.length}
        onClick=${() => go(1)}>↓</button>
  </span>`;
}

async function copy(tail) {
  const isCopied = await copyText(tail.ring.lines.map(({ text }) => text).join("\n"));
  toast(isCopied ? { text: t("shell.copied"), kind: "ok" } : { text: t("shell.not_copied"), kind: "err" });
}
