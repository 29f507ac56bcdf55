// The row of buttons under what is written.

import { html } from "../html.js";
import { t } from "../i18n/index.js";

/**
 * @param {{isBlocks: boolean, isReady: boolean, busy?: boolean, send: () => void, onPick: () => void,
 *   onToggle: () => void, onTemplates: () => void, onPreview: (() => void) | null, onStop?: () => void,
 *   onCancel?: () => void, initial?: unknown}} props
 */
export function Tools(props) {
  const { isBlocks, onPick, onToggle, onTemplates, onPreview } = props;
  const tool = (glyph, key, onClick, more) => html`<${Tool}
    ...${{ glyph, word: t(`media.tool.${key}`), title: t(`media.tool.${key}.hint`), onClick, ...more }}
  />`;
  return html`<div class="composer-tools">
    ${tool("+", "attach", onPick)}
    ${tool("≡", "blocks", onToggle, { "aria-pressed": String(isBlocks) })}
    ${tool("❏", "templates", onTemplates)} ${onPreview && tool("{}", "preview", onPreview)}
    <${End} ...${props} />
  </div>`;
}

const Tool = ({ glyph, word, ...rest }) =>
  html`<button type="button" class="button-quiet composer-tool" ...${rest}>
    <span aria-hidden="true">${glyph}</span><span class="composer-word">${word}</span>
  </button>`;

function End({ busy, isReady, send, onStop, onCancel, initial }) {
  const sending = html`<button
    type="button"
    class="button button-primary composer-send"
    disabled=${!isReady}
    onClick=${send}
  >
    ${t(initial === undefined ? "media.send" : "media.send.edited")} <span aria-hidden="true">⏎</span>
  </button>`;
  const stopping = html`<button type="button" class="button composer-stop" onClick=${onStop}>
    ■ ${t("media.stop")}
  </button>`;
  return html`<span class="composer-end">
    ${onCancel &&
    html`<button type="button" class="button-quiet" onClick=${onCancel}>${t("media.cancel")}</button>`}
    ${busy && onStop ? stopping : sending}
  </span>`;
}
