// The form for an entry of models.json: a new one, or one that is there. It checks while one types, by the
// schema and by the manager, and writes nothing before it is told to.

import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { explain } from "../api.js";
import { t } from "../i18n/index.js";
import { toast } from "../shell/toast.js";
import { models } from "../store/live.js";
import { catalog, check, schema, writeEntry } from "./calls.js";
import { draftOf, entryIn, fieldOfFault, fileWith, GUARDED, merged, readDraft } from "./entry.js";
import { FormField, problemText } from "./form-field.js";
import { named, show } from "./place.js";
import { engineFields, fieldsOf } from "./schema.js";

const FIRST = ["type", "repo", "path", "vram_mib", "context_length", "aliases", "description"];
const CONTAINER = ["engine", "image", "container", "port"];
const OWN = ["pinned", "preload", "idle_unload_s", "priority", "sleep", "gpus", "capabilities"];
const CHECK_MS = 500;

/** @param {{site: number, name: string|null}} props `name` of the entry to change; null: a new one */
export function EntryForm({ site, name }) {
  const [at, setSite] = useState(site ?? 0);
  const { known, fault } = useKnown(at);
  if (fault) return html`<div class="view"><p class="notice notice-err"
      role="alert">${explain(fault)}</p></div>`;
  if (!known) return html`<div class="view" aria-busy="true"><span class="skeleton"></span></div>`;
  const before = name ? entryIn(known.text, name) : undefined;
  if (name && !before) return html`<div class="view"><p
      class="notice notice-warn">${t("models.form.not_there", { name })}</p></div>`;
  return html`<${Form} key=${at} site=${at} setSite=${setSite} name=${name} before=${before}
      known=${known} />`;
}

/** The schema of the manager and the text of its file. */
function useKnown(site) {
  const [state, setState] = useState({});
  useEffect(() => {
    Promise.all([schema(site), catalog(site)]).then(
      ([shape, { text, guarded }]) => setState({ known: { site, shape, text, guarded } }),
      (fault) => setState({ fault }),
    );
  }, [site]);
  return state.known && state.known.site !== site ? {} : state;
}

function Form({ site, setSite, name, before, known: { shape, text, guarded } }) {
  const [draft, setDraft] = useState(() => draftOf(shape, name ?? "", before));
  const [wasTouched, setTouched] = useState(() => new Set());
  const [isSending, setSending] = useState(false);
  const box = useRef(null);
  const read = useMemo(() => readDraft(shape, draft), [shape, draft]);
  const entry = merged(shape, before, read.entry);
  const faults = useChecked(site, text, draft.name.trim(), entry, read.problems.length === 0);
  const problems = [...takenBy(name, draft, site), ...read.problems, ...faults];
  const problemOf = (path) => (wasTouched.has(path) ? problems.find((one) => one.path === path) : undefined);
  const type = (part, field) => (value) => {
    setDraft((old) => ({ ...old, [part]: { ...old[part], [field]: value } }));
    setTouched((old) => new Set(old).add(part === "args" ? `engine_args.${field}` : field));
  };
  const typeName = (value) => {
    setDraft((old) => ({ ...old, name: value }));
    setTouched((old) => new Set(old).add(""));
  };
  const send = async (event) => {
    event.preventDefault();
    setTouched(new Set(problems.map(({ path }) => path)));
    if (problems.length) return focusFirst(box.current);
    setSending(true);
    const model = { site, name: draft.name.trim() };
    if (await saved(model, entry)) show({ page: null, ...model });
    else setSending(false);
  };
  const fields = { shape, draft, type, problemOf, guarded };
  return html`<form class="view models-form" ref=${box} onSubmit=${send} noValidate>
    <header class="view-head"><h1 class="view-title">
      ${name ? t("models.form.edit", { name }) : t("models.form.add")}</h1></header>
    ${!name && html`<${Name} draft=${draft} problem=${problemOf("")} site=${site} setSite=${setSite}
      onInput=${typeName} />`}
    <${Fields} ...${fields} names=${FIRST} />
    <${More} title=${t("models.form.container")} ...${fields} names=${CONTAINER} />
    <${More} title=${t("models.form.own")} ...${fields} names=${OWN} />
    <${More} title=${t("models.form.flags")} ...${fields} args=${true} />
    <${More} title=${t("models.form.rest")} ...${fields} names=${restOf(shape)} />
    <${Preview} name=${draft.name.trim()} entry=${entry} problems=${problems} box=${box} />
    <div class="toolbar">
      <button class="button button-primary" aria-disabled=${isSending ? "true" : undefined}>
        ${name ? t("models.form.save") : t("models.form.add_it")}</button>
      <button type="button" class="button-quiet"
          onClick=${() => show({ page: null })}>${t("shell.cancel")}</button>
    </div>
  </form>`;
}

