// This person's passkey at this origin: making it, and the request to the ceremony to give it a role.

import { encode, sha256Hex } from "./bytes.js";
import { myRoles } from "./desk.js";
import { field, form, h } from "./dom.js";
import { makePasskey } from "./passkey.js";
import { keepPasskey, readPasskey } from "./store.js";
import { t } from "./words.js";

const ROLE = /^c[0-9a-z]{1,10}$/;

export function passkeyPage(desk) {
  const kept = readPasskey(), passkey = kept?.username === desk.person.username ? kept : null;
  desk.show(
    h("h1", {}, t("Your passkey")),
    h("p", { class: "hint" }, t("A passkey is a key in your phone or computer, opened by fingerprint, face or PIN. It signs at this machine only: {rpid}.", { rpid: location.hostname })),
    passkey ? known(desk, passkey) : making(desk));
}

function making(desk) {
  return h("section", { class: "card" }, form({ id: "make-passkey" }, async () => {
    const made = await makePasskey(location.hostname, desk.person.username, "preferred");
    const key = { keytype: "webauthn", scheme: "webauthn-es256", keyval: { public: made.public, rpid: location.hostname, origins: [location.origin] } };
    keepPasskey({ username: desk.person.username, credential: made.credential, key, keyId: await sha256Hex(encode(key)) });
    passkeyPage(desk);
  }, h("button", { class: "main" }, t("Make a passkey"))));
}

function known(desk, passkey) {
  const role = h("input", { id: "role", required: true, autocapitalize: "none", spellcheck: "false", placeholder: "c00694" });
  const answer = h("div", { "aria-live": "polite" }), fingerprint = passkey.keyId.slice(0, 24).match(/.{4}/g).join(" ");
  return [
    h("section", { class: "card" }, h("dl", { class: "facts" },
      h("dt", {}, t("Fingerprint")), h("dd", { class: "mono", id: "fingerprint" }, fingerprint),
      h("dt", {}, t("May sign")), h("dd", { id: "passkey-roles" }, myRoles(desk.held, passkey.keyId).join(", ") || t("nothing yet")))),
    h("section", { class: "card" },
      h("h2", {}, t("Ask for a role")),
      h("p", {}, t("Hand this request to whoever holds the ceremony, then read the fingerprint to them over the phone.")),
      form({ id: "request-role" }, () => {
        const asked = role.value.trim();
        if (!ROLE.test(asked)) throw new Error(t("On a phone only a commune's programme is signed: the role's name is c and the commune's code."));
        answer.replaceChildren(request(passkey, asked, fingerprint));
      }, field(t("Role, as the province names it"), role), h("button", {}, t("Write the request"))),
      answer)];
}

function request(passkey, role, fingerprint) {
  const text = new TextDecoder().decode(encode({ kind: "key_request", schema: 1, name: passkey.username, role, key: passkey.key }));
  return h("div", {},
    field(t("The request"), h("textarea", { id: "request", readonly: true, rows: 6, class: "mono" }, text)),
    h("p", {}, h("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: `${role}.key-request.json` }, t("Save it as a file"))),
    h("p", {}, t("Fingerprint to read out: {fingerprint}", { fingerprint })));
}
