// The two ways of writing: one field under its attachments, and a list of blocks. They own nothing that is
// written.

import { Fragment, html, useRef } from "../html.js";
import { t } from "../i18n/index.js";
import { FileStrip } from "../media/index.js";
import { settings } from "../store/settings.js";
import { toast } from "../shell/toast.js";
import { PasteChip } from "./attachments.js";
import { BlockEditor } from "./block-editor.js";
import * as list from "./blocks.js";
import { GrowingField } from "./growing-field.js";
import { useSlashMenu } from "./slash-menu.js";

/** What "/" offers. */
const choices = (pick, afterId) => [
  {
    id: "image",
    title: t("media.add.image"),
    hint: t("media.add.image.hint"),
    run: pick(["image"], afterId),
  },
  {
    id: "video",
    title: t("media.add.video"),
    hint: t("media.add.video.hint"),
    run: pick(["video"], afterId),
  },
  { id: "file", title: t("media.add.file"), hint: t("media.add.file.hint"), run: pick(["text"], afterId) },
];

export function PlainWriting({
  blocks,
  change,
  labels,
  costs,
  model,
  field,
  pick,
  onKey,
  onPaste,
  shrinking,
}) {
  const items = list.mediaIn(blocks);
  return html`<${Fragment}>
    <${FileStrip}
      items=${items}
      labels=${items.map((item) => labels.get(item.id))}
      onChange=${(update) => change((now) => list.withMedia(now, update))}
      costs=${costs}
      onShrink=${shrinking.halve}
      onGone=${shrinking.release}
    />
    <${Pastes} blocks=${blocks} change=${change} />
    <${PlainField} ...${{ blocks, change, model, field, pick, onKey, onPaste }} />
  <//>`;
}

function PlainField({ blocks, change, model, field, pick, onKey, onPaste }) {
  const text = list.textIn(blocks);
  const slash = useSlashMenu(text, choices(pick, blocks.findLast((block) => block.kind === "text")?.id));
  return html`<div class="composer-text">
    <${GrowingField}
      ...${slash.fieldProps}
      class="composer-field"
      field=${field}
      value=${text}
      onText=${(value) => change((now) => list.withText(now, value))}
      onKeyDown=${(event) => slash.onKeyDown(event) || onKey(event, text)}
      onPaste=${(event) => onPaste(event, null)}
      aria-label=${t("media.message")}
      placeholder=${model ? t("media.message.to", { model }) : t("media.message")}
      enterkeyhint=${settings.value.enterSends ? "send" : "enter"}
    />
    ${slash.menu}
  </div>`;
}

function Pastes({ blocks, change }) {
  const pastes = blocks.filter((block) => block.kind === "paste");
  if (!pastes.length) return null;
  const remove = (block) => {
    change((now) => list.removed(now, block.id));
    toast({
      text: t("media.removed", { name: block.name }),
      action: { label: t("media.undo"), run: () => change((now) => list.attached(now, [block])) },
    });
  };
  return html`<div class="composer-pastes">
    ${pastes.map(
      (block) => html`<${PasteChip}
        key=${block.id}
        block=${block}
        onChange=${(facts) => change((now) => list.changed(now, block.id, facts))}
        onRemove=${() => remove(block)}
      />`,
    )}
  </div>`;
}

export function BlockWriting({ blocks, change, labels, costs, pick, onKey, onPaste, shrinking }) {
  const root = useRef(null);
  const addText = () => {
    const block = list.textBlock();
    change((now) => [...now, block]);
    requestAnimationFrame(() => root.current?.querySelector(`[data-block="${block.id}"]`)?.focus());
  };
  const add = (title, run) =>
    html`<button type="button" class="button-quiet" onClick=${run}>+ ${title}</button>`;
  const onPasted = (event) => onPaste(event, event.target.dataset?.block ?? null);
  return html`<div class="composer-blocks" ref=${root} onPaste=${onPasted}>
    <${BlockEditor}
      ...${{ blocks, labels, costs }}
      onChange=${change}
      choicesAfter=${(id) => choices(pick, id)}
      fieldProps=${{ class: "composer-field" }}
      onFieldKey=${(event, block) => onKey(event, block.text)}
      onShrink=${shrinking.halve}
      onGone=${shrinking.release}
    />
    <div class="block-adders">
      ${add(t("media.add.text"), addText)}
      ${choices(pick, null).map(({ title, run }) => add(title, run))}
    </div>
  </div>`;
}
