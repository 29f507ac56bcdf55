// What stands in the form now, between reloads and views: the wish, and the images of an edit. It asks
// nobody.

import { effect, signal } from "../html.js";
import { fileStore, itemOf } from "../media/index.js";
import { painter, painters } from "./offers.js";
import { BLANK, revived } from "./wish.js";

const PLACE = "switchyard.images.draft";

export const wish = signal(read());
/** The images of an edit, as the strip of media shows them. */
export const items = signal([]);
/** What stands in the form is to be sent without another press, once it is known who draws. */
export const isDue = signal(false);

function read() {
  try {
    return revived(JSON.parse(localStorage.getItem(PLACE)));
  } catch {
    return { ...BLANK };
  }
}

effect(() => {
  const text = JSON.stringify(wish.value);
  try {
    localStorage.setItem(PLACE, text);
  } catch {
    // Full, or switched off: then it lasts as long as the page.
  }
});

/** @param {Partial<import("./wish.js").Wish>} partial */
export function change(partial) {
  wish.value = { ...wish.peek(), ...partial };
}

/** @param {(items: object[]) => object[]} update */
export function changeItems(update) {
  items.value = update(items.peek());
  change({ references: items.peek().map((item) => item.file) });
}

/** Images whose files are not there any more are left out. @param {string[]} files */
export async function takeReferences(files) {
  const found = await Promise.all(files.map((id) => fileStore.get(id).then(itemOf, () => null)));
  changeItems(() => found.filter(Boolean));
}

/** A whole form from somewhere else. @param {import("./wish.js").Wish} whole */
export async function take(whole) {
  wish.value = whole;
  await takeReferences(whole.references);
}

let brought = null;

/** The images that stood in the form before a reload. */
export function bring() {
  brought ??= takeReferences(wish.peek().references);
  return brought;
}

/** The model that is asked: the one chosen while it is there, else the first that can. */
export function chosenModel() {
  const { model, mode } = wish.value;
  if (painter(model)) return model;
  const can = mode === "edit" ? "image_edits" : "images";
  const all = painters();
  return (all.find((one) => one.capabilities.includes(can)) ?? all[0])?.name ?? "";
}
