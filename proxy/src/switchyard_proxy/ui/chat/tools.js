// The tools that a model wants to use, as it wrote them. They are shown; nothing here runs them.

import { html } from "../html.js";
import { t } from "../i18n/index.js";

/** Arguments over several lines, if they are JSON by now; else as they are. Pure. */
export function spread(given) {
  try {
    return JSON.stringify(JSON.parse(given), null, 2);
  } catch {
    return given;
  }
}

/** @param {{tools?: Array<{id: string, name: string, given: string}>}} props */
export function Tools({ tools = [] }) {
  return tools.filter(Boolean).map(
    (tool, at) => html`<details key=${tool.id || at} class="tool" open>
    <summary><span class="badge">${t("chat.tool")}</span> <code class="wrap">${tool.name}</code></summary>
    <pre class="tool-given">${spread(tool.given)}</pre>
  </details>`,
  );
}
