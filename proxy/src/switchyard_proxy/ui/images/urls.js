// Addresses of blobs for as long as they are shown. An address that is not given back keeps its whole file in
// memory.

import { useEffect, useState } from "../html.js";

/**
 * @param {Blob|null|undefined} blob
 * @param {string} key tells one blob from another
 * @returns {string|null}
 */
export function useUrl(blob, key) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    if (!blob) return setUrl(null);
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [key, Boolean(blob)]);
  return url;
}
