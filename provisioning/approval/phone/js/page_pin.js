// The first use: the fingerprint that the person was handed says which province's root is trusted. The hub only brings it.

import { metadata } from "./api.js";
import { TrustError } from "./bytes.js";
import { fingerprintOf, pinRoot } from "./chain.js";
import { field, form, h, show } from "./dom.js";
import { MAX_ROLE_BYTES, fileName } from "./rolefile.js";
import { keepHeld } from "./store.js";
import { t } from "./words.js";

const DIGITS = 24, MAX_ROOTS = 256;

export function pinPage(done) {
  const digits = h("input", { id: "root-fingerprint", class: "mono", required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false", pattern: "\\s*([0-9a-fA-F]\\s*){24,64}", placeholder: "0123 4567 89ab cdef 0123 4567" });
  show(h("section", { class: "card narrow" },
    h("h1", {}, t("First use on this device")),
    h("p", {}, t("Type the province's fingerprint from the paper that you were handed, not from a message or from a page of the system.")),
    form({ id: "pin" }, async () => done(await pin(digits.value.toLowerCase().replace(/\s/g, ""))),
      field(t("Fingerprint of the province"), digits, t("At least six groups of four digits.")),
      h("button", { class: "main" }, t("Trust this province")))));
}

// The first root whose fingerprint starts so. Those after it are verified by the chain.
async function pin(wanted) {
  for (let version = 1; wanted.length >= DIGITS && version <= MAX_ROOTS; version += 1) {
    const raw = await metadata(fileName("root", version), MAX_ROLE_BYTES);
    if (!raw) break;
    const held = await pinRoot(raw);
    if (!(await fingerprintOf(held.root)).startsWith(wanted)) continue;
    keepHeld(held);
    return held;
  }
  throw new TrustError("not_trusted", t("The system has no province with this fingerprint. Look at the paper again; if it is right, call the province."));
}
