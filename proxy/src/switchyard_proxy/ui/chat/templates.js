// Templates: save what is composed under a name, list, apply, delete with undo.

import { html, useEffect, useState } from "../html.js";
import { ago, t } from "../i18n/index.js";
import { openDialog } from "../shell/dialog.js";
import { toast } from "../shell/toast.js";
import { isBlank, isMedia, mediaIn } from "./blocks.js";
import { applied, dropTemplate, forgetTemplate, keepTemplate, putBack, readTemplates } from "./drafts.js";

/**
 * @param {import("./blocks.js").Block[]} blocks what could be saved
 * @returns {Promise<import("./blocks.js").Block[] | undefined>} what to put into the composer, if something
 *   was chosen
 */
export const openTemplates = (blocks) => openDialog(Templates, { blocks, label: t("media.templates") });

function Templates({ blocks, close }) {
  const [templates, setTemplates] = useState(null);
  const refresh = async () => setTemplates(await readTemplates());
  useEffect(() => {
    refresh();
  }, []);
  const apply = async (template) => close(await applied(template));
  const drop = async (template) => {
    await dropTemplate(template);
    await refresh();
    toast({
      text: t("media.template.deleted", { name: template.name }),
      action: { label: t("media.undo"), run: () => putBack(template).then(refresh) },
      onGone: () => forgetTemplate(template),
    });
  };
  return html`<div class="dialog-body templates">
    <h2 class="dialog-title">${t("media.templates")}</h2>
    <${Save} blocks=${blocks} onSaved=${refresh} />
    ${templates?.length === 0 && html`<p class="empty">${t("media.templates.empty")}</p>`}
    <ul class="template-list">
      ${templates?.map(
        (each) => html`<${Row} key=${each.id} template=${each} onApply=${apply} onDrop=${drop} />`,
      )}
    </ul>
    <div class="dialog-buttons">
      <button type="button" class="button-quiet" onClick=${() => close()}>${t("media.close")}</button>
    </div>
  </div>`;
}

function Row({ template, onApply, onDrop }) {
  const { name, blocks, at } = template;
  return html`<li class="template">
    <button type="button" class="template-apply" autofocus onClick=${() => onApply(template)}>
      <b>${name}</b>
      <span>${gist(blocks)} · ${ago(at)}</span>
    </button>
    <button
      type="button"
      class="button-icon"
      aria-label=${t("media.template.delete", { name })}
      title=${t("media.template.delete", { name })}
      onClick=${() => onDrop(template)}
    >
      ✕
    </button>
  </li>`;
}

function Save({ blocks, onSaved }) {
  const [name, setName] = useState("");
  if (isBlank(blocks)) return html`<p class="field-hint">${t("media.template.nothing")}</p>`;
  const save = async (event) => {
    event.preventDefault();
    if (!name.trim()) return;
    await keepTemplate(name.trim(), blocks);
    setName("");
    await onSaved();
  };
  return html`<form class="template-save" onSubmit=${save}>
    <label class="field">
      <span class="field-label">${t("media.template.name")}</span>
      <input
        class="input"
        value=${name}
        maxlength="80"
        placeholder=${gist(blocks)}
        onInput=${(event) => setName(event.target.value)}
      />
    </label>
    <button class="button" disabled=${!name.trim()}>${t("media.template.save")}</button>
  </form>`;
}

/** What a list of blocks holds, in one line. */
function gist(blocks) {
  const written = blocks.filter((block) => !isMedia(block) && block.text.trim());
  const text = (written.find((block) => block.kind === "text") ?? written[0])?.text.trim() ?? "";
  const media = mediaIn(blocks).length;
  const parts = [media && t("media.count", { n: media }), text.replace(/\s+/g, " ").slice(0, 60)];
  return parts.filter(Boolean).join(" · ");
}
