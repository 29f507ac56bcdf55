// The messages of the branch that is shown, a window of them, and the way up and down. It holds the reader's
// place: what comes, goes or grows never moves what is being read.

import { html, signal, useEffect, useLayoutEffect, useRef } from "../html.js";
import { t } from "../i18n/index.js";
import { isText as isTextField } from "../shell/keys.js";
import { FOLLOWING } from "./follow.js";
import { Follower } from "./follower.js";
import { Message } from "./message.js";
import {
  branch,
  current,
  earlier,
  endWanted,
  family,
  found,
  hasEarlier,
  hasLater,
  later,
  pointed,
  shown,
  standing,
  toEnd,
} from "./open.js";

const NEAR_PX = 600;
const HELD_FOR = 5; // frames
let follower = null;
/** Whether the end is followed, and how much has come that was not seen. */
const following = signal(FOLLOWING);

/** Goes to the end, and stays with it. */
export async function followEnd() {
  await toEnd();
  follower?.tell("asked");
}

export function Transcript() {
  const element = useRef(null);
  const inside = useRef(null);
  useLayoutEffect(() => {
    following.value = FOLLOWING;
    follower = new Follower(element.current, inside.current, (state) => {
      following.value = state;
    });
    return () => {
      follower.end();
      follower = null;
    };
  }, []);
  const { from, to } = shown.value;
  const messages = branch.value.slice(from, to);
  useNews();
  useWishes(inside);
  usePlace(element, inside, messages);
  usePages(element);
  return html`<div class="chat-scroll-frame">
    <section ref=${element} class="chat-scroll" role="log" aria-live="off" tabindex="0"
        aria-label=${t("chat.transcript")}>
      <div ref=${inside} class="chat-column">
        ${hasEarlier.value && html`<p class="chat-more dim small">${t("chat.earlier")}</p>`}
        ${messages.map(
          (record) => html`<${Message} key=${record.id} record=${record}
          kin=${family.value.get(record.id)} isFound=${record.id === found.value} />`,
        )}
        ${hasLater.value && html`<p class="chat-more dim small">${t("chat.later")}</p>`}
      </div>
    </section>
    <${Down} />
  </div>`;
}

function Down() {
  const { follows, unseen } = following.value;
  if (follows && !hasLater.value) return null;
  const text = unseen ? t("chat.unseen", { n: unseen }) : t("chat.to_end");
  return html`<button class="button chat-down" onClick=${followEnd} aria-keyshortcuts="End">
    <span aria-hidden="true">↓</span> ${text}</button>`;
}

/**
 * A conversation that is opened begins at its end; what is added later is counted while the reader is
 * elsewhere.
 */
function useNews() {
  const before = useRef({ id: null, last: null });
  const last = branch.value.at(-1)?.id ?? null;
  const { id } = current.value;
  useLayoutEffect(() => {
    const was = before.current;
    if (standing.peek() !== "there" || !follower) return;
    before.current = { id, last };
    const isAdded = was.last !== last && branch.peek().some((one) => one.id === was.last);
    if (was.id !== id) follower.tell(found.peek() ? "left" : "opened");
    else if (isAdded) follower.tell("came");
  }, [id, last, standing.value]);
}

/** What the reader did asks for the end, or for a message. */
function useWishes(inside) {
  const known = useRef(endWanted.peek()); // what was wanted of another conversation is not wanted of this one
  useEffect(() => {
    if (endWanted.value !== known.current) followEnd();
    known.current = endWanted.value;
  }, [endWanted.value]);
  useLayoutEffect(() => {
    const wanted = pointed.peek() && inside.current.querySelector(`#m-${pointed.peek().id}`);
    if (!wanted) return;
    pointed.value = null;
    if (isTextField(document.activeElement)) return;
    wanted.focus({ preventScroll: true });
    wanted.scrollIntoView({ block: "nearest" });
  }, [pointed.value, branch.value]);
}

/** Where messages come in above, the ones that are read stay where they are. */
function usePlace(element, inside, messages) {
  const anchor = useRef(null);
  const first = messages[0]?.id;
  const before = anchor.current;
  useLayoutEffect(() => {
    const box = element.current;
    const same = before && inside.current.querySelector(`#m-${before.id}`);
    if (same && before.first !== first) {
      box.scrollTop += same.getBoundingClientRect().top - before.top;
      hold(box, inside.current, anchor);
    }
    const goal = found.value;
    if (!goal || goal === before?.goal) return;
    follower?.tell("left");
    inside.current.querySelector(`#m-${goal}`)?.scrollIntoView({ block: "center" });
  }, [first, found.value]);
  // What is in sight now is what must not move when the list is drawn the next time.
  useLayoutEffect(() => {
    anchor.current = { ...sighted(element.current, inside.current), first, goal: found.peek() };
  });
  useEffect(() => {
    const [box, list] = [element.current, inside.current]; // the references are empty once these are gone
    const note = () => {
      anchor.current = { ...anchor.current, ...sighted(box, list) };
    };
    box.addEventListener("scroll", note, { passive: true });
    return () => box.removeEventListener("scroll", note);
  }, []);
}

/**
 * What came in above has its real height only when the browser has come near it. Until then the place is held
 * here: the browser's own way of doing so comes too late for some of it, and on top of ours for the rest.
 */
function hold(box, list, anchor) {
  const watcher = new ResizeObserver(() => {
    const { id, top } = anchor.current;
    const same = !following.peek().follows && list.querySelector(`#m-${id}`);
    if (same) box.scrollTop += same.getBoundingClientRect().top - top;
  });
  const count = (left) => {
    if (left) return requestAnimationFrame(() => count(left - 1));
    watcher.disconnect();
    box.style.overflowAnchor = "";
    return undefined;
  };
  box.style.overflowAnchor = "none";
  watcher.observe(list);
  count(HELD_FOR);
}

/** The first message in sight: they stand one below another, so half of them can be left out at a time. */
function sighted(box, inside) {
  const { top } = box.getBoundingClientRect();
  const all = inside.querySelectorAll(":scope > article");
  let [low, high] = [0, all.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle].getBoundingClientRect().bottom > top) high = middle;
    else low = middle + 1;
  }
  return all[low]
    ? { id: all[low].id.slice(2), top: all[low].getBoundingClientRect().top }
    : { id: null, top: 0 };
}

function usePages(element) {
  useEffect(() => {
    const box = element.current;
    let isBusy = false;
    const look = async () => {
      if (isBusy || standing.peek() !== "there") return;
      isBusy = true;
      if (box.scrollTop < NEAR_PX && hasEarlier.peek()) await earlier();
      else if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX && hasLater.peek())
        await later();
      isBusy = false;
    };
    box.addEventListener("scroll", look, { passive: true });
    return () => box.removeEventListener("scroll", look);
  }, []);
}