/** A new entry must not take the place of another unasked. */
function takenBy(edited, draft, site) {
  const name = draft.name.trim();
  const isTaken = !edited && models.value.some((model) => (model.site ?? 0) === site && model.name === name);
  return isTaken ? [{ path: "", key: "taken", values: { name } }] : [];
}

async function saved(model, entry) {
  try {
    const { changed } = await writeEntry(model, entry);
    const { name } = model;
    const text = changed ? t("models.form.saved", { name }) : t("models.done.nothing", { name });
    toast({ text, kind: "ok" });
    return true;
  } catch (error) {
    toast({ text: explain(error), kind: "err" });
    return false;
  }
}

function Name({ draft, problem, onInput, site, setSite }) {
  return html`<div class="columns">
    <div class="field"><label class="field-label" for="models-form-name">${t("models.form.name")}</label>
      <input class="input" id="models-form-name" autofocus value=${draft.name} spellcheck=${false}
          autocomplete="off"
        aria-invalid=${problem ? "true" : undefined} aria-describedby="models-form-name-hint"
        onInput=${(event) => onInput(event.target.value)} />
      ${problem && html`<span class="field-error">${problemText(problem)}</span>`}
      <span class="field-hint" id="models-form-name-hint">${t("models.form.name_hint")}</span></div>
    ${named.value.length > 1 && html`<div class="field"><label class="field-label"
        for="models-form-site">${t("models.machine")}</label>
      <select class="select" id="models-form-site" value=${site}
          onChange=${(event) => setSite(Number(event.target.value))}>
        ${named.value.map((one) => html`<option key=${one.site}
            value=${one.site}>${one.name ?? one.site + 1}</option>`)}
      </select></div>`}
  </div>`;
}

function Fields({ shape, names, args, draft, type, problemOf, guarded }) {
  const all = args ? engineFields(shape, draft.entry) : fieldsOf(shape);
  const fields = names ? names.map((name) => all.find((one) => one.name === name)).filter(Boolean) : all;
  const [part, within] = args ? ["args", "engine_args."] : ["entry", ""];
  return html`<div class="columns">${fields.map((field) => html`
    <${FormField} key=${field.name} field=${field} value=${draft[part][field.name] ?? ""}
      problem=${problemOf(within + field.name)} onInput=${type(part, field.name)}
      isGuarded=${guarded && !args && GUARDED.has(field.name)} />`)}</div>`;
}

/** Fields that few need: folded, unless something stands in one. */
function More({ title, ...fields }) {
  const isUsed = useMemo(() => {
    const { args, names, draft } = fields;
    const values = args ? Object.values(draft.args) : names.map((name) => draft.entry[name]);
    return values.some((value) => value !== undefined && value.length > 0);
  }, []);
  return html`<details class="panel models-more" open=${isUsed}><summary>${title}</summary>
    <${Fields} ...${fields} /></details>`;
}

function restOf(shape) {
  const shown = new Set([...FIRST, ...CONTAINER, ...OWN, "engine_args"]);
  return fieldsOf(shape).map(({ name }) => name).filter((name) => !shown.has(name));
}

function Preview({ name, entry, problems, box }) {
  return html`<section class="panel"><h2 class="panel-title">models.json</h2>
    <pre class="models-preview small"
        tabindex="0">${`${JSON.stringify(name || "…")}: ${JSON.stringify(entry, null, 2)}`}</pre>
    ${problems.length > 0 && html`<ul class="models-problems small" aria-label=${t("models.form.problems")}>
      ${problems.map((problem) => html`<li key=${problem.path + (problem.key ?? problem.message)}>
        <button type="button" class="button-quiet" onClick=${() => focusField(box.current, problem.path)}>
          <strong>${problem.path || t("models.form.name")}</strong>: ${problemText(problem)}</button></li>`)}
    </ul>`}
  </section>`;
}

/** What the manager finds wrong with the file as it would be, once the typing pauses. */
function useChecked(site, text, name, entry, isReadable) {
  const [faults, setFaults] = useState([]);
  const whole = isReadable && name ? fileWith(text, name, entry) : null;
  useEffect(() => {
    if (whole === null) {
      setFaults([]);
      return undefined;
    }
    const asking = new AbortController();
    const timer = setTimeout(() => check(site, whole, asking.signal).then(
      ({ problems }) => setFaults(problems.map(({ path, message }) => (
        { path: fieldOfFault(path, name) ?? path, message }))),
      () => {},
    ), CHECK_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [whole]);
  return faults;
}

function focusField(form, path) {
  const name = path.replace("engine_args.", "");
  const field = form.querySelector(path ? `[data-field="${CSS.escape(name)}"]` : "#models-form-name");
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
}

function focusFirst(form) {
  requestAnimationFrame(() => {
    const field = form.querySelector("[aria-invalid=true]");
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  });
}
