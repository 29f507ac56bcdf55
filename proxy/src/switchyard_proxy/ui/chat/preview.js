// Shows exactly what a message will be on the wire. Files are read for their first bytes only.

import { html, useEffect, useState } from "../html.js";
import { bytes, t } from "../i18n/index.js";
import { spelled } from "../media/outgoing.js";
import { fileStore } from "../media/store.js";
import { weightOf } from "../media/weight.js";
import { copyText } from "../shell/copy.js";
import { openDialog } from "../shell/dialog.js";
import { previewText, shortAddress } from "./preview-text.js";

const HEAD = 18; // bytes, which are 24 characters of base64

/** @param {object[]} content as it is stored */
export const openPreview = (content) =>
  openDialog(Preview, { content, label: t("media.preview"), wide: true });

function Preview({ content, close }) {
  const [text, setText] = useState("");
  useEffect(() => {
    inWords(content).then(setText);
  }, [content]);
  return html`<div class="dialog-body preview">
    <h2 class="dialog-title">${t("media.preview")}</h2>
    <p class="field-hint">${t("media.preview.hint")}</p>
    <pre class="preview-json" tabindex="0">${text}</pre>
    <div class="dialog-buttons">
      <button type="button" class="button-quiet" onClick=${() => copyText(text)}>${t("media.copy")}</button>
      <button type="button" class="button-quiet" autofocus onClick=${() => close()}>
        ${t("media.close")}
      </button>
    </div>
  </div>`;
}

async function inWords(content) {
  const parts = await spelled(content, async (part) => {
    const { blob } = await fileStore.get(part.file);
    const head = new Uint8Array(await blob.slice(0, HEAD).arrayBuffer());
    return shortAddress(blob.type, head, bytes(weightOf(blob.size)));
  });
  return previewText(parts, (n) => t("media.more", { n }));
}
