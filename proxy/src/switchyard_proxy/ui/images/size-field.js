// The size: one of the model's, or one's own.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { change } from "./draft.js";
import { NumberField, SelectField } from "./fields.js";
import { fault as faultOf, parsed, presetsFor, rounded, written } from "./sizes.js";

const OWN = "own";

/**
 * @param {{size: string, can: import("./abilities.js").Abilities, fault: string|null, mode: "draw"|"edit"}}
 *   props
 */
export function SizeField({ size, can, fault, mode }) {
  const presets = presetsFor(can.native, can.multiple);
  const known = size === "auto" || presets.some((one) => written(one) === size);
  const own = known ? null : parsed(size) ?? { width: NaN, height: NaN };
  const usual = can.known ? t("images.size.auto", { size: shown(can.native) }) : t("images.size.model");
  const auto = mode === "edit" ? t("images.size.as-image") : usual;
  const options = [
    ["auto", auto],
    ...presets.map((one) => [written(one), `${one.name.padEnd(4, " ")} · ${shown(one)}`]),
    [OWN, t("images.size.own")],
  ];
  const choose = (next) => change({ size: next === OWN ? ownFrom(size, can) : next });
  return html`<div class="images-size">
    <${SelectField} name="size" label=${t("images.size")} value=${known ? size : OWN} options=${options}
      onValue=${choose} />
    ${own && html`<${OwnSize} own=${own} can=${can} fault=${fault} />`}
  </div>`;
}

const shown = ({ width, height }) => `${width} × ${height}`;

/** An own size begins beside what was there, and is no preset: else it would look like one at once. */
function ownFrom(size, can) {
  const from = parsed(size) ?? can.native;
  return written({ width: from.width, height: from.height + can.multiple });
}

function OwnSize({ own, can, fault }) {
  const set = (partial) => {
    const next = { ...own, ...partial };
    change({ size: `${next.width ?? ""}x${next.height ?? ""}` });
  };
  const drawn = faultOf(own) === null ? rounded(own, can.multiple) : own;
  const isRounded = drawn.width !== own.width || drawn.height !== own.height;
  return html`<div class="images-own-size">
    <${NumberField} name="width" label=${t("images.size.width")} value=${own.width} step=${1} min=${64}
      max=${4096}
      onValue=${(width) => set({ width })} fault=${fault} />
    <button type="button" class="button-icon" aria-label=${t("images.size.turn")}
      title=${t("images.size.turn")}
      onClick=${() => set({ width: own.height, height: own.width })}>⇄</button>
    <${NumberField} name="height" label=${t("images.size.height")} value=${own.height} step=${1} min=${64}
      max=${4096}
      onValue=${(height) => set({ height })}
      hint=${isRounded ? t("images.size.rounded", { size: shown(drawn) }) : null} />
  </div>`;
}
