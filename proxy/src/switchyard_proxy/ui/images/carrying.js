// Pictures on their way out of the gallery: as files that are dragged, saved, edited or shown to a chat
// model.

import { t } from "../i18n/index.js";
import { fileStore, itemOf } from "../media/index.js";
import { go } from "../routes.js";
import { ask } from "../shell/errands.js";
import { toast } from "../shell/toast.js";
import { change, changeItems, take, wish } from "./draft.js";
import { fileName } from "./naming.js";
import { remove, restore } from "./pictures.js";
import { reused } from "./wish.js";

/** @typedef {import("./pictures.js").Picture} Picture */

/** What a dragged picture is known by within the page. */
export const CARRIED = "application/x-switchyard-picture";

const nameOf = ({ params, seed, type, layer }) => fileName({ prompt: params.prompt, seed, type, layer });

const asFile = (picture) => new File([picture.blob], nameOf(picture), { type: picture.type });

/**
 * A picture that is dragged is a file, for every place that takes files: this page's and others'.
 * @param {DragEvent} event
 */
export function dragged(event, picture) {
  event.dataTransfer.items.add(asFile(picture));
  event.dataTransfer.setData(CARRIED, picture.id); // not every browser lets a page's own file through
  event.dataTransfer.effectAllowed = "copy";
}

/** @param {Picture} picture */
export function download(picture) {
  const url = URL.createObjectURL(picture.blob);
  Object.assign(document.createElement("a"), { href: url, download: nameOf(picture) }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A copy in the shelf of files, so that the gallery's own may be deleted. @param {Picture} picture */
async function asItem(picture) {
  const { width, height, thumb } = picture;
  const facts = { kind: "image", name: nameOf(picture), width, height, thumb };
  return itemOf(await fileStore.put(picture.blob, facts));
}

/** One more image of an edit. @param {Picture} picture */
export async function addToEdit(picture) {
  const item = await asItem(picture);
  changeItems((now) => [...now, item]);
}

/** @param {Picture} picture */
export async function edit(picture) {
  change({ mode: "edit" });
  await addToEdit(picture);
  go("#/images");
  toast({ text: t("images.said.to-edit"), kind: "ok" });
}

/** @param {Picture} picture */
export function sendToChat(picture) {
  ask("chat", "attach", { files: [asFile(picture)] });
}

/** @param {Picture} picture @param {"prompt"|"seed"|"all"} what */
export async function reuse(picture, what) {
  const next = reused(wish.peek(), { ...picture.params, seed: picture.seed }, what);
  if (what === "all") await take(next);
  else change(next);
  go("#/images");
  toast({ text: t(`images.said.used.${what}`), kind: "ok" });
}

/** Gone at once, and back by one press. @param {string[]} ids */
export async function discard(ids) {
  const were = await remove(ids);
  toast({
    text: t("images.said.deleted", { n: were.length }),
    action: { label: t("images.undo"), run: () => restore(were) },
    onGone: () => import("./sources.js").then((module) => module.forget(were)),
  });
}
