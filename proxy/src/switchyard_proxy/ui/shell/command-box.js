// The field in which commands are typed, with what may follow: of it are command line and palette made.

import { explain } from "../api.js";
import { html, useId, useRef, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { begin, hide, isWalking, move, recall, type } from "./box-state.js";
import { Choices, choiceId } from "./choices.js";
import { complete, ghostOf, interpret } from "./completion.js";
import { sources, table } from "./commands.js";
import { keepLine, readLines } from "./line-history.js";
import { toast } from "./toast.js";

/**
 * @param {{label: string, placeholder?: string, choicesOf?: (line: string) => object[],
 *   isAlwaysOpen?: boolean, inputRef?: (element: HTMLInputElement) => void, onDone: () => void,
 *   onFault?: (text: string) => void}} props `onDone`: a command ran, or the field was left
 */
export function CommandBox({
  label, placeholder, choicesOf = choicesFor, isAlwaysOpen = false, inputRef, onDone, onFault = () => {},
}) {
  const [box, setBox] = useState(() => begin(isAlwaysOpen));
  const list = useRef(null);
  const id = useId();
  const choices = box.isOpen ? choicesOf(box.line) : [];
  const ghost = box.isOpen ? ghostOf(box.line, choices) : "";
  const write = (line) => { setBox(type(box, line)); onFault(""); };
  const leave = () => { setBox(begin(isAlwaysOpen)); onDone(); };
  const run = (line) => {
    const asked = interpret(line, table());
    if (asked.fault === "missing") setBox({ ...type(box, `${asked.name} `), isOpen: true });
    if (asked.fault) return onFault(faultText(asked));
    keepLine(line.trim());
    leave();
    return perform(asked);
  };
  const pick = (choice) => {
    if (choice.run) { leave(); choice.run(); }
    else if (choice.line.endsWith(" ")) write(choice.line);
    else run(choice.line);
  };
  const step = (by) => {
    if (isWalking(box, choices.length)) return setBox(recall(box, readLines(), -by));
    const next = move(box, by, choices.length);
    requestAnimationFrame(() => list.current?.children[next.chosen]?.scrollIntoView({ block: "nearest" }));
    return setBox(next);
  };
  const struck = onKeys({
    Enter: () => (choices[box.chosen] ? pick(choices[box.chosen]) : run(box.line)),
    Escape: () => (choices.length && !isAlwaysOpen ? setBox(hide(box)) : leave()),
    Tab: () => accept(box, choices, ghost, write),
    ArrowRight: ({ target }) => Boolean(ghost) && target.selectionStart === box.line.length
      && accept(box, choices, ghost, write),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
  });
  return html`<div class="command-box">
    <div class="command-ghost" aria-hidden="true">
      <span class="command-ghost-typed">${box.line}</span>${ghost}</div>
    <input ref=${inputRef} class="command-input" role="combobox" aria-label=${label}
      placeholder=${placeholder} aria-expanded=${choices.length > 0} aria-controls=${id}
      aria-autocomplete="list"
      aria-activedescendant=${choices[box.chosen] ? choiceId(id, box.chosen) : undefined} autocomplete="off"
      autocapitalize="off" spellcheck=${false} enterkeyhint="go" value=${box.line}
      onInput=${(event) => write(event.target.value)} onKeyDown=${struck} onBlur=${() => setBox(hide)} />
    <${Choices} id=${id} listRef=${list} choices=${choices} chosen=${box.chosen} pick=${pick}
      isAbove=${!isAlwaysOpen} />
  </div>`;
}

const choicesFor = (line) => complete(line, table(), sources);

/** Takes what is offered into the line; false where nothing is. */
function accept({ line, chosen }, choices, ghost, write) {
  const choice = choices[Math.max(0, chosen)];
  if (ghost) return write(line + ghost + (choice.line.endsWith(" ") ? " " : ""));
  return choice && line.trim() ? write(choice.line) : false;
}

/** Plain keys only: not those of somebody who composes a word or holds a modifier. */
const onKeys = (acts) => (event) => {
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.shiftKey && event.key === "Tab") return;
  if (!acts[event.key] || acts[event.key](event) === false) return;
  event.preventDefault();
  event.stopPropagation();
};

function faultText({ fault, name, kind }) {
  if (fault === "empty") return "";
  return fault === "unknown" ? t("shell.fault.unknown", { name })
    : t("shell.fault.missing", { name, what: t(`shell.arg.${kind}`) });
}

async function perform({ command, args }) {
  try {
    await command.run(args);
  } catch (error) {
    toast({ text: explain(error), kind: "err" });
  }
}
