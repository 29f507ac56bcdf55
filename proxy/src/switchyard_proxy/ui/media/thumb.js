// One kept picture or video, small; a press shows it large.

import { html } from "../html.js";
import { bytes, t } from "../i18n/index.js";
import { useFile } from "./addresses.js";
import { openViewer } from "./viewer.js";

/**
 * The picture alone, for whoever puts a button of their own around it.
 * @param {{id: string}} props
 */
export function Thumb({ id }) {
  const { url, file, gone } = useFile(id);
  return html`<span class="media-thumb" data-kind=${file?.kind} data-gone=${gone || null}>
    ${url && html`<img src=${url} alt="" draggable=${false} decoding="async" />`}
    ${!url && file && html`<span class="media-blank" aria-hidden="true">${typeWord(file)}</span>`}
    ${gone && html`<span class="media-blank">${t("media.gone")}</span>`}
    ${file?.kind === "video" && html`<span class="media-length">▶ ${clock(file.seconds)}</span>`}
  </span>`;
}

/**
 * For a transcript: thumbnail and label; opens the whole file.
 * @param {{id: string, label?: string, among?: {id: string, label?: string}[]}} props `among`: what the large
 *   view leafs through
 */
export function FileThumb({ id, label, among }) {
  const all = among ?? [{ id, label }];
  const open = () =>
    openViewer(
      all,
      Math.max(
        0,
        all.findIndex((each) => each.id === id),
      ),
    );
  const title = t("media.open", { name: label ?? "" });
  return html`<button type="button" class="media-open" onClick=${open} title=${title}>
    <${Thumb} id=${id} />
    ${label && html`<span class="media-name">${label}</span>`}
  </button>`;
}

/** Minutes and seconds of a video; nothing where its length is not known. */
export function clock(seconds) {
  if (!seconds) return "";
  const whole = Math.max(1, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Size in pixels, length and bytes, as far as they are known. */
export const factsOf = ({ width, height, seconds, size }) =>
  [width && `${width}×${height}`, clock(seconds), bytes(size)].filter(Boolean).join(" · ");

const typeWord = ({ type }) => type.split("/")[1].replace(/^x-/, "").slice(0, 9);
