// What stands around every view: tabs above (below, on a phone), live line, command line. It draws the view
// of the address and binds that view's keys; what is in a view it does not know.

import { html, signal, useEffect, useErrorBoundary, useRef, useState } from "../html.js";
import { lang, t } from "../i18n/index.js";
import { loadView, route, VIEW_NAMES } from "../routes.js";
import { register } from "./commands.js";
import { bind, isText } from "./keys.js";
import { nameTab } from "./progress.js";

export const openPalette = () => import("./palette.js").then((module) => module.openPalette());

/** What comes after the first paint: components, null until then. */
export const furniture = signal({ LiveLine: null, CommandLine: null, isMissing: false });

const GLYPHS = { chat: "❯", images: "▧", models: "▤", activity: "≋", settings: "≡" };

export function Frame() {
  const { LiveLine, CommandLine, isMissing } = furniture.value;
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("shell.skip")}</a>
    <header class="frame-top" data-region aria-label=${t("shell.region.top")}>
      <p class="brand"><${Mark} /><span class="brand-name">switchyard</span></p>
      <${Tabs} />
      <div class="live-line">${LiveLine && html`<${LiveLine} />`}</div>
    </header>
    <main id="main" class="frame-main" tabindex="-1" data-region><${View} /></main>
    <footer class="frame-foot" data-region aria-label=${t("shell.region.command")}>
      ${CommandLine && html`<${CommandLine} />`}
      ${isMissing && html`<p class="notice notice-err toolbar" role="alert">${t("shell.furniture_missing")}
        <${Reload} /></p>`}
    </footer>`;
}

/** Two tracks that part: what a switchyard is. */
const Mark = () => html`<svg class="brand-mark" viewBox="0 0 20 16" fill="none" stroke="currentColor"
  stroke-width="1.75" aria-hidden="true"><path d="M1 13h18M1 13C9 13 9 3 17 3h2" /></svg>`;

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function Tabs() {
  const { view } = route.value;
  return html`<nav class="tabs-main" aria-label=${t("shell.views")}>
    ${VIEW_NAMES.map((name) => html`
      <a key=${name} class="tab" href=${`#/${name}`} aria-current=${name === view ? "page" : undefined}>
        <span class="tab-glyph" aria-hidden="true">${GLYPHS[name]}</span>
        <span class="tab-name">${t(`shell.view.${name}`)}</span></a>`)}
    <button class="tab tab-command" aria-label=${t("shell.palette")} onClick=${openPalette}>
      <span class="tab-glyph" aria-hidden="true">:</span></button>
  </nav>`;
}

function View() {
  const { view } = route.value;
  const shown = useModule(view);
  useEffect(() => {
    if (!shown.module || shown.view !== view) return undefined;
    document.documentElement.dataset.view = view;
    const { keys = [], commands = [] } = shown.module;
    const ends = [bind(keys, { title: `shell.view.${view}` }), ...commands.map(register)];
    return () => { delete document.documentElement.dataset.view; for (const end of ends) end(); };
  }, [shown, view]);
  useTitle(view);
  if (shown.view !== view) return html`<p class="empty late">${t("shell.loading")}</p>`;
  if (shown.fault) return html`<${Missing} text=${t("shell.view_missing")} retry=${shown.retry} />`;
  return html`<${Guarded} key=${view} component=${shown.module.default} />`;
}

/** A fault in a view ends that view, not the page around it. */
function Guarded({ component }) {
  const [fault, reset] = useErrorBoundary(reportError);
  if (fault) return html`<${Missing} text=${t("shell.view_broken")} retry=${reset} />`;
  return html`<${component} route=${route.value} />`;
}

/** The module of a view: `{view, module}`, or `{fault, retry}` where it did not come. */
function useModule(view) {
  const [shown, setShown] = useState({ view: null, module: null });
  const [attempt, setAttempt] = useState(0);
  const wanted = useRef(view);
  wanted.current = view;
  useEffect(() => {
    const settle = (outcome) => { if (wanted.current === view) setShown({ view, ...outcome }); };
    loadView(view).then(
      (module) => settle({ module }),
      (fault) => settle({ fault, retry: () => { setShown({ view: null }); setAttempt(attempt + 1); } }),
    );
  }, [view, attempt]);
  return shown;
}

const Missing = ({ text, retry }) => html`<div class="empty">
  <p class="notice notice-err" role="alert">${text}</p>
  <p class="toolbar"><button class="button" onClick=${retry}>${t("shell.again")}</button>
    <${Reload} /></p>
</div>`;

const reload = () => location.reload();
const Reload = () => html`<button class="button-quiet" onClick=${reload}>${t("shell.reload")}</button>`;

/**
 * A new view is said in the title, and the reader is put at its beginning: not on the first one, and not
 * whoever writes the next command already.
 */
function useTitle(view) {
  const before = useRef(view);
  useEffect(() => {
    nameTab(`${t(`shell.view.${view}`)} · Switchyard`);
    if (before.current === view) return;
    before.current = view;
    const main = document.getElementById("main");
    const at = document.activeElement;
    if (!main.contains(at) && !isText(at)) main.focus({ preventScroll: true });
  }, [view, lang.value]);
}
