// The commands that are there in every view. What they mean for a view is its matter: they leave it a note.

import { request } from "../api.js";
import { loadArea, t } from "../i18n/index.js";
import { format, go } from "../routes.js";
import { models, sites } from "../store/live.js";
import { allNames, find } from "../store/names.js";
import { change } from "../store/settings.js";
import { openHelp, stopHere } from "./app-keys.js";
import { provide, register } from "./commands.js";
import { say } from "./command-line.js";
import { controls, press } from "./controls.js";
import { ask } from "./errands.js";
import { toast } from "./toast.js";
import { whereabouts } from "./whereabouts.js";

const CHOICES = {
  theme: ["phosphor", "amber", "paper", "auto"],
  lang: ["en", "ru", "auto"],
  density: ["cosy", "compact"],
  switch: ["on", "off"],
};

export function addBuiltIns() {
  provide("model", modelNames);
  provide("control", () => [...controls().keys()]);
  for (const [kind, names] of Object.entries(CHOICES)) provide(kind, () => names);
  for (const command of all()) register({ title: `shell.command.${command.name}`, args: [], ...command });
}

/** Each name once, with what it leads to. */
function modelNames() {
  const named = new Map(allNames(models.peek()).reverse().map(({ name, model }) => [name, model]));
  return [...named].reverse().map(([name, model]) => ({ name, note: noteOf(name, model) }));
}

const noteOf = (name, model) => [
  t(`shell.phase.${model.phase}`), name !== model.name && `→ ${model.name}`,
].filter(Boolean).join(" ");

const all = () => [
  { name: "model", args: ["model"], run: ([model]) => ask("chat", "model", { model: called(model) }) },
  { name: "new", run: () => ask("chat", "new") },
  { name: "chat", args: ["model", "text?"], run: ([model, text]) => talkTo(model, text) },
  { name: "image", args: ["text?"], run: ([prompt = ""]) => ask("images", "generate", { prompt }) },
  { name: "edit", args: ["text?"], run: ([prompt = ""]) => ask("images", "edit", { prompt }) },
  { name: "attach", run: () => ask("chat", "attach") },
  ...["load", "sleep", "unload", "pin", "unpin"].map((verb) => (
    { name: verb, args: ["model"], run: ([model]) => order(verb, known(model).model) })),
  { name: "logs", args: ["model"], run: ([model]) => openLogs(known(model).model) },
  { name: "status", run: () => say(statusWords(models.peek())) },
  { name: "images", hint: "g i", run: () => go("#/images") },
  { name: "models", hint: "g m", run: () => go("#/models") },
  { name: "activity", hint: "g a", run: () => go("#/activity") },
  { name: "settings", hint: "g s", run: () => go("#/settings") },
  { name: "theme", args: ["theme"], run: ([theme]) => change({ theme: oneOf("theme", theme) }) },
  { name: "lang", args: ["lang"], run: ([lang]) => change({ lang: oneOf("lang", lang) }) },
  { name: "density", args: ["density"], run: ([one]) => change({ density: oneOf("density", one) }) },
  { name: "scanlines", args: ["switch"], run: ([on]) => change({ scanlines: oneOf("switch", on) === "on" }) },
  { name: "cancel", args: ["stream?"], run: ([id]) => cancel(id) },
  { name: "press", args: ["control"], run: ([name]) => press(shown(name)) },
  { name: "help", hint: "?", run: () => openHelp() },
];

function known(name) {
  const found = find(models.peek(), name);
  if (!found) throw new Error(t("shell.fault.model", { name }));
  return found;
}

function shown(name) {
  const found = controls().get(name);
  if (!found) throw new Error(t("shell.fault.control", { name }));
  return found;
}

/** The name as it was typed, if it leads to a model. */
const called = (name) => known(name) && name;

function oneOf(kind, word) {
  const choices = CHOICES[kind];
  if (choices.includes(word)) return word;
  throw new Error(t("shell.fault.choice", { word, choices: choices.join(", ") }));
}

function talkTo(model, text) {
  called(model);
  if (text) ask("chat", "send", { model, text, fresh: true });
  else ask("chat", "new", { model });
}

/** Asked first, told and undone as in the view of models, but without going there. */
async function order(verb, model) {
  const [orders] = await Promise.all([import("../models/orders.js"), loadArea("models")]);
  await orders.order(verb, model);
}

function openLogs({ name, site }) {
  ask("models", "logs", { model: name, site }, format({ view: "models", path: [name] }));
}

/** What is up, in one line. */
function statusWords(all) {
  const up = all.filter((model) => !["stopped", "asleep"].includes(model.phase));
  if (!up.length) return t("shell.status.nothing", { n: all.length });
  const words = (model) =>
    [model.name, whereabouts(model, all, sites.peek()), t(`shell.phase.${model.phase}`)];
  return up.map((model) => words(model).filter(Boolean).join(" ")).join(" · ");
}

async function cancel(id) {
  if (!id) return stopHere();
  await request("DELETE", `/v1/streams/${encodeURIComponent(id)}`);
  return toast({ text: t("shell.cancelled", { id }), kind: "ok" });
}
