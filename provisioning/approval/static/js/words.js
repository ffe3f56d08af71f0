// The page's words, from the station's gettext catalogue.

import { get, useLanguage } from "./api.js";

let catalogue = {};
export let language = "";
const KEPT = "language";

// Marks a sentence for the catalogue where it is translated later.
export const N_ = (msgid) => msgid;

export function t(msgid, values = {}) {
  return (catalogue[msgid] || msgid).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

export async function loadWords(wanted) {
  useLanguage(wanted || localStorage.getItem(KEPT) || "");
  const words = await get("/api/words");
  catalogue = words.catalogue;
  language = words.language;
  useLanguage(language);
  if (wanted) localStorage.setItem(KEPT, wanted);
  document.documentElement.lang = language;
  document.documentElement.dataset.gone = t("The approval app no longer runs on this machine. Start it again, then reload this page.");
  document.getElementById("skip").textContent = t("To the content");
  return words.languages;
}
