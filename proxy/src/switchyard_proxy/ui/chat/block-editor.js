// The composer as a list of blocks: texts, pictures, videos and attached texts in any order. It owns no
// block: each change is handed up as a function from the list to the next list.

import { html, useLayoutEffect, useRef } from "../html.js";
import { t } from "../i18n/index.js";
import { Chip, Grip, removeWithUndo } from "../media/index.js";
import { moved } from "../media/order.js";
import { useReorder } from "../media/reorder.js";
import { announce } from "../shell/announcer.js";
import { PasteChip } from "./attachments.js";
import { addedAfter, changed, isMedia, mediaIn, removed, textBlock } from "./blocks.js";
import { GrowingField } from "./growing-field.js";
import { useSlashMenu } from "./slash-menu.js";

/**
 * @param {{blocks: import("./blocks.js").Block[], onChange: (update: Function) => void, labels: Map<string,
 *   string>, costs: Map<string, object>, choicesAfter: (id: string) => object[], fieldProps: object,
 *   onShrink: (item: object) => void, onGone: (item: object) => void, onFieldKey: (event: KeyboardEvent,
 *   block: object) => void}} props `choicesAfter`: what "/" offers; `fieldProps`: what every text field gets;
 *   `onFieldKey`: keys that are not ours
 */
export function BlockEditor(props) {
  const { blocks, onChange, labels, costs, onGone } = props;
  const focus = useRef(null);
  const nameOf = (block) => labels.get(block.id) ?? block.name ?? t("media.block.text");
  const move = (from, to) => {
    const target = Math.max(0, Math.min(to, blocks.length - 1));
    if (target === from) return;
    focus.current = blocks[from].id;
    onChange((now) => moved(now, from, target));
    announce(t("media.moved", { name: nameOf(blocks[from]), at: target + 1, all: blocks.length }));
  };
  const { list, held, grip } = useReorder(move);
  useLayoutEffect(() => {
    const row = focus.current && list.current.querySelector(`[data-item="${focus.current}"]`);
    focus.current = null;
    if (row && !row.contains(document.activeElement)) row.querySelector("textarea, button")?.focus();
  });
  const remove = (at) => {
    const block = blocks[at];
    focus.current = (blocks[at - 1] ?? blocks[at + 1])?.id ?? null;
    if (block.kind === "text" && !block.text.trim()) return onChange((now) => removed(now, block.id));
    return removeWithUndo(blocks, at, nameOf(block), onChange, onGone);
  };
  const addText = (id) => {
    const block = textBlock();
    focus.current = block.id;
    onChange((now) => addedAfter(now, id, [block]));
  };
  const among = mediaIn(blocks).map((item) => ({ id: item.file, label: labels.get(item.id) }));
  const all = blocks.length;
  return html`<ol class="blocks" ref=${list} aria-label=${t("media.blocks")}>
    ${blocks.map((block, at) => {
      const shared = {
        ...{
          at,
          all,
          grip,
          held: held?.from === at ? held : null,
          isTarget: held?.to === at && held.from !== at,
        },
        onMove: (to) => move(at, to),
        onRemove: () => remove(at),
      };
      if (!isMedia(block))
        return html`<${TextRow} key=${block.id} ...${{ ...props, ...shared, block, addText }} />`;
      return html`<${Chip}
        key=${block.id}
        ...${shared}
        item=${block}
        label=${labels.get(block.id)}
        cost=${costs.get(block.id)}
        among=${among}
        viewAt=${among.findIndex(({ id }) => id === block.file)}
        ...${{ named: true, column: true }}
        onLabel=${(label) => onChange((now) => changed(now, block.id, { label }))}
        onShrink=${block.kind === "image" ? () => props.onShrink(block) : null}
      />`;
    })}
  </ol>`;
}

function TextRow(props) {
  const { block, at, all, held, isTarget, onChange, onMove, onRemove } = props;
  const style = held ? { transform: `translate(${held.x}px, ${held.y}px)` } : null;
  const change = (facts) => onChange((now) => changed(now, block.id, facts));
  const onKeyDown = (event) => {
    const to = { ArrowUp: at - 1, ArrowDown: at + 1 }[event.key];
    if (!event.altKey || to === undefined) return;
    event.preventDefault();
    onMove(to);
  };
  return html`<li
    class="block"
    style=${style}
    data-item=${block.id}
    data-held=${held ? "" : null}
    data-target=${isTarget ? "" : null}
    onKeyDown=${onKeyDown}
  >
    ${
      block.kind === "paste"
        ? html`<${PasteChip} block=${block} onChange=${change} onRemove=${onRemove} />`
        : html`<${TextField} ...${props} change=${change} />`
    }
    <${RowTools} ...${props} canRemove=${block.kind === "text" && all > 1} />
  </li>`;
}

function TextField({ block, all, choicesAfter, fieldProps, onFieldKey, change, onRemove, addText }) {
  const text = {
    id: "text",
    title: t("media.add.text"),
    hint: t("media.add.text.hint"),
    run: () => addText(block.id),
  };
  const slash = useSlashMenu(block.text, [...choicesAfter(block.id), text]);
  const onKeyDown = (event) => {
    if (slash.onKeyDown(event)) return;
    if (event.key === "Backspace" && !block.text && all > 1 && !event.isComposing) {
      event.preventDefault();
      onRemove();
    } else onFieldKey(event, block);
  };
  return html`<div class="block-text">
    <${GrowingField}
      ...${fieldProps}
      ...${slash.fieldProps}
      value=${block.text}
      onText=${(value) => change({ text: value })}
      onKeyDown=${onKeyDown}
      aria-label=${t("media.block.text")}
      placeholder=${t("media.block.placeholder")}
      data-block=${block.id}
    />
    ${slash.menu}
  </div>`;
}

function RowTools({ at, all, grip, onMove, onRemove, canRemove }) {
  const name = t("media.block.text");
  const tool = (glyph, key, run, off) =>
    html`<button
      type="button"
      class="media-tool"
      disabled=${off}
      onClick=${run}
      title=${t(key, { name })}
      aria-label=${t(key, { name })}
    >
      ${glyph}
    </button>`;
  if (all < 2) return null;
  return html`<span class="media-tools">
    <${Grip} ...${grip(at)} />
    ${tool("▴", "media.up", () => onMove(at - 1), at === 0)}
    ${tool("▾", "media.down", () => onMove(at + 1), at === all - 1)}
    ${canRemove && tool("✕", "media.remove", onRemove, false)}
  </span>`;
}
