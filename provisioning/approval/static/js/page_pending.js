// What waits for this person's signature.

import { read } from "./api.js";
import { h, show } from "./dom.js";
import { N_, t } from "./words.js";

export const KINDS = { programme: N_("Programme"), policy: N_("Hours and volume"), placements: N_("Places of devices"), template: N_("Emergency template") };

export async function pendingPage(session) {
  const { pending } = await read("/api/pending");
  show(
    h("h1", {}, t("To sign")),
    session.keys.length ? null : h("p", { class: "fault" }, t("No signing key of {name} lies on this machine.", { name: session.person.name })),
    pending.length
      ? h("ul", { class: "cards", id: "pending" }, pending.map(entry))
      : h("p", { class: "empty", id: "nothing-pending" }, t("Nothing waits for a signature.")),
    h("p", {}, h("button", { type: "button", onclick: () => pendingPage(session) }, t("Look again"))));
}

function entry(one) {
  return h("li", { class: "card" },
    h("a", { href: `#/pending/${encodeURIComponent(one.id)}`, class: "title" }, one.title || t(KINDS[one.kind])),
    h("p", { class: "meta" }, [t(KINDS[one.kind]), one.area, t("sent at {at}", { at: one.submitted_text })].join(" · ")),
    one.authors.length > 0 && h("p", { class: "meta" }, t("Made by {names}", { names: one.authors.join(", ") })),
    h("p", { class: one.is_late ? "tag loud" : "tag" }, one.sign_before_text ? t("to be signed before {at}", { at: one.sign_before_text }) : t("no deadline")),
    one.threshold > 1 && h("p", { class: "tag" }, t("{n} of {threshold} signatures", { n: one.signatures, threshold: one.threshold })));
}
