// The time, for what is shown as an age or a rest: once a second, and only while somebody looks.

import { signal, useEffect } from "../html.js";

/** Seconds since 1970. */
export const now = signal(Date.now() / 1000);

/** Keeps the time going while a component is shown. */
export function useNow() {
  useEffect(() => {
    const tick = () => {
      if (!document.hidden) now.value = Date.now() / 1000;
    };
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, []);
}
