// What changes against the last release, as a list of cards.

import { h } from "./dom.js";
import { N_, t } from "./words.js";

const MARKS = { added: N_("New"), removed: N_("Gone"), changed: N_("Changed"), loud: N_("Look closely") };

export function changesOf(changes) {
  if (!changes.length) return h("p", { class: "note", id: "no-change" }, t("Nothing changes: the same content is prolonged."));
  const sections = new Map();
  for (const change of changes) sections.set(change.section, [...(sections.get(change.section) || []), change]);
  return h("section", { id: "changes" },
    h("h2", {}, t("What changes against the last release")),
    [...sections].map(([name, list]) => h("section", {}, h("h3", {}, name), list.map(changeCard))));
}

function changeCard(change) {
  const rows = change.lines.map((line) => [
    h("dt", {}, line.label),
    h("dd", {}, line.before !== null && h("del", {}, line.before), line.before !== null && line.after !== null && " ", line.after !== null && h("ins", {}, line.after)),
  ]);
  return h("article", { class: `change ${change.mark}` },
    h("h4", {}, h("span", { class: "mark" }, t(MARKS[change.mark])), " ", change.title),
    rows.length > 0 && h("details", { open: change.mark !== "removed" }, h("summary", {}, t("Details")), h("dl", { class: "lines" }, rows)));
}
