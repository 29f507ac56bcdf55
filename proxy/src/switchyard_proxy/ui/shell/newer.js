// Offers to load the page anew once the proxy serves another version of it than the one that runs.

import { effect } from "../html.js";
import { t } from "../i18n/index.js";
import { facts } from "../store/live.js";
import { toast } from "./toast.js";

const A_DAY_S = 86_400;

/** The version in an address below `/ui/<version>/`; null where files are read anew for each request. */
export const versionIn = (url) => /\/ui\/([0-9a-f]{8,})\//.exec(url)?.[1] ?? null;

export function watchVersion() {
  const ours = versionIn(import.meta.url);
  let offered = ours;
  effect(() => {
    const theirs = facts.value?.page;
    if (!ours || !theirs || theirs === offered) return;
    offered = theirs;
    const reload = { label: t("shell.reload"), run: () => location.reload() };
    if (theirs !== ours) toast({ text: t("shell.newer"), action: reload, seconds: A_DAY_S });
  });
}
