// One proposal: what it changes, its sounds, what will be heard; then sign, or send back.

import { post, read } from "./api.js";
import { changesOf } from "./changes.js";
import { field, form, h, notice, player, show } from "./dom.js";
import { KINDS } from "./page_pending.js";
import { fromBase64, signByPasskey } from "./passkey.js";
import { t } from "./words.js";

export async function reviewPage(ident, session) {
  show(h("h1", {}, t("Checking what was sent …")), h("p", { class: "loading" }, t("Signatures, content and every sound are being verified.")));
  const shown = await read(`/api/pending/${encodeURIComponent(ident)}`);
  show(
    h("p", {}, h("a", { href: "#/pending" }, t("← To sign"))),
    h("h1", {}, shown.title || t(KINDS[shown.kind])),
    facts(shown),
    shown.refusals.map((text) => h("p", { class: "fault refusal", role: "alert" }, text)),
    shown.notes.map((text) => h("p", { class: "note" }, text)),
    changesOf(shown.changes),
    onAir(shown),
    sounds(shown),
    shown.refusals.length ? h("p", { class: "fault", id: "may-not-sign" }, t("This cannot be signed here. Send it back, or call the province.")) : signing(shown, session),
    sendingBack(shown));
}

function facts(shown) {
  const rows = [
    [t("Kind"), t(KINDS[shown.kind])],
    [t("Area"), shown.area],
    [t("Made by"), shown.authors.join(", ") || "–"],
    [t("Sign before"), shown.sign_before_text || "–"],
    [t("Release"), shown.base_version ? t("{new}, after {old}", { new: shown.version, old: shown.base_version }) : t("the first")],
    [t("Valid until"), shown.expires_text],
  ];
  if (shown.threshold > 1) rows.push([t("Signatures"), t("{n} of {threshold}", { n: shown.signers.length, threshold: shown.threshold })]);
  return h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function onAir(shown) {
  if (!shown.on_air.length) return null;
  return h("section", { id: "on-air" },
    h("h2", {}, t("What will be heard differently in the next days")),
    shown.on_air.map((day) => h("details", { class: "card" },
      h("summary", {}, `${day.days_text} · ${day.clusters.join(", ")}`),
      h("ul", { class: "plays" }, day.plays.map((play) => h("li", { class: play.mark },
        h("span", { class: "mark" }, play.mark === "added" ? t("plays") : t("no longer")), ` ${play.time} ${play.title} `, h("span", { class: "hint" }, play.slot)))),
      day.more > 0 && h("p", { class: "hint" }, t("and {n} more", { n: day.more })))));
}

function sounds(shown) {
  const list = (only) => shown.media.filter((one) => one.is_new === only);
  const entry = (one) => h("li", {}, h("strong", {}, one.title), " ", h("span", { class: "hint" }, `${one.language_text} · ${one.length_text}`),
    one.kind === "sound" ? player({ ...one, label: `${one.title}, ${one.language_text}` }, t) : h("p", { class: "hint mono" }, one.sha256.slice(0, 16)));
  const fresh = list(true), known = list(false);
  return h("section", { id: "sounds" },
    fresh.length > 0 && h("section", {}, h("h2", {}, t("Listen: new recordings")), h("ul", { class: "sounds" }, fresh.map(entry))),
    known.length > 0 && h("details", {}, h("summary", {}, t("Recordings of the last release that stay ({n})", { n: known.length })), h("ul", { class: "sounds" }, known.map(entry))));
}

function signing(shown, session) {
  if (!shown.keys.length) return h("p", { class: "fault" }, shown.why_no_key);
  const files = shown.keys.filter((one) => !one.is_passkey), passkey = shown.keys.find((one) => one.is_passkey);
  return h("section", { class: "card sign" },
    h("h2", {}, t("Sign")),
    h("p", {}, t("By signing, {name} answers for this content being heard.", { name: session.person.name })),
    passkey && passkeyForm(shown, session),
    passkey && files.length > 0 && h("p", { class: "hint" }, t("Or with the key file:")),
    files.length > 0 && fileForm(shown, session, files));
}

// What was signed is handed in; what has changed meanwhile is shown anew instead.
async function handIn(shown, session, sign) {
  try {
    const answer = await sign();
    notice(answer.message);
    location.hash = "#/pending";
  } catch (error) {
    if (error.code !== "changed") throw error;
    await reviewPage(shown.id, session);
    notice(error.message, "fault");
  }
}

function passkeyForm(shown, session) {
  const path = `/api/pending/${encodeURIComponent(shown.id)}`;
  return form({ id: "sign-by-passkey" }, () => handIn(shown, session, async () => {
    const asked = await post(`${path}/prepare`, { digest: shown.digest });
    const answer = await signByPasskey(asked.rpid, asked.credential, fromBase64(asked.payload));
    return post(`${path}/assertion`, { digest: shown.digest, ...answer });
  }), h("button", { class: "main", id: "passkey-button" }, t("Sign with the passkey and release")));
}

function fileForm(shown, session, files) {
  const key = h("select", { id: "key", name: "key" }, files.map((one) => h("option", { value: one.name }, one.name)));
  const passphrase = h("input", { id: "passphrase", type: "password", autocomplete: "off", required: true });
  return form({ id: "sign" }, async () => {
    const said = { digest: shown.digest, key: key.value, passphrase: passphrase.value };
    try {
      await handIn(shown, session, () => post(`/api/pending/${encodeURIComponent(shown.id)}/sign`, said));
    } finally {
      passphrase.value = "";
    }
  },
  files.length > 1 ? field(t("Key"), key) : h("p", { class: "hint" }, t("Key: {name}", { name: files[0].name }), h("span", { hidden: true }, key)),
  field(t("Passphrase of the key"), passphrase, t("It stays on this machine and is not kept.")),
  h("button", { class: "main", id: "sign-button" }, t("Sign and release")));
}

function sendingBack(shown) {
  const reason = h("textarea", { id: "reason", required: true, maxlength: 1000, rows: 3 });
  return h("details", { class: "card", id: "return" },
    h("summary", {}, t("Send back with a reason")),
    form({ id: "return-form" }, async () => {
      await post(`/api/pending/${encodeURIComponent(shown.id)}/return`, { reason: reason.value });
      notice(t("Sent back."));
      location.hash = "#/pending";
    }, field(t("Reason"), reason), h("button", {}, t("Send back"))));
}
