// Whether the transcript follows its end: a state that only the reader changes, never a distance. Pure.

export const FOLLOWING = { follows: true, unseen: 0 };

const MOVES = {
  left: (at) => (at.follows ? { follows: false, unseen: 0 } : at), // the reader went up, by whatever means
  reached: () => FOLLOWING, // the reader came to the end by hand
  asked: () => FOLLOWING, // End, or the button
  came: (at) => (at.follows ? at : { ...at, unseen: at.unseen + 1 }), // a message was added below
  opened: () => FOLLOWING,
};

/**
 * @param {{follows: boolean, unseen: number}} at
 * @param {keyof typeof MOVES} event
 */
export function advance(at, event) {
  const move = MOVES[event];
  if (!move) throw new TypeError(`no such event: ${event}`);
  return move(at);
}

const UP = new Set(["PageUp", "Home", "ArrowUp"]);

/** What a key on the transcript means for following; null: nothing. */
export const keyEvent = ({ key, shiftKey }) => {
  if (key === "End") return "asked";
  return UP.has(key) || (key === " " && shiftKey) ? "left" : null;
};
