// Making an attached picture smaller, by a press or as the mending of a budget; either can be undone.

import { t } from "../i18n/index.js";
import { fileStore, shrink } from "../media/index.js";
import { toast } from "../shell/toast.js";
import { changed, removed } from "./blocks.js";

/**
 * @param {{change: (update: Function) => void, labels: Map<string, string>, setTrouble: (text: string) =>
 *   void, ownsFiles: boolean}} composer `ownsFiles`: nobody else has the draft's files, so those not needed
 *   may go
 */
export function useShrinking({ change, labels, setTrouble, ownsFiles }) {
  const release = (item) => ownsFiles && fileStore.remove([item.file]);
  const shrinkTo = async (item, size) => {
    try {
      const small = await shrink(item, size);
      change((now) => changed(now, item.id, small));
      toast({
        text: t("media.shrunk", { name: labels.get(item.id), ...sizeIn(small) }),
        action: { label: t("media.undo"), run: () => change((now) => changed(now, item.id, item)) },
        onGone: () => release(item),
      });
    } catch (error) {
      setTrouble(t("media.failed", { reason: error.message }));
    }
  };
  const mend =
    (blocks) =>
    ({ kind, id, size }) => {
      if (kind === "shrink")
        shrinkTo(
          blocks.find((block) => block.id === id),
          size,
        );
      else remove(blocks, id);
    };
  const remove = (blocks, id) => {
    change((now) => removed(now, id));
    toast({
      text: t("media.removed", { name: labels.get(id) }),
      action: { label: t("media.undo"), run: () => change(() => blocks) },
    });
  };
  return { release, mend, halve: (item) => shrinkTo(item, half(item)) };
}

const half = ({ width, height }) => ({ width: Math.ceil(width / 2), height: Math.ceil(height / 2) });
// As texts: a width is no amount, and gets no marks between its digits.
const sizeIn = ({ width, height }) => ({ width: String(width), height: String(height) });
