// A picture or video in full, above the page; leafs through its neighbours.

import { html, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { openDialog } from "../shell/dialog.js";
import { useFile } from "./addresses.js";
import { factsOf } from "./thumb.js";

/**
 * @param {{id: string, label?: string}[]} files
 * @param {number} at
 */
export const openViewer = (files, at = 0) =>
  openDialog(Viewer, { files, first: at, label: t("media.viewer"), wide: true });

function Viewer({ files, first, close }) {
  const [at, setAt] = useState(first);
  const leaf = (step) => setAt((at + step + files.length) % files.length);
  const onKeyDown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || files.length < 2 || event.target.tagName === "VIDEO") return;
    event.preventDefault();
    leaf(step);
  };
  return html`<div class="media-viewer" onKeyDown=${onKeyDown}>
    <${Large} key=${files[at].id} ...${files[at]} />
    <div class="media-leaf">
      ${files.length > 1 && html`<${Leaves} at=${at} all=${files.length} leaf=${leaf} />`}
      <button type="button" class="button-quiet media-close" autofocus onClick=${() => close()}>
        ${t("media.close")}
      </button>
    </div>
  </div>`;
}

function Leaves({ at, all, leaf }) {
  const step = (by, text) =>
    html`<button type="button" class="button-quiet" onClick=${() => leaf(by)}>${text}</button>`;
  return html`${step(-1, `← ${t("media.previous")}`)}
    <span aria-live="polite">${t("media.place", { at: at + 1, all })}</span>
    ${step(1, `${t("media.next")} →`)}`;
}

function Large({ id, label }) {
  const { url, file, gone } = useFile(id, "whole");
  if (gone) return html`<p class="notice">${t("media.gone.long")}</p>`;
  if (!url) return html`<p class="media-wait"></p>`;
  return html`<figure>
    ${
      file.kind === "video"
        ? html`<video src=${url} controls muted playsinline aria-label=${label ?? file.name}></video>`
        : html`<img src=${url} alt=${label ?? file.name} width=${file.width} height=${file.height} />`
    }
    <figcaption>${label && html`<b>${label}</b> · `}${file.name} · ${factsOf(file)}</figcaption>
  </figure>`;
}
