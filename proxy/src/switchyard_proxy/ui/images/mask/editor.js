// Painting a mask: what is to change in an image. Strokes are data in the image's pixels; the canvases only
// show them.

import { html, useEffect, useRef, useState } from "../../html.js";
import { percent, t } from "../../i18n/index.js";
import { fileStore } from "../../media/index.js";
import { go } from "../../routes.js";
import { useKeys } from "../../shell/keys.js";
import { change } from "../draft.js";
import { HoldButton } from "../hold.js";
import { keep, load, masks } from "../masks.js";
import { Board } from "./board.js";
import { brushStep, LEAST_BRUSH } from "./geometry.js";
import { done, EMPTY, redo, standing, undo } from "./strokes.js";

const WIDEST = 512;

/** @param {{file: string}} props the image's id in the shelf of files */
export function MaskEditor({ file }) {
  const image = useImage(file);
  const mask = masks.value[file];
  if (image === null) return html`<p class="empty">${t("images.gone")}</p>`;
  if (!image || !mask) return null;
  return html`<${Desk} file=${file} image=${image} mask=${mask} />`;
}

/** The image as a bitmap; null where its file is gone, undefined until it is here. */
function useImage(file) {
  const [image, setImage] = useState(undefined);
  useEffect(() => {
    let made = null;
    let isHere = true;
    Promise.all([fileStore.get(file).then(({ blob }) => createImageBitmap(blob)), load(file)]).then(
      ([bitmap]) => { made = bitmap; if (isHere) setImage(bitmap); else bitmap.close(); },
      () => isHere && setImage(null),
    );
    return () => { isHere = false; made?.close(); };
  }, [file]);
  return image;
}

function Desk({ file, image, mask }) {
  const [tool, setTool] = useState("brush");
  const [sizes, setSizes] = useState(() => usualSizes(image));
  const [part, setPart] = useState(0);
  const [isHeld, setHeld] = useState(false);
  const board = useRef(null);
  const size = sizes[tool];
  const resize = (next) => setSizes({ ...sizes, [tool]: next });
  const set = (next) => { if (next !== mask) { keep(file, next); change({ masked: true }); } };
  const act = (deed) => set(done(masks.peek()[file] ?? EMPTY, deed));
  const back = () => { go("#/images"); return true; };
  useKeys([
    { keys: "b", title: "images.key.brush", run: () => setTool("brush") },
    { keys: "e", title: "images.key.erase", run: () => setTool("erase") },
    { keys: "[", title: "images.key.smaller", run: () => resize(brushStep(size, -1)) },
    { keys: "]", title: "images.key.larger", run: () => resize(brushStep(size, 1)) },
    { keys: "i", title: "images.key.invert", run: () => act({ kind: "invert" }) },
    { keys: "Shift+C", title: "images.key.clear", run: () => act({ kind: "clear" }) },
    { keys: "0", title: "images.key.fit", run: () => board.current.fit() },
    { keys: "+", title: "images.key.closer", run: () => board.current.zoom(1.25) },
    { keys: "-", title: "images.key.farther", run: () => board.current.zoom(0.8) },
    { keys: "Ctrl+Z", title: "images.key.undo", run: () => set(undo(mask)) },
    { keys: "Ctrl+Shift+Z", title: "images.key.redo", run: () => set(redo(mask)) },
    { keys: "Escape", title: "images.key.back", run: back },
  ], { title: "images.keys.mask" });
  return html`<article class="images-mask" aria-label=${t("images.mask.title")}>
    <div class="toolbar"><button class="button button-primary"
      onClick=${back}>✓ ${t("images.mask.ready")}</button>
      <p class="images-mask-side" role="status">${sideText(mask, part)}</p></div>
    <${Tools} tool=${tool} setTool=${setTool} size=${size} most=${mostSize(image)} resize=${resize}
      mask=${mask} act=${act}
      set=${set} board=${board} hold=${setHeld} isHeld=${isHeld} />
    <${Board} handle=${board} image=${image} mask=${mask} tool=${tool} size=${size} isBare=${isHeld}
      onStroke=${act} onPart=${setPart} />
    <p class="field-hint">${t("images.mask.hint", { width: image.width, height: image.height })}</p>
  </article>`;
}

/** Brush and eraser keep a size each: whoever mends an edge wants both. */
function usualSizes(image) {
  const size = Math.max(LEAST_BRUSH, Math.round(Math.min(image.width, image.height) / 12));
  return { brush: size, erase: size };
}

const mostSize = (image) => Math.min(WIDEST, Math.max(image.width, image.height));

function sideText(mask, part) {
  if (standing(mask).length === 0 || part === 0) return t("images.mask.side.none");
  return t("images.mask.side", { part: percent(part) === percent(0) ? `< ${percent(0.01)}` : percent(part) });
}

function Tools({ tool, setTool, size, most, resize, mask, act, set, board, hold, isHeld }) {
  const pick = (name) => html`<button class="button" aria-pressed=${tool === name}
    onClick=${() => setTool(name)}>
    ${t(`images.tool.${name}`)}</button>`;
  return html`<div class="toolbar" role="toolbar" aria-label=${t("images.mask.tools")}>
    ${pick("brush")}${pick("erase")}
    <label class="images-brush"><span class="field-label">${t("images.tool.size")}</span>
      <input type="range" min=${LEAST_BRUSH} max=${most} value=${size}
        aria-valuetext=${t("images.pixels", { n: size })}
        onInput=${(event) => resize(Number(event.target.value))} />
      <output class="number">${t("images.pixels", { n: size })}</output></label>
    <button class="button" disabled=${mask.deeds.length === 0}
      onClick=${() => set(undo(mask))}>${t("images.tool.undo")}</button>
    <button class="button" disabled=${mask.undone.length === 0}
      onClick=${() => set(redo(mask))}>${t("images.tool.redo")}</button>
    <button class="button" onClick=${() => act({ kind: "invert" })}>${t("images.tool.invert")}</button>
    <button class="button" disabled=${standing(mask).length === 0}
      onClick=${() => act({ kind: "clear" })}>${t("images.tool.clear")}</button>
    <button class="button-icon" aria-label=${t("images.tool.farther")} title=${t("images.tool.farther")}
      onClick=${() => board.current.zoom(0.8)}>−</button>
    <button class="button-icon" aria-label=${t("images.tool.closer")} title=${t("images.tool.closer")}
      onClick=${() => board.current.zoom(1.25)}>+</button>
    <button class="button" onClick=${() => board.current.fit()}>${t("images.tool.fit")}</button>
    <${HoldButton} isHeld=${isHeld} onHold=${hold} text=${t("images.tool.bare")} />
  </div>`;
}
