// A model's phase as everybody can tell it: glyph, word and colour together.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { glyphOf, isInMotion, toneOf } from "../store/phases.js";

/** @param {{phase: string, text?: string}} props `text` in place of the phase's word */
export const Phase = ({ phase, text }) => html`
  <span class=${`phase tone-${toneOf(phase)}${isInMotion(phase) && !text ? " phase-moving" : ""}`}>
    <span class="phase-glyph" aria-hidden="true">${glyphOf(phase)}</span>
    <span class="phase-word">${text ?? t(`shell.phase.${phase}`)}</span></span>`;
