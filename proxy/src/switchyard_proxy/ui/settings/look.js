// How the page looks and how it is written to. Every change shows at once.

import { html } from "../html.js";
import { t } from "../i18n/index.js";
import { OneOf, OnOff } from "./choices.js";

const THEMES = ["auto", "phosphor", "amber", "paper"];

export const LookPanel = () => html`
  <section class="panel stack" id="settings-look" aria-labelledby="settings-look-title">
    <h2 class="panel-title" id="settings-look-title">${t("settings.look")}</h2>
    <${OneOf} name="theme" options=${THEMES.map((one) => [one, t(`settings.theme.${one}`)])} />
    <${OneOf} name="density"
      options=${["cosy", "compact"].map((one) => [one, t(`settings.density.${one}`)])} />
    <${OneOf} name="lang" options=${["auto", "en", "ru"].map((one) => [one, t(`settings.lang.${one}`)])} />
    <${OnOff} name="scanlines" />
  </section>`;

export const KeysPanel = () => html`
  <section class="panel stack" id="settings-keyboard" aria-labelledby="settings-keyboard-title">
    <h2 class="panel-title" id="settings-keyboard-title">${t("settings.keyboard")}</h2>
    <${OnOff} name="enterSends" />
    <${OnOff} name="singleKeys" />
  </section>`;
