// What is being composed, kept while it is: a reload or another conversation loses no word and no file.

import { useEffect, useRef, useState } from "../html.js";
import { FileGone, fileStore, itemOf } from "../media/index.js";
import { filesIn } from "../media/outgoing.js";
import { toast } from "../shell/toast.js";
import { t } from "../i18n/index.js";
import { blocksOf, isBlank, joined, textBlock } from "./blocks.js";
import { keepDraft, keepLastWords, readDraft } from "./drafts.js";

const PAUSE_MS = 400;
const EMPTY = () => ({ mode: "text", blocks: [textBlock()] });

/**
 * @param {{id: string, initial?: object[] | string}} asked `initial`: an old message; it is edited, not kept
 */
export function useDraft({ id, initial }) {
  const [draft, setDraft] = useState(EMPTY);
  const [isThere, setThere] = useState(false);
  const now = useRef(draft);
  const aside = useRef(null);
  const put = (next) => {
    now.current = next;
    setDraft(next);
  };
  useEffect(() => {
    let isShown = true;
    const load = initial === undefined ? readDraft(id) : edited(initial);
    load
      .catch(() => null)
      .then((found) => {
        if (!isShown) return;
        // A picture that another view sent here may have come before the draft was read.
        if (found) put({ ...found, blocks: joined(found.blocks, now.current.blocks, found.mode) });
        setThere(true);
      });
    return () => {
      isShown = false;
    };
  }, []);
  useKeeping(id, draft, now, isThere && initial === undefined);

  const change = (update) => {
    const blocks = update(now.current.blocks);
    put({ ...now.current, blocks: blocks.length ? blocks : [textBlock()] });
  };
  const replace = (blocks, mode, isLossy = false) => {
    const before = now.current;
    put({ blocks: blocks.length ? blocks : [textBlock()], mode });
    if (isLossy)
      toast({ text: t("media.blocks.merged"), action: { label: t("media.undo"), run: () => put(before) } });
  };
  const setAside = () => {
    aside.current = now.current;
    put({ ...EMPTY(), mode: now.current.mode });
  };
  const takeBack = () => {
    if (isBlank(now.current.blocks)) put(aside.current);
  };
  return { ...draft, isThere, change, replace, setAside, takeBack, modeNow: () => now.current.mode };
}

function useKeeping(id, draft, now, isOn) {
  const kept = useRef(id);
  useEffect(() => {
    if (!isOn) return undefined;
    // A new conversation has got its place: nothing of it is left to the next new one.
    if (kept.current !== id) keepDraft(kept.current, null).catch(() => {});
    kept.current = id;
    const worth = () => (isBlank(now.current.blocks) && now.current.mode === "text" ? null : now.current);
    const keep = () => keepDraft(id, worth()).catch(() => {}); // storage is off; the draft lives on here
    const leave = () => keepLastWords(id, worth());
    const timer = setTimeout(keep, PAUSE_MS);
    addEventListener("pagehide", leave);
    return () => {
      clearTimeout(timer);
      removeEventListener("pagehide", leave);
      if (now.current === draft) keep();
    };
  }, [id, draft, isOn]);
}

async function edited(content) {
  const items = await Promise.all(filesIn(content).map(fileOrNull));
  const byId = new Map(items.filter(Boolean).map((file) => [file.id, itemOf(file)]));
  const blocks = blocksOf(content, (id) => byId.get(id) ?? null);
  const isInOrder = blocks.findIndex((block) => block.kind === "text") === blocks.length - 1;
  return { blocks, mode: isInOrder ? "text" : "blocks" };
}

async function fileOrNull(id) {
  try {
    return await fileStore.get(id);
  } catch (error) {
    if (error instanceof FileGone) return null;
    throw error;
  }
}
