// Where a message is written: a plain field with attachments above it, or a list of blocks. It sends nothing
// itself and knows no conversation but its name; what it hands over is stored content, without a byte of any
// file.

import { html, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { pastedFiles, pickFiles } from "../media/index.js";
import { settings } from "../store/settings.js";
import { useArrivals, useBefore } from "./arrivals.js";
import { blocksOfFiles, isLongPaste, longPaste } from "./attachments.js";
import * as list from "./blocks.js";
import { useBudget } from "./budget.js";
import { BlockWriting, PlainWriting } from "./composer-fields.js";
import { actionOf } from "./composer-keys.js";
import { Notes, weightOf } from "./composer-notes.js";
import { Tools } from "./composer-tools.js";
import { useDraft } from "./draft.js";
import { openPreview } from "./preview.js";
import { useShrinking } from "./shrinking.js";
import { openTemplates } from "./templates.js";

export { attach } from "./arrivals.js";

/**
 * @param {{conversation: {id: string} | null, place?: string, model: string,
 *   onSend: (content: object[], options: object) => unknown, busy?: boolean, onStop?: () => void,
 *   history?: () => Promise<object[]>, turn?: unknown, onEditLast?: () => void, initial?: object[] | string,
 *   onCancel?: () => void}} props `onSend` may give a promise; where it gives false or fails, what was
 *   written stays. `turn` changes when the history does; `place` is what a new conversation will be called in
 *   the store. `initial` makes it an editor of an old message, which Esc leaves by `onCancel`.
 */
export function Composer(props) {
  return html`<${Desk} key=${useSeat(props.conversation?.id ?? "new", props.place)} ...${props} />`;
}

/** A new conversation that gets its place in the store keeps its composer: one may be writing on. */
function useSeat(id, place) {
  const seat = useRef({ id, place, number: 0 });
  const last = seat.current;
  const isSame = id === last.id || (last.id === "new" && place === last.place);
  seat.current = { id, place, number: isSame ? last.number : last.number + 1 };
  return seat.current.number;
}

function Desk(props) {
  const { conversation, model, initial, history, turn } = props;
  const draft = useDraft({ id: conversation?.id ?? "new", initial });
  const before = useBefore(history, turn);
  const budget = useBudget({ model, blocks: draft.blocks, before, history, turn });
  const [trouble, setTrouble] = useState(""); // why files were refused
  const [isOver, setOver] = useState(false);
  const root = useRef(null);
  const field = useRef(null);

  const { blocks, change } = draft;
  const labels = list.labelMap(blocks, before);
  const { progress, add, pick, onPaste } = useAdding({ draft, root, field, setTrouble });
  useArrivals(root, { add, setOver, isEditor: initial !== undefined });
  const shrinking = useShrinking({ change, labels, setTrouble, ownsFiles: initial === undefined });

  const weight = weightOf(blocks);
  const isReady = draft.isThere && !list.isBlank(blocks) && !progress && !weight.over;
  const send = () => isReady && !props.busy && handOver(props, draft, before, field);
  const shared = { blocks, change, labels, model, field, pick, onPaste, shrinking };
  const onKey = (event, text) => act(event, { props, draft, send, text });
  const isBlocks = draft.mode === "blocks";
  return html`<div class="composer" ref=${root} data-mode=${draft.mode} data-over=${isOver ? "" : null}>
    ${isOver && html`<p class="composer-drop" aria-hidden="true">${t("media.drop")}</p>`}
    ${
      draft.isThere &&
      html`<${isBlocks ? BlockWriting : PlainWriting} ...${shared} costs=${budget.costs} onKey=${onKey} />`
    }
    <${Notes}
      ...${{ progress, trouble, setTrouble, weight, budget, blocks, labels, model }}
      mend=${shrinking.mend(blocks)}
    />
    <${Tools}
      ...${{ ...props, isBlocks, isReady, send }}
      onPick=${pick(["image", "video", "text"], null)}
      onToggle=${() => toggle(draft, root)}
      onTemplates=${() => applyTemplate(draft)}
      onPreview=${list.isBlank(blocks) ? null : () => openPreview(list.contentOf(blocks, before))}
    />
  </div>`;
}

/** Files and long pastes, wherever they come from, put where they belong. */
function useAdding({ draft, root, field, setTrouble }) {
  const [progress, setProgress] = useState(null);
  const put = (added, afterId, cursor) => {
    const writing = document.activeElement;
    draft.change((now) =>
      draft.modeNow() === "blocks"
        ? list.withRoom(list.addedInto(now, afterId, cursor, added))
        : list.attached(now, added),
    );
    goOnBehind(root, added.at(-1), writing);
  };
  const add = async (files, afterId = null, cursor = Infinity) => {
    const { added, trouble } = await blocksOfFiles(files, setProgress);
    setTrouble(trouble);
    if (added.length) put(added, afterId, cursor);
    field.current?.focus();
  };
  const pick = (kinds, afterId) => async () => {
    if (afterId) draft.change((now) => list.changed(now, afterId, { text: "" }));
    await add(await pickFiles({ kinds }), afterId);
  };
  const onPaste = (event, afterId) => {
    const files = pastedFiles(event);
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!files.length && !isLongPaste(text)) return;
    event.preventDefault();
    event.stopPropagation();
    const cursor = event.target.selectionEnd ?? Infinity;
    if (files.length) add(files, afterId, cursor);
    else put([longPaste(text)], afterId, cursor);
  };
  return { progress, add, pick, onPaste };
}

/** What came is in sight. An empty text made room for it: whoever was writing there writes on behind it. */
function goOnBehind(root, { id }, writing) {
  requestAnimationFrame(() => {
    const come = `[data-item="${id}"]`;
    root.current?.querySelector(come)?.scrollIntoView({ block: "nearest" });
    if (!writing?.isConnected) root.current?.querySelector(`${come} ~ li textarea`)?.focus();
  });
}

async function handOver({ onSend }, draft, before, field) {
  const content = list.contentOf(draft.blocks, before);
  draft.setAside();
  field.current?.focus();
  try {
    const options = list.mediaIn(draft.blocks).length ? { labels: false } : {};
    if ((await onSend(content, options)) === false) draft.takeBack();
  } catch (error) {
    draft.takeBack();
    throw error;
  }
}

function act(event, { props, draft, send, text }) {
  const isBlank = list.isBlank(draft.blocks);
  const able = { canEditLast: Boolean(props.onEditLast) && isBlank, canLeave: Boolean(props.onCancel) };
  const facts = {
    text,
    enterSends: settings.peek().enterSends && !isTouch(),
    isBlocks: draft.mode === "blocks",
  };
  const acts = { send, editLast: props.onEditLast, leave: props.onCancel };
  const found = acts[actionOf(event, { ...facts, ...able })];
  if (!found) return;
  event.preventDefault();
  event.stopPropagation();
  found();
}

function toggle({ mode, blocks, replace }, root) {
  if (mode === "text") replace(blocks, "blocks");
  else replace(list.plain(blocks), "text", !list.isPlain(blocks));
  requestAnimationFrame(() => [...root.current.querySelectorAll("textarea")].at(-1)?.focus());
}

async function applyTemplate(draft) {
  const chosen = await openTemplates(draft.blocks);
  if (chosen) draft.replace(chosen, list.isPlain(chosen) ? draft.modeNow() : "blocks");
}

/** On a screen keyboard Enter is the only way to a new line. */
const isTouch = () => globalThis.matchMedia?.("(hover: none) and (pointer: coarse)").matches ?? false;
