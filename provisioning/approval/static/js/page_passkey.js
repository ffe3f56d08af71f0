// A person's passkey on this machine: making it, and the request to the ceremony to give it a role.

import { post, read } from "./api.js";
import { field, form, h, show } from "./dom.js";
import { makePasskey } from "./passkey.js";
import { t } from "./words.js";

export async function passkeyPage() {
  const state = await read("/api/passkey");
  show(
    h("h1", {}, t("Your passkey")),
    h("p", { class: "hint" }, t("A passkey is a key in your phone or computer, opened by fingerprint, face or PIN. It signs at this machine only: {rpid}.", { rpid: state.rpid })),
    state.passkey ? known(state.passkey) : making(state));
}

function making(state) {
  return h("section", { class: "card" },
    form({ id: "make-passkey" }, async () => {
      await post("/api/passkey", await makePasskey(state.rpid, state.username));
      await passkeyPage();
    }, h("button", { class: "main" }, t("Make a passkey"))));
}

function known(passkey) {
  const role = h("input", { id: "role", required: true, pattern: "[a-z0-9\\-]{1,30}", autocapitalize: "none", spellcheck: "false", placeholder: "c00694" });
  const answer = h("div", { "aria-live": "polite" });
  return [
    h("section", { class: "card" },
      h("dl", { class: "facts" },
        h("dt", {}, t("Fingerprint")), h("dd", { class: "mono", id: "fingerprint" }, passkey.fingerprint),
        h("dt", {}, t("May sign")), h("dd", { id: "passkey-roles" }, passkey.roles.join(", ") || t("nothing yet")))),
    h("section", { class: "card" },
      h("h2", {}, t("Ask for a role")),
      h("p", {}, t("Hand this request to whoever holds the ceremony, then read the fingerprint to them over the phone.")),
      form({ id: "request-role" }, async () => { answer.replaceChildren(request(await post("/api/passkey/request", { role: role.value }), role.value)); },
        field(t("Role, as the province names it"), role),
        h("button", {}, t("Write the request"))),
      answer)];
}

function request({ text, fingerprint }, role) {
  const file = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  return h("div", {},
    field(t("The request"), h("textarea", { id: "request", readonly: true, rows: 6, class: "mono" }, text)),
    h("p", {}, h("a", { href: file, download: `${role}.key-request.json` }, t("Save it as a file"))),
    h("p", {}, t("Fingerprint to read out: {fingerprint}", { fingerprint })));
}
