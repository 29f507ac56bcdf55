// What a typed line may become, as a list under (or above) its field.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { Keys } from "./keys.js";

export const choiceId = (id, at) => `${id}-${at}`;

// A press on the list leaves the caret in the field.
const stay = (event) => event.preventDefault();

/**
 * @param {{id: string, listRef: object, choices: object[], chosen: number, pick: (choice: object) => void,
 *   isAbove: boolean}} props
 */
export const Choices = ({ id, listRef, choices, chosen, pick, isAbove }) => html`
  <div ref=${listRef} id=${id} role="listbox" aria-label=${t("shell.choices")} hidden=${choices.length === 0}
      class=${isAbove ? "choices choices-above" : "choices"} onMouseDown=${stay}>
    ${choices.map((choice, at) => html`<${Choice} key=${choice.line + at} id=${choiceId(id, at)}
      choice=${choice} isChosen=${at === chosen} pick=${() => pick(choice)} />`)}
  </div>`;

function Choice({ choice, id, isChosen, pick }) {
  const { title, hint, args = [] } = choice.command ?? choice;
  const note = title ? t(title) : choice.note;
  return html`<div id=${id} role="option" class="choice" aria-selected=${isChosen} onClick=${pick}>
    <span class=${note ? "choice-name" : "choice-name choice-whole"}>
      ${marked(choice.text, choice.at)}<${Args} args=${args} /></span>
    ${note && html`<span class="choice-title">${note}</span>`}
    ${hint && html`<${Keys} keys=${hint} />`}
  </div>`;
}

/** What a command wants beside its name. */
export const Args = ({ args }) => args.map((arg) => html`
  <span class="dim"> ‹${t(`shell.arg.${arg.replace("?", "")}`)}›</span>`);

/** The letters that were typed, set off. */
const marked = (text, at) => [...text].map((letter, place) => (
  at.includes(place) ? html`<mark>${letter}</mark>` : letter));
