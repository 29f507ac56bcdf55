// One picture: large, with everything that was asked for, what can be done with it, and its neighbours a key
// away.

import { html, useEffect, useRef, useState } from "../html.js";
import { ago, bytes, number, seconds, t } from "../i18n/index.js";
import { fileStore } from "../media/index.js";
import { format, go } from "../routes.js";
import { copyText } from "../shell/copy.js";
import { useKeys } from "../shell/keys.js";
import { toast } from "../shell/toast.js";
import { discard, download, dragged, edit, reuse, sendToChat } from "./carrying.js";
import { usePicture, wayBack } from "./gallery.js";
import { HoldButton } from "./hold.js";
import { ids } from "./pictures.js";
import { useUrl } from "./urls.js";

const at = (id) => format({ view: "images", path: [id] });

/** @param {{id: string}} props */
export function Details({ id }) {
  const picture = usePicture(id);
  const beside = useBeside(id);
  const step = (to) => (to ? go(at(to), { replace: true }) : false);
  const remove = async () => {
    await discard([id]);
    go(beside.older ? at(beside.older) : beside.newer ? at(beside.newer) : wayBack());
  };
  useKeys([
    { keys: "j", title: "images.key.older", run: () => step(beside.older) },
    { keys: "k", title: "images.key.newer", run: () => step(beside.newer) },
    { keys: "d", title: "images.key.download", run: () => picture && download(picture) },
    { keys: "e", title: "images.key.edit", run: () => picture && edit(picture) },
    { keys: "p", title: "images.key.prompt", run: () => picture && reuse(picture, "prompt") },
    { keys: "Delete", title: "images.key.delete", run: () => picture && remove() },
    { keys: "Escape", title: "images.key.back", run: () => go(wayBack()) },
  ], { title: "images.keys.details" });
  const close = useRef(null);
  useEffect(() => { close.current?.focus({ preventScroll: true }); }, []);
  return html`<article class="images-details" aria-label=${t("images.details")}>
    <div class="toolbar">
      <a ref=${close} class="button-quiet" href=${wayBack()}>← ${t("images.back")}</a>
      <span class="push"></span>
      <button class="button" disabled=${!beside.newer}
        onClick=${() => step(beside.newer)}>‹ ${t("images.newer")}</button>
      <button class="button" disabled=${!beside.older}
        onClick=${() => step(beside.older)}>${t("images.older")} ›</button>
    </div>
    ${picture === undefined && html`<p class="empty">${t("images.gone")}</p>`}
    ${picture && html`<div class="images-details-body">
      <${Large} picture=${picture} />
      <div class="stack">
        <${Deeds} picture=${picture} onRemove=${remove} />
        <${Facts} picture=${picture} />
      </div></div>`}
  </article>`;
}

function useBeside(id) {
  const [beside, setBeside] = useState({ newer: null, older: null });
  useEffect(() => {
    let isHere = true;
    ids().then((all) => {
      const place = all.indexOf(id);
      if (isHere && place >= 0) setBeside({ newer: all[place - 1] ?? null, older: all[place + 1] ?? null });
    });
    return () => { isHere = false; };
  }, [id]);
  return beside;
}

/** The picture; while its button is held, the image that it was made of. */
function Large({ picture }) {
  const url = useUrl(picture.blob, picture.id);
  const source = useSource(picture.sources?.[0]);
  const [isBefore, setBefore] = useState(false);
  return html`<figure class="images-large">
    <div class="images-large-frame images-checks"
      style=${{ "--width": picture.width, "--height": picture.height }}>
      ${url && html`<img src=${isBefore ? source : url} draggable="true" decoding="async"
        alt=${t(isBefore ? "images.before" : "images.picture", { prompt: picture.params.prompt })}
        onDragStart=${(event) => dragged(event, picture)} />`}
      ${isBefore && html`<span class="badge images-large-badge">${t("images.before")}</span>`}
    </div>
    ${source && html`<figcaption class="toolbar">
      <${HoldButton} isHeld=${isBefore} onHold=${setBefore} text=${t("images.hold")} />
      <a class="button" href=${format({ view: "images", path: ["compare", picture.id, "before"] })}>
        ${t("images.compare.before")}</a>
    </figcaption>`}
  </figure>`;
}

