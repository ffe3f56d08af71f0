// The page's words, from the catalogues in the bundle.

let catalogue = {};
export let language = "vi";
const KEPT = "language";
export const LANGUAGES = { vi: "Tiếng Việt", en: "English" };

// Marks a sentence for the catalogue where it is translated later.
export const N_ = (msgid) => msgid;

export function t(msgid, values = {}) {
  return (catalogue[msgid] || msgid).replace(/\{(\w+)(:02d)?\}/g, (whole, name, isPadded) => {
    if (!(name in values)) return whole;
    return isPadded ? String(values[name]).padStart(2, "0") : values[name];
  });
}

export async function loadWords(wanted) {
  const chosen = wanted || localStorage.getItem(KEPT);
  language = chosen in LANGUAGES ? chosen : "vi";
  catalogue = await (await fetch(`words/${language}.json`)).json();
  if (wanted) localStorage.setItem(KEPT, language);
  document.documentElement.lang = language;
  document.getElementById("skip").textContent = t("To the content");
}
