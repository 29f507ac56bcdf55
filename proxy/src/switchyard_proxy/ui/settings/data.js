// What lies in this browser: how much, out as a file, in from one, and away.

import { html, useEffect, useState } from "../html.js";
import { bytes, has, lang, number, t } from "../i18n/index.js";
import { confirm } from "../shell/dialog.js";
import { toast } from "../shell/toast.js";
import { change, settings } from "../store/settings.js";
import { BadBackup, counts, pack, unpack } from "./backup.js";
import { everything, forgetEverything, howMany, names, putAll, space } from "./shelves.js";

// What a reader counts; the other stores belong to these.
const TOLD = ["conversations", "messages", "pictures", "files", "templates"];

export function DataPanel() {
  const [kept, setKept] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const look = () => Promise.all([howMany(), space()]).then(([held, room]) => setKept({ held, room }), fail);
  useEffect(() => { look(); }, []);
  const busily = (work) => async (...given) => {
    setBusy(true);
    await work(...given).catch(fail);
    setBusy(false);
    look();
  };
  return html`<section class="panel stack" id="settings-data" aria-labelledby="settings-data-title"
      aria-busy=${isBusy}>
    <h2 class="panel-title" id="settings-data-title">${t("settings.data")}</h2>
    <p class="dim">${t("settings.data_hint")}</p>
    ${kept && html`<${Kept} ...${kept} />`}
    <div class="toolbar">
      <button type="button" class="button" disabled=${isBusy} onClick=${busily(take)}>
        ${t("settings.export")}</button>
      <label class="button settings-file">${t("settings.import")}
        <input type="file" class="aside-screen" disabled=${isBusy} onChange=${busily(bring)} /></label>
      <button type="button" class="button button-danger push" disabled=${isBusy} onClick=${busily(forget)}>
        ${t("settings.forget")}</button>
    </div>
  </section>`;
}

function Kept({ held, room }) {
  const told = TOLD.filter((name) => held[name] !== undefined);
  return html`<dl class="settings-kept">
    ${told.map((name) => html`<div key=${name}>
      <dt>${t(`settings.kept.${name}`)}</dt><dd>${number(held[name])}</dd></div>`)}
    ${room && html`<div><dt>${t("settings.kept.space")}</dt>
      <dd>${t("settings.of", { used: bytes(room.used), allowed: bytes(room.allowed) })}</dd></div>`}
  </dl>`;
}

function fail(error) {
  const code = error instanceof BadBackup ? error.code : error.name;
  const key = `settings.cannot.${code}`;
  toast({ kind: "err", text: has(key) ? t(key) : error.message });
}

async function take() {
  const at = Math.floor(Date.now() / 1000);
  const file = pack(await everything(), { settings: settings.peek(), at });
  const address = URL.createObjectURL(file);
  const day = new Date(at * 1000).toISOString().slice(0, 10);
  Object.assign(document.createElement("a"), { href: address, download: `switchyard-${day}.backup` }).click();
  // The browser reads the file after the click is over.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  toast({ kind: "ok", text: t("settings.exported", { size: bytes(file.size) }) });
}

async function bring(event) {
  const field = event.target;
  const [file] = field.files;
  if (!file) return;
  const found = await unpack(file, await names()).finally(() => { field.value = ""; });
  const date = new Intl.DateTimeFormat(lang.peek(), { dateStyle: "long" }).format(new Date(found.at * 1000));
  const isMeant = await confirm({
    title: t("settings.import_title", { date }),
    text: t("settings.import_text", { what: listed(counts(found.shelves)) }),
    yes: t("settings.import_yes"),
  });
  if (!isMeant) return;
  await putAll(found.shelves);
  change(found.settings);
  // Every view holds what it read before; beginning anew is the one way in which all of them read again.
  location.reload();
}

async function forget() {
  const isMeant = await confirm({
    title: t("settings.forget_title"),
    text: t("settings.forget_text", { what: listed(await howMany()) }),
    yes: t("settings.forget_yes"),
    danger: true,
  });
  if (!isMeant) return;
  await forgetEverything();
  location.reload();
}

/** `3 conversations, 12 messages`; "nothing" where there is none. */
function listed(held) {
  const there = TOLD.filter((name) => held[name] > 0);
  const told = there.map((name) => t(`settings.count.${name}`, { n: held[name] }));
  return told.length ? told.join(", ") : t("settings.nothing");
}