/**
 * An address of a file as long as it is shown; null where there is none, or none any more.
 * @param {string|undefined} file
 */
export function useSource(file) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    let made = null;
    let isHere = true;
    const back = () => made && fileStore.revoke(made);
    const take = (found) => {
      made = found;
      if (isHere) setUrl(found);
      else back();
    };
    if (file) fileStore.url(file).then(take, () => {}); // gone: then there is no before
    return () => { isHere = false; setUrl(null); back(); };
  }, [file]);
  return url;
}

function Deeds({ picture, onRemove }) {
  return html`<div class="toolbar" role="group" aria-label=${t("images.deeds")}>
    <button class="button button-primary" onClick=${() => download(picture)}>${t("images.download")}</button>
    <button class="button" onClick=${() => edit(picture)}>${t("images.edit")}</button>
    <button class="button" onClick=${() => sendToChat(picture)}>${t("images.chat")}</button>
    <button class="button" onClick=${() => reuse(picture, "prompt")}>${t("images.use.prompt")}</button>
    <button class="button" disabled=${picture.seed === null}
      onClick=${() => reuse(picture, "seed")}>${t("images.use.seed")}</button>
    <button class="button" onClick=${() => reuse(picture, "all")}>${t("images.use.all")}</button>
    <button class="button button-danger" onClick=${onRemove}>${t("images.delete")}</button>
  </div>`;
}

async function copy(text) {
  const isDone = await copyText(text);
  toast({ text: t(isDone ? "images.said.copied" : "images.said.not-copied"), kind: isDone ? "ok" : "err" });
}

function Facts({ picture }) {
  const { prompt, negative } = picture.params;
  return html`<section class="panel"><h2 class="panel-title">${t("images.params")}</h2>
    <div class="stack">
      <div><p class="field-label images-label">${t("images.prompt.draw")}
        <button class="button-quiet" onClick=${() => copy(prompt)}>${t("images.copy")}</button></p>
        <p class="images-text">${prompt}</p></div>
      ${negative && html`<div><p class="field-label">${t("images.negative")}</p>
        <p class="images-text">${negative}</p></div>`}
      <dl class="images-facts">${factsOf(picture).map(([name, value]) => html`
        <div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    </div></section>`;
}

/** What was said and what came of it; what was left to the model says so. */
function factsOf(picture) {
  const { params, took } = picture;
  const usual = t("images.usual");
  const said = (value) => (value === null ? usual : number(value, { maximumFractionDigits: 3 }));
  const rows = [
    ["model", params.model],
    ["size", `${picture.width} × ${picture.height} (${params.size})`],
    ["seed", picture.seed === null ? "–" : String(picture.seed)],
    ["steps", said(params.steps)],
    ["guidance", said(params.guidance)],
    ["lora", params.loras.map((one) => `${one.name} × ${one.scale}`).join(", ") || "–"],
    ...(params.sigmas ? [["sigmas", params.sigmas]] : []),
    ...(params.mode === "edit" ? [
      ["strength", said(params.strength)], ["references", number(params.references.length)],
      ["mask", t(params.masked ? "images.yes" : "images.no")],
    ] : []),
    ["background", t(`images.background.${params.background}`)],
    ["file", `${picture.type.replace("image/", "").toUpperCase()}, ${bytes(picture.bytes)}`],
    ...(picture.layer === null ? [] : [["layer", number(picture.layer)]]),
    ...(took?.total_s ? [["took", seconds(took.total_s)]] : []),
    ...(picture.memory ? [["memory", picture.memory]] : []),
    ["made", ago(picture.at)],
  ];
  return rows.map(([name, value]) => [t(`images.fact.${name}`), value]);
}
