// models.json as it is written: the text with its line numbers, what is wrong with it and where, and saving
// it only over what was read. What was typed is never lost to what somebody else wrote.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { explain } from "../api.js";
import { t } from "../i18n/index.js";
import { copyText } from "../shell/copy.js";
import { useKeys } from "../shell/keys.js";
import { toast } from "../shell/toast.js";
import { catalog, check, writeCatalog } from "./calls.js";
import { lineIn, placeIn } from "./json-places.js";
import { named, show } from "./place.js";

const CHECK_MS = 400;

/** What is being written, by machine: another view or a dropped line loses none of it. */
const drafts = new Map();

export function Editor({ site }) {
  const [file, setFile] = useState(() => drafts.get(site) ?? null);
  const [fault, setFault] = useState(null);
  const keep = (next) => {
    drafts.set(site, next);
    setFile(next);
  };
  useEffect(() => {
    if (file?.text !== undefined && file.text !== file.saved) return;
    catalog(site).then((read) => keep({ ...read, saved: read.text, theirs: null }), setFault);
  }, [site]);
  if (fault) return html`<div class="view"><p class="notice notice-err"
      role="alert">${explain(fault)}</p></div>`;
  if (!file) return html`<div class="view" aria-busy="true"><span class="skeleton"></span></div>`;
  return html`<${Text} site=${site} file=${file} keep=${keep} />`;
}

function Text({ site, file, keep }) {
  const area = useRef(null);
  const [isSending, setSending] = useState(false);
  const problems = useProblems(site, file.text);
  const isChanged = file.text !== file.saved;
  useWarning(isChanged);
  const save = async (etag = file.etag) => {
    if (isSending || !isChanged) return;
    setSending(true);
    keep({ ...file, ...(await written(site, file, etag)) });
    setSending(false);
  };
  const jump = (problem) => jumpTo(area.current, placeOf(file.text, problem));
  const keys = [{ keys: "Ctrl+s", title: "models.file.key.save", run: () => { save(); } }];
  useKeys(keys, { title: "models.file.title" });
  return html`<div class="view-fill models-file">
    <header class="view-head models-file-head">
      <h1 class="view-title">${titleOf(site)}</h1>
      <div class="toolbar">
        <button class="button button-primary"
            aria-disabled=${isChanged && !isSending && file.writable !== false ? undefined : "true"}
          onClick=${() => save()}>${t("models.file.save")}</button>
        ${isChanged && html`<button class="button"
            onClick=${() => keep({ ...file, text: file.saved, theirs: null })}>
          ${t("models.file.revert")}</button>`}
        <button class="button-quiet" onClick=${() => show({ page: null })}>${t("models.file.leave")}</button>
      </div>
    </header>
    ${file.writable === false && html`<p class="notice notice-warn">${t("models.file.read_only")}</p>`}
    ${file.theirs && html`<${Conflict} file=${file} keep=${keep} save=${save} />`}
    <${Lines} area=${area} text=${file.text} problems=${problems}
        onInput=${(text) => keep({ ...file, text })} />
    <${Problems} problems=${problems} jump=${jump} isChanged=${isChanged} />
  </div>`;
}

function titleOf(site) {
  const machine = named.value.length > 1 ? ` · ${named.value[site]?.name ?? site + 1}` : "";
  return t("models.file.title") + machine;
}

/** What became of the file: it is written, or somebody else wrote it meanwhile. */
async function written(site, file, etag) {
  try {
    const { etag: fresh } = await writeCatalog(site, file.text, etag);
    toast({ text: t("models.file.saved"), kind: "ok" });
    return { saved: file.text, etag: fresh, theirs: null };
  } catch (error) {
    if (error.code === "edited_meanwhile") {
      const theirs = await catalog(site).catch(() => null);
      return { theirs };
    }
    toast({ text: explain(error), kind: "err" });
    return {};
  }
}

