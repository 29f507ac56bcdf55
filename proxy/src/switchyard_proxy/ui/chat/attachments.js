// How things come into a composer: files by any way, long pastes; and the chip of an attached text.

import { html } from "../html.js";
import { bytes, t } from "../i18n/index.js";
import { refusedText, takeIn } from "../media/index.js";
import { announce } from "../shell/announcer.js";
import { openDialog } from "../shell/dialog.js";
import { LONG_PASTE, pasteBlock } from "./blocks.js";

/**
 * Files as blocks, in order, and what is to be said of those that were refused.
 * @param {File[]} files
 * @param {(progress: {done: number, all: number} | null) => void} onProgress
 * @returns {Promise<{added: import("./blocks.js").Block[], trouble: string}>}
 */
export async function blocksOfFiles(files, onProgress) {
  if (!files.length) return { added: [], trouble: "" };
  try {
    const { items, refused } = await takeIn(files, { onProgress: (done, all) => onProgress({ done, all }) });
    if (items.length) announce(t("media.added", { n: items.length }));
    const added = items.map((item) => (item.kind === "text" ? pasteBlock(item.name, item.text, true) : item));
    return { added, trouble: refusedText(refused) };
  } catch (error) {
    return { added: [], trouble: t("media.failed", { reason: error.message }) };
  } finally {
    onProgress(null);
  }
}

/** Whether a pasted text is better attached than put into the field. @param {string} text */
export const isLongPaste = (text) => text.length > LONG_PASTE;

/** @param {string} text */
export function longPaste(text) {
  announce(t("media.paste.attached"));
  return pasteBlock(t("media.paste.name"), text, false);
}

/**
 * @param {{block: import("./blocks.js").PasteBlock, onChange: (facts: object) => void, onRemove: () => void}}
 *   props
 */
export function PasteChip({ block, onChange, onRemove }) {
  const open = async () => {
    const text = await openDialog(TextWindow, { ...block, label: block.name, wide: true });
    if (text !== undefined && text !== block.text) onChange({ text });
  };
  return html`<span class="chip paste-chip">
    <button
      type="button"
      class="paste-open"
      onClick=${open}
      title=${t("media.paste.open", { name: block.name })}
    >
      <span aria-hidden="true">≣</span> <span class="clip">${block.name}</span>
      <span class="dim">${bytes(sizeOf(block.text))} · ${t("media.lines", { n: linesOf(block.text) })}</span>
    </button>
    <button
      type="button"
      class="media-tool"
      aria-label=${t("media.remove", { name: block.name })}
      title=${t("media.remove", { name: block.name })}
      onClick=${onRemove}
    >
      ✕
    </button>
  </span>`;
}

function TextWindow({ name, text, close }) {
  let field = null;
  return html`<div class="dialog-body text-window">
    <h2 class="dialog-title">${name}</h2>
    <textarea
      class="textarea"
      autofocus
      aria-label=${name}
      spellcheck=${false}
      defaultValue=${text}
      ref=${(element) => (field = element)}
    ></textarea>
    <div class="dialog-buttons">
      <button type="button" class="button-quiet" onClick=${() => close()}>${t("media.cancel")}</button>
      <button type="button" class="button" onClick=${() => close(field.value)}>${t("media.done")}</button>
    </div>
  </div>`;
}

const sizeOf = (text) => new Blob([text]).size;
const linesOf = (text) => text.split("\n").length;
