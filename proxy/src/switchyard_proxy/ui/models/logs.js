// A model's log as it is written: the last five thousand lines, of which only those in the window are drawn.
// Whoever reads further up stays where they are; only the reader starts and ends following.

import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { explain } from "../api.js";
import { t } from "../i18n/index.js";
import { useKeys } from "../shell/keys.js";
import { followLog, lastRunsLog } from "./calls.js";
import { matchesOf, MOST, nextMatch } from "./log-lines.js";
import { LogTools } from "./log-tools.js";
import { LogWindow } from "./log-window.js";
import { Tail } from "./tail.js";

export function Log({ model }) {
  const [run, setRun] = useState("current");
  const [look, setLook] = useState({ wraps: false, times: false });
  const [search, setSearch] = useState({ text: "", at: null });
  const [follows, setFollows] = useState(true);
  const box = useRef(null);
  const tail = useTail(model, run);
  const { changed } = tail;
  const found = useMemo(() => matchesOf(tail.ring.lines, search.text), [tail, changed.value, search.text]);

  const go = (step) => {
    const from = search.at ?? (step > 0 ? -1 : Infinity);
    const at = nextMatch(found, from, step);
    if (at === null) return;
    setFollows(false);
    setSearch({ ...search, at });
  };
  const turn = (name) => setLook({ ...look, [name]: !look[name] });
  const find = () => box.current?.querySelector("input[type=search]")?.focus();
  useKeys([
    { keys: "f", title: "models.log.key.follow", run: () => setFollows(!follows) },
    { keys: "w", title: "models.log.key.wrap", run: () => turn("wraps") },
    { keys: "t", title: "models.log.key.time", run: () => turn("times") },
    { keys: "/", title: "models.log.key.find", run: find },
    { keys: "n", title: "models.log.key.next", run: () => go(1) },
    { keys: "Shift+N", title: "models.log.key.previous", run: () => go(-1) },
  ], { title: "models.log.title" });

  const log = { tail, run, setRun, look, turn, search, setSearch, found, go, follows, setFollows };
  return html`<section class="models-log" ref=${box} aria-label=${t("models.log.title")}>
    <${LogTools} log=${log} />
    <${State} tail=${tail} run=${run} />
    <${LogWindow} tail=${tail} look=${look} search=${search} follows=${follows && run === "current"}
      onFollow=${setFollows} />
  </section>`;
}

function State({ tail, run }) {
  const hasLines = tail.changed.value > 0 && tail.ring.lines.length > 0;
  if (tail.refusal.value) {
    return html`<p class="notice notice-err" role="alert">${explain(tail.refusal.value)}</p>`;
  }
  if (tail.state.value === "broken") return html`<p class="notice notice-warn small"
      role="status">${t("models.log.broken")}</p>`;
  if (hasLines || tail.state.value !== "live") return null;
  return html`<p class="dim small">
    ${run === "previous" ? t("models.log.no_previous") : t("models.log.nothing")}</p>`;
}

/** The tail of a run's log while it is shown: followed, or of a run that is over read once. */
function useTail(model, run) {
  const tail = useMemo(
    () => new Tail((signal, lines) => followLog(model, lines, signal), MOST),
    [model.site, model.name, run],
  );
  useEffect(() => {
    if (run === "current") {
      tail.start();
      return () => tail.stop();
    }
    const asking = new AbortController();
    readOnce(tail, model, asking.signal);
    return () => asking.abort();
  }, [tail]);
  return tail;
}

async function readOnce(tail, model, signal) {
  try {
    const text = await lastRunsLog(model, MOST, signal);
    tail.ring.add(text.split("\n").slice(0, -1).map((line) => ({ text: line })));
    tail.state.value = "live";
    tail.changed.value += 1;
  } catch (error) {
    if (signal.aborted) return;
    tail.refusal.value = error;
    tail.state.value = "refused";
  }
}
