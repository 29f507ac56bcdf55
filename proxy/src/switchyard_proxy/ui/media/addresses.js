// Object addresses for as long as a component shows them. Nothing is drawn here.

import { useEffect, useState } from "../html.js";
import { FileGone, fileStore } from "./store.js";

/**
 * @param {string} id
 * @param {"thumb" | "whole"} which
 * @returns {{url: string | null, file: import("./store.js").StoredFile | null, gone: boolean}} `url` is null
 *   while it is fetched, and for good where there is no thumbnail (then `file` is there) or no file (`gone`)
 */
export function useFile(id, which = "thumb") {
  const [found, setFound] = useState({ url: null, file: null, gone: false });
  useEffect(() => {
    let isShown = true;
    let held = null;
    const give = async () => {
      const file = await fileStore.get(id);
      const url = await (which === "thumb" ? fileStore.thumbUrl(id) : fileStore.url(id));
      if (!isShown) return url && fileStore.revoke(url);
      held = url;
      return setFound({ url, file, gone: false });
    };
    give().catch((error) => {
      if (!(error instanceof FileGone)) throw error;
      if (isShown) setFound({ url: null, file: null, gone: true });
    });
    return () => {
      isShown = false;
      if (held) fileStore.revoke(held);
    };
  }, [id, which]);
  return found;
}
