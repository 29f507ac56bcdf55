// What is under way, in the tab's title and icon: a share while it runs, ✓ when it is done and unseen.

import { effect, signal } from "../html.js";
import { percent } from "../i18n/index.js";

const works = signal([]);
const outcome = signal("");
const name = signal("Switchyard");
const PLAIN = globalThis.document?.querySelector("link[rel=icon]")?.getAttribute("href");

/** What the tab is called when nothing is under way. */
export function nameTab(text) {
  name.value = text;
}

/**
 * @returns {{progress(share: number): void, done(): void, failed(): void, gone(): void}} `gone`: it ended,
 *   and that is no news (it was stopped by hand)
 */
export function startWork() {
  const work = { share: signal(null) };
  works.value = [...works.peek(), work];
  outcome.value = "";
  const end = (sign) => {
    if (!works.peek().includes(work)) return;
    works.value = works.peek().filter((one) => one !== work);
    if (sign && document.hidden) outcome.value = sign;
  };
  return {
    progress: (share) => { work.share.value = share; },
    done: () => end("✓"),
    failed: () => end("✕"),
    gone: () => end(""),
  };
}

/** The text before the name: `62 %`, `…`, `✓`, or nothing. */
export function signOf(shares, ended) {
  if (!shares.length) return ended;
  const told = shares.filter((share) => share !== null);
  return told.length ? percent(Math.min(...told)) : "…";
}

export function watchProgress() {
  addEventListener("visibilitychange", () => { if (!document.hidden) outcome.value = ""; });
  effect(() => {
    const shares = works.value.map((work) => work.share.value);
    const sign = signOf(shares, outcome.value);
    document.title = sign ? `${sign} · ${name.value}` : name.value;
    paint(shares, outcome.value);
  });
}

function paint(shares, ended) {
  const icon = document.querySelector("link[rel=icon]");
  if (!icon) return;
  const share = shares.length ? Math.min(...shares.map((one) => one ?? 0.25)) : ended ? 1 : null;
  icon.href = share === null ? PLAIN : `data:image/svg+xml,${encodeURIComponent(ring(share, ended === "✕"))}`;
}

/** A ring that closes: an icon has room for no more. */
function ring(share, isFault) {
  const length = 2 * Math.PI * 12;
  const circle = `cx="16" cy="16" r="12" fill="none" stroke-width="6"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle ${circle} stroke="#5a8a5e66"/>`
    + `<circle ${circle} stroke="${isFault ? "#d8453a" : "#1fb254"}" transform="rotate(-90 16 16)" `
    + `stroke-dasharray="${(share * length).toFixed(1)} ${length.toFixed(1)}"/></svg>`;
}