function Conflict({ file, keep, save }) {
  const { theirs } = file;
  const take = async () => {
    const mine = file.text;
    keep({ ...file, ...theirs, saved: theirs.text, theirs: null });
    toast({
      text: t("models.file.took_theirs"), seconds: 60,
      action: {
        label: t("models.undo"), run: () => keep({ ...theirs, saved: theirs.text, text: mine, theirs: null }),
      },
    });
  };
  const copy = async () => {
    const isCopied = await copyText(file.text);
    toast(isCopied ? { text: t("shell.copied"), kind: "ok" } : { text: t("shell.not_copied"), kind: "err" });
  };
  return html`<section class="notice notice-warn stack" role="alert">
    <p>${t("models.file.conflict")}</p>
    <div class="toolbar">
      <button class="button" onClick=${() => save(theirs.etag)}>${t("models.file.keep_mine")}</button>
      <button class="button" onClick=${take}>${t("models.file.take_theirs")}</button>
      <button class="button-quiet" onClick=${copy}>${t("models.file.copy_mine")}</button>
    </div>
    <details><summary>${t("models.file.theirs")}</summary><pre class="models-preview small"
        tabindex="0">${theirs.text}</pre></details>
  </section>`;
}

/** The text, and beside it the numbers of its lines; those with a problem are marked. */
function Lines({ area, text, problems, onInput }) {
  const numbers = useRef(null);
  const count = text.split("\n").length;
  const faulty = new Set(problems.map((problem) => lineOf(text, placeOf(text, problem))));
  const follow = () => { numbers.current.scrollTop = area.current.scrollTop; };
  useLayoutEffect(follow);
  return html`<div class="models-file-text">
    <div class="models-file-numbers number dim" ref=${numbers} aria-hidden="true">
      ${Array.from({ length: count }, (_, at) => html`<span key=${at}
          class=${faulty.has(at + 1) ? "tone-err" : ""}>
        ${faulty.has(at + 1) ? "✕ " : ""}${at + 1}</span>`)}
    </div>
    <textarea class="models-file-area" ref=${area} value=${text} spellcheck=${false} wrap="off"
        autocapitalize="off"
      aria-label=${t("models.file.text")} aria-invalid=${problems.length ? "true" : undefined}
      aria-describedby="models-file-problems" onScroll=${follow}
      onInput=${(event) => onInput(event.target.value)}></textarea>
  </div>`;
}

function Problems({ problems, jump, isChanged }) {
  return html`<div class="models-file-problems" id="models-file-problems" role="status">
    ${problems.length === 0 ? html`<p
        class="tone-ok small">✓ ${isChanged ? t("models.file.fine") : t("models.file.as_saved")}</p>`
      : html`<p class="tone-err small">✕ ${t("models.file.faults", { n: problems.length })}</p>
        <ul class="list small">${problems.map((problem, at) => html`<li key=${at}>
          <button class="row" onClick=${() => jump(problem)}><span class="row-main wrap" lang="en">
            <strong>${problem.path || t("models.file.title")}</strong>${": "}${problem.message}
          </span></button></li>`)}</ul>`}
  </div>`;
}

/** Where a problem is: at its place, or where the manager could not read on. */
function placeOf(text, { path, line, column }) {
  return placeIn(text, path) ?? (line ? lineIn(text, line, column ?? 1) : null);
}

function lineOf(text, place) {
  return place ? text.slice(0, place.start).split("\n").length : 0;
}

function jumpTo(area, place) {
  if (!place) return;
  area.focus();
  area.setSelectionRange(place.start, place.end);
  const lines = area.value.split("\n");
  const before = area.value.slice(0, place.start).split("\n");
  const height = area.scrollHeight / lines.length;
  const width = area.scrollWidth / Math.max(...lines.map(({ length }) => length), 1);
  area.scrollTop = Math.max(0, (before.length - 1) * height - area.clientHeight / 3);
  area.scrollLeft = Math.max(0, before.at(-1).length * width - area.clientWidth / 2);
}

/** What the manager finds wrong with the text, once the typing pauses; until then, what it said last. */
function useProblems(site, text) {
  const [problems, setProblems] = useState([]);
  useEffect(() => {
    const asking = new AbortController();
    const timer = setTimeout(() => check(site, text, asking.signal).then(
      (found) => setProblems(found.problems),
      () => {},
    ), CHECK_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [site, text]);
  return problems;
}

/** The browser asks before a page with unsaved text is closed. */
function useWarning(isChanged) {
  useEffect(() => {
    if (!isChanged) return undefined;
    const warn = (event) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isChanged]);
}
