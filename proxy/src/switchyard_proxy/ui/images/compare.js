// Two pictures on one place, with an edge between them that is pulled by hand or moved by keys.

import { html, useEffect, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { format } from "../routes.js";
import { useSource } from "./details.js";
import { usePicture, wayBack } from "./gallery.js";
import { useUrl } from "./urls.js";

/**
 * @param {{left: string, right: string}} props ids of pictures; `before` on the right is the image the left
 *   was made of
 */
export function Compare({ left, right }) {
  return html`<article class="images-compare" aria-label=${t("images.compare")}>
    <div class="toolbar"><a class="button-quiet" href=${wayBack()}>← ${t("images.back")}</a></div>
    ${right === "before" ? html`<${WithSource} id=${left} />` : html`<${Two} left=${left} right=${right} />`}
  </article>`;
}

function Two({ left, right }) {
  const [one, other] = [usePicture(left), usePicture(right)];
  const [oneUrl, otherUrl] = [useUrl(one?.blob, left), useUrl(other?.blob, right)];
  if (one === undefined || other === undefined) return html`<p class="empty">${t("images.gone")}</p>`;
  if (!one || !other) return null;
  return html`<${Edge} left=${sideOf(one, oneUrl)} right=${sideOf(other, otherUrl)} />`;
}

function WithSource({ id }) {
  const picture = usePicture(id);
  const url = useUrl(picture?.blob, id);
  const source = useSource(picture?.sources?.[0]);
  if (picture === undefined) return html`<p class="empty">${t("images.gone")}</p>`;
  if (!picture || !source) return null;
  const before = { ...sideOf(picture, source), title: t("images.before"), text: "", href: null };
  return html`<${Edge} left=${before} right=${{ ...sideOf(picture, url), title: t("images.after") }} />`;
}

const sideOf = (picture, url) => ({
  url, width: picture.width, height: picture.height, text: picture.params.prompt,
  title: `${picture.params.model} · ${picture.width} × ${picture.height} · ${picture.seed ?? "–"}`,
  href: format({ view: "images", path: [picture.id] }),
});

function Edge({ left, right }) {
  const [at, setAt] = useState(50);
  const range = useRef(null);
  useEffect(() => range.current.focus({ preventScroll: true }), []);
  const pull = (event) => {
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    else if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const box = event.currentTarget.getBoundingClientRect();
    setAt(Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100)));
  };
  const style = { "--at": `${at}%`, "--width": left.width, "--height": left.height };
  return html`<div class="images-sides" style=${style}>
    <div class="images-edge images-checks" onPointerDown=${pull} onPointerMove=${pull}>
      <img class="images-edge-right" src=${right.url} alt=${t("images.compare.right", { title: right.title })}
        draggable=${false} />
      <img class="images-edge-left" src=${left.url} alt=${t("images.compare.left", { title: left.title })}
        draggable=${false} />
      <span class="images-edge-line" aria-hidden="true"></span>
    </div>
    <input ref=${range} class="images-edge-range" type="range" min="0" max="100" step="1"
      value=${Math.round(at)} aria-label=${t("images.compare.edge")}
      aria-valuetext=${t("images.compare.share", { n: Math.round(at) })}
      onInput=${(event) => setAt(Number(event.target.value))} />
    <div class="images-edge-words"><${Words} side=${left} /><${Words} side=${right} /></div>
  </div>`;
}

const Words = ({ side }) => html`<div class="stack">
  <p class="small dim wrap">${side.href ? html`<a href=${side.href}>${side.title}</a>` : side.title}</p>
  <p class="images-text">${side.text}</p></div>`;
