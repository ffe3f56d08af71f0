// Signing in with the hub's account. Signing itself needs the passphrase of a key, which is another one.

import { post } from "./api.js";
import { field, form, h } from "./dom.js";
import { t } from "./words.js";

export function loginPage(session, done) {
  const username = h("input", { id: "username", name: "username", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
  const password = h("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true });
  const away = h("div", { id: "away" });

  // Without the hub nobody can check its passwords: who opens an own key here may send emergencies, and nothing else.
  function offerKey() {
    const passphrase = h("input", { id: "away-passphrase", type: "password", autocomplete: "off", required: true });
    away.replaceChildren(form({ id: "login-away", class: "card" }, async () => {
      await post("/api/login/away", { username: username.value, password: passphrase.value });
      location.hash = "#/emergency";
      await done();
    },
    h("p", {}, t("The system does not answer. For an emergency message or a drill the passphrase of your key is enough.")),
    field(t("Passphrase of the key {key}", { key: username.value }), passphrase),
    h("button", { class: "main red" }, t("Go on without the system"))));
  }

  return h("section", { class: "card narrow" },
    h("h1", {}, t("Sign in to the signing machine")),
    h("p", { class: "hint" }, t("With the account of the source information system ({hub}).", { hub: session.hub })),
    form({ id: "login" }, async () => {
      try {
        await post("/api/login", { username: username.value, password: password.value });
      } catch (error) {
        if (error.code === "hub_unreachable") offerKey();
        throw error;
      }
      await done();
    },
    field(t("User name"), username),
    field(t("Password"), password),
    h("button", { class: "main" }, t("Sign in"))),
    away,
    h("p", { class: "hint mono" }, t("Province key: {fingerprint}", { fingerprint: session.root_fingerprint })));
}
