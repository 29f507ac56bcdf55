// Work that may wait until the page has nothing better to do, a few milliseconds at a time, the oldest first.

const SLICE_MS = 6;
const AT_LATEST_MS = 300;
const jobs = [];
let isAwaited = false;

/** @param {() => void} job short: what has begun is not interrupted */
export function later(job) {
  jobs.push(job);
  if (!isAwaited) call();
}

function call() {
  isAwaited = true;
  if (globalThis.requestIdleCallback) requestIdleCallback(work, { timeout: AT_LATEST_MS });
  else setTimeout(work, 30);
}

function work(idle) {
  const begun = performance.now();
  isAwaited = false;
  do jobs.shift()();
  while (jobs.length && performance.now() - begun < Math.min(SLICE_MS, idle?.timeRemaining?.() || SLICE_MS));
  if (jobs.length) call();
}

/** A module that is asked for once, when first needed; until then, and where it fails to come, null. */
export function lazily(load) {
  let found = null;
  let asked = null;
  return (then) => {
    if (found) then(found);
    else {
      asked ??= load().then((module) => { found = module; }, () => { asked = null; });
      asked.then(() => found && then(found));
    }
  };
}
