// Takes a model out of models.json, and offers the file as it was before. It asks first where people would be
// cut in on, or where there is no way back.

import { explain } from "../api.js";
import { t } from "../i18n/index.js";
import { announce } from "../shell/announcer.js";
import { confirm } from "../shell/dialog.js";
import { toast } from "../shell/toast.js";
import { catalog, removeEntry, writeCatalog } from "./calls.js";
import { canComeBack } from "./entry.js";

/** @returns {Promise<boolean>} whether the model is gone from the file */
export async function remove(model) {
  try {
    const before = await catalog(model.site);
    const isUndone = canComeBack(before, model.name);
    if ((model.in_flight > 0 || !isUndone) && !(await isSure(model))) return false;
    await removeEntry(model);
    tell(model, isUndone ? await wayBack(model, before) : undefined);
    return true;
  } catch (error) {
    toast({ text: explain(error), kind: "err" });
    return false;
  }
}

const isSure = (model) => confirm({
  title: t("models.ask.remove.title", { name: model.name }),
  text: t("models.ask.remove.text", { n: model.in_flight }),
  yes: t("models.remove"),
  danger: true,
});

function tell({ name }, action) {
  announce(t("models.done.remove", { name }));
  toast({ text: t("models.done.remove", { name }), kind: "ok", action });
}

/** Only over the file as this left it: what others write meanwhile stays. */
async function wayBack({ site, name }, before) {
  const after = await catalog(site).catch(() => null);
  if (!after) return undefined;
  return { label: t("models.undo"), run: () => putBack(site, name, before.text, after.etag) };
}

async function putBack(site, name, text, etag) {
  try {
    await writeCatalog(site, text, etag);
    toast({ text: t("models.form.saved", { name }), kind: "ok" });
  } catch (error) {
    toast({ text: explain(error), kind: "err" });
  }
}
