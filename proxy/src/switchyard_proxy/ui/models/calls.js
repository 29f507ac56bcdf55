// What the view of models asks of a manager, through the proxy: one function for each. No page.

import { open, request } from "../api.js";

const at = (site, path) => `/api/managers/${site ?? 0}/${path}`;
// Slashes within a name stay: managers take names that have them.
const escaped = (name) => name.split("/").map(encodeURIComponent).join("/");
const ofModel = ({ site, name }, path) => at(site, `models/${escaped(name)}${path}`);
const PLAIN = { "Content-Type": "text/plain" };

export const command = (model, verb) => request("POST", ofModel(model, `/${verb}`));
export const explanation = (model, signal) => request("GET", ofModel(model, "/explain"), { signal });
export const runs = (model, signal) =>
  request("GET", at(model.site, `runs?model=${encodeURIComponent(model.name)}&limit=50`), { signal });

export const followLog = (model, lines, signal) =>
  open("GET", ofModel(model, `/logs?follow=true&lines=${lines}`), { signal });
export const lastRunsLog = async (model, lines, signal) =>
  (await open("GET", ofModel(model, `/logs?run=previous&lines=${lines}`), { signal })).text();

export const schema = (site) => request("GET", at(site, "catalog/schema"));
export const catalog = (site) => request("GET", at(site, "catalog"));
export const check = (site, text, signal) =>
  request("POST", at(site, "catalog/check"), { body: text, headers: PLAIN, signal });
export const writeCatalog = (site, text, etag) =>
  request("PUT", at(site, "catalog"), { body: text, headers: { ...PLAIN, "If-Match": etag } });
export const writeEntry = (model, entry) => request("PUT", ofModel(model, ""), { json: entry });
export const removeEntry = (model) => request("DELETE", ofModel(model, ""));
