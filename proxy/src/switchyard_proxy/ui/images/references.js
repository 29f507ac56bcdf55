// The images of an edit: dropped, pasted, picked or sent here, in order; and the mask of the first.

import { html, useEffect, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { dropZone, FileStrip, pastedFiles, pickFiles, refusedText, takeIn } from "../media/index.js";
import { format, go } from "../routes.js";
import { toast } from "../shell/toast.js";
import { whyNot } from "./abilities.js";
import { addToEdit, CARRIED } from "./carrying.js";
import { bring, change, changeItems, items, wish } from "./draft.js";
import { isEmpty, keep, load } from "./masks.js";
import { get } from "./pictures.js";
import { EMPTY } from "./mask/strokes.js";

/** @param {File[]} files */
export async function addFiles(files) {
  if (files.length === 0) return;
  const { items: taken, refused } = await takeIn(files, { kinds: ["image"] });
  if (taken.length > 0) changeItems((now) => [...now, ...taken]);
  if (refused.length > 0) toast({ text: refusedText(refused), kind: "err" });
}

/** @param {{can: import("./abilities.js").Abilities, fault: string|null}} props */
export function References({ can, fault }) {
  const zone = useRef(null);
  const [isOver, setOver] = useState(false);
  useEffect(() => { bring(); }, []);
  useEffect(() => dropZone(zone.current, { onFiles: addFiles, onOver: setOver }), []);
  const labels = items.value.map((_, at) => t("images.reference", { n: at + 1 }));
  return html`<fieldset ref=${zone}
    class=${isOver ? "field images-references images-over" : "field images-references"}
      onPaste=${paste} onDragOver=${letCarried} onDrop=${takeCarried}>
    <legend class="field-label">${t("images.references")}</legend>
    <${FileStrip} items=${items.value} onChange=${changeItems} labels=${labels} named=${false} />
    <div class="toolbar">
      <button type="button" class="button" name="references" aria-invalid=${fault ? "true" : undefined}
        onClick=${async () => addFiles(await pickFiles({ kinds: ["image"] }))}>
        ${t("images.references.add")}</button>
      <span class="field-hint">${t("images.references.hint", { n: can.references })}</span>
    </div>
    ${fault && html`<span class="field-error">${fault}</span>`}
    <${Mask} can=${can} />
  </fieldset>`;
}

const isCarried = ({ dataTransfer: data }) => data.types.includes(CARRIED) && !data.types.includes("Files");

function letCarried(event) {
  if (isCarried(event)) event.preventDefault();
}

/** A picture of the gallery that came without its file. */
async function takeCarried(event) {
  if (!isCarried(event)) return;
  event.preventDefault();
  const picture = await get(event.dataTransfer.getData(CARRIED));
  if (picture) await addToEdit(picture);
}

function paste(event) {
  const files = pastedFiles(event);
  if (files.length === 0) return;
  event.preventDefault();
  addFiles(files);
}

function Mask({ can }) {
  const file = items.value[0]?.file ?? null;
  const why = whyNot(can, "mask", items.value.length);
  useEffect(() => { if (file) load(file); }, [file]);
  const bare = !file || isEmpty(file);
  const on = wish.value.masked && !bare;
  const use = bare ? t("images.mask.none") : t(on ? "images.mask.used" : "images.mask.unused");
  return html`<div class="images-mask-row">
    <button type="button" class="button" disabled=${Boolean(why)} aria-describedby="images-mask-note"
      onClick=${() => go(format({ view: "images", path: ["mask", file] }))}>
      ${t(bare ? "images.mask.paint" : "images.mask.change")}</button>
    ${!bare && !why && html`<label class="check"><input type="checkbox" checked=${on}
      onChange=${(event) => change({ masked: event.target.checked })} />${t("images.mask.use")}</label>
      <button type="button" class="button-quiet"
        onClick=${() => wipe(file)}>${t("images.mask.remove")}</button>`}
    <span id="images-mask-note"
      class="field-hint">${why && html`<span aria-hidden="true">⊘ </span>`}
      ${why ? t(`images.why.${why}`) : use}</span>
  </div>`;
}

/** Gone at once, and back by one press. */
async function wipe(file) {
  const before = await load(file);
  await keep(file, EMPTY);
  const back = { label: t("images.undo"), run: () => keep(file, before) };
  toast({ text: t("images.mask.removed"), action: back });
}
