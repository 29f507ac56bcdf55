// The start: settings, words, the frame; then, once that is drawn, all that need not be there first.

import { effect, html, render } from "./html.js";
import { lang, loadArea, resolve, setLang } from "./i18n/index.js";
import { followAddress, insist, painted } from "./routes.js";
import { Frame, furniture } from "./shell/frame.js";
import { settings } from "./store/settings.js";

const PATIENCE_MS = [500, 1000, 2000, 4000, 8000];

function dress() {
  const root = document.documentElement;
  effect(() => {
    const { theme, density, scanlines } = settings.value;
    Object.assign(root.dataset, { theme, density });
    root.toggleAttribute("data-scanlines", scanlines);
  });
  effect(() => { root.lang = lang.value; });
}

async function speak() {
  await setLang(resolve(settings.peek().lang));
  await insist(() => loadArea("shell"), PATIENCE_MS);
}

async function furnish() {
  try {
    (await insist(() => import("./shell/furniture.js"), PATIENCE_MS)).furnish();
  } catch {
    furniture.value = { ...furniture.value, isMissing: true };
  }
}

dress();
followAddress();
await speak();
render(html`<${Frame} />`, document.getElementById("app"));
painted.then(furnish);
