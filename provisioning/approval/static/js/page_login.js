// Signing in with the hub's account. Signing itself needs the passphrase of a key, which is another one.

import { post } from "./api.js";
import { field, form, h } from "./dom.js";
import { t } from "./words.js";

export function loginPage(session, done) {
  const username = h("input", { id: "username", name: "username", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
  const password = h("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true });
  return h("section", { class: "card narrow" },
    h("h1", {}, t("Sign in to the signing machine")),
    h("p", { class: "hint" }, t("With the account of the source information system ({hub}).", { hub: session.hub })),
    form({ id: "login" }, async () => {
      await post("/api/login", { username: username.value, password: password.value });
      await done();
    },
    field(t("User name"), username),
    field(t("Password"), password),
    h("button", { class: "main" }, t("Sign in"))),
    h("p", { class: "hint mono" }, t("Province key: {fingerprint}", { fingerprint: session.root_fingerprint })));
}
