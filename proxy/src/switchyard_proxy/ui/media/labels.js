// What each picture and video is called in the prompt: "Image 1", "Video 2", or what the user wrote. Pure.
// The words are the model's, not the page's: they are sent, so they are the same in every language.

const CALLED = { image: "Image", video: "Video" };

/** A label's longest, as the image server takes it. */
export const MOST_LABEL = 200;

/**
 * The label of each item, in order. Automatic ones count on from what the conversation holds already.
 * @param {{kind: "image" | "video", label?: string | null}[]} items
 * @param {{image: number, video: number}} [before]
 * @returns {string[]}
 */
export function labelsOf(items, before = { image: 0, video: 0 }) {
  const count = { ...before };
  return items.map(({ kind, label }) => {
    count[kind] += 1;
    return tidy(label) || `${CALLED[kind]} ${count[kind]}`;
  });
}

/**
 * How many pictures and videos a conversation holds.
 * @param {{content: unknown}[]} messages
 */
export function countMedia(messages) {
  const count = { image: 0, video: 0 };
  for (const { content } of messages) {
    for (const part of Array.isArray(content) ? content : []) {
      if (part.type === "image_url") count.image += 1;
      if (part.type === "video_url") count.video += 1;
    }
  }
  return count;
}

/**
 * One line, without the colon that is put behind it anyway.
 * @param {string | null | undefined} label
 */
export const tidy = (label) =>
  (label ?? "").replace(/\s+/g, " ").trim().replace(/:$/, "").trim().slice(0, MOST_LABEL);
