// What waits, and one proposal: what it changes, its sounds, then the passkey.

import * as hub from "./api.js";
import { isObject } from "./bytes.js";
import { changesOf } from "./changes.js";
import { isStale, look, ORDINARY, sign, STALE } from "./desk.js";
import { field, form, h, notice, player } from "./dom.js";
import { instant, languageName, length } from "./telling.js";
import { N_, t } from "./words.js";

const KINDS = { programme: N_("Programme"), policy: N_("Hours and volume"), placements: N_("Places of devices"), template: N_("Emergency template") };
let urls = [];

export async function pendingPage(desk) {
  const answer = await hub.pending(), found = Array.isArray(answer) ? answer.filter(isObject) : [];
  found.sort((one, two) => (one.sign_before ?? Infinity) - (two.sign_before ?? Infinity) || one.submitted_at - two.submitted_at);
  desk.show(
    h("h1", {}, t("To sign")),
    isStale(desk.held) && h("p", { class: "note" }, STALE()),
    found.length ? h("ul", { class: "cards", id: "pending" }, found.map(entry)) : h("p", { class: "empty", id: "nothing-pending" }, t("Nothing waits for a signature.")),
    h("p", {}, h("button", { type: "button", onclick: () => pendingPage(desk) }, t("Look again"))));
}

const kindOf = (one) => (Object.hasOwn(KINDS, one.kind) ? t(KINDS[one.kind]) : String(one.kind));
const namesOf = (all) => (Array.isArray(all) ? all.map(String) : []).join(", ");

function entry(one) {
  const title = String(one.title || kindOf(one)), isHere = one.kind === ORDINARY && String(one.role).startsWith("c");
  return h("li", { class: "card" },
    isHere ? h("a", { href: `#/pending/${encodeURIComponent(one.id)}`, class: "title" }, title) : h("span", { class: "title" }, title),
    h("p", { class: "meta" }, [kindOf(one), String(one.area), t("sent at {at}", { at: instant(one.submitted_at) })].join(" · ")),
    namesOf(one.authors) && h("p", { class: "meta" }, t("Made by {names}", { names: namesOf(one.authors) })),
    h("p", { class: "tag" }, one.sign_before ? t("to be signed before {at}", { at: instant(one.sign_before) }) : t("no deadline")),
    !isHere && h("p", { class: "note at-station" }, t("This is signed at the signing machine, not on a phone.")));
}

export async function reviewPage(desk, ident) {
  const shown = await look(desk.held, desk.refused, await hub.proposal(ident), desk.person.username);
  urls.forEach((url) => URL.revokeObjectURL(url));
  urls = [];
  const sounds = await bringSounds(shown);
  const refusals = [...shown.refusals, ...sounds.faults];
  desk.show(
    h("p", {}, h("a", { href: "#/pending" }, t("← To sign"))),
    h("h1", {}, String(shown.proposal.title || t(KINDS.programme))),
    facts(shown),
    refusals.map((text) => h("p", { class: "fault refusal", role: "alert" }, text)),
    shown.notes.map((text) => h("p", { class: "note" }, text)),
    changesOf(shown.changes),
    sounds.list,
    refusals.length ? h("p", { class: "fault", id: "may-not-sign" }, t("This cannot be signed here. Send it back, or call the province.")) : signing(desk, shown),
    sendingBack(shown));
}

function facts(shown) {
  const rows = [
    [t("Area"), shown.area],
    [t("Made by"), shown.authors.join(", ") || "–"],
    [t("Release"), shown.current ? t("{new}, after {old}", { new: shown.version, old: shown.current.version }) : t("the first")],
    [t("Valid until"), instant(shown.expires)],
  ];
  if (shown.threshold > 1) rows.push([t("Signatures"), t("{n} of {threshold}", { n: shown.signers.length, threshold: shown.threshold })]);
  return h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

// Each new recording is brought and hashed before anybody may sign; those of the last release are named.
async function bringSounds(shown) {
  const faults = [], entries = [];
  for (const { title, media } of shown.media.filter((one) => one.isNew)) {
    const about = media.duration_ms ? `${languageName(media.language)} · ${length(media.duration_ms)}` : languageName(media.language);
    const entry = h("li", {}, h("strong", {}, title), " ", h("span", { class: "hint" }, about));
    try {
      const raw = await hub.sound(media);
      if (media.kind === "sound") {
        const src = URL.createObjectURL(new Blob([raw], { type: "audio/ogg" }));
        urls.push(src);
        entry.append(player({ src, duration_ms: media.duration_ms, label: `${title}, ${about}` }, t));
      } else entry.append(h("p", { class: "hint mono" }, media.sha256.slice(0, 16)));
    } catch (error) {
      faults.push(t("The recording “{title}” is not right: {reason}", { title, reason: error.message }));
    }
    entries.push(entry);
  }
  return { faults, list: entries.length > 0 && h("section", { id: "sounds" }, h("h2", {}, t("Listen: new recordings")), h("ul", { class: "sounds" }, entries)) };
}

function signing(desk, shown) {
  if (shown.isOwn) return h("p", { class: "fault" }, t("Whoever made it cannot approve it. Another approver must sign."));
  if (!shown.keys.length) return h("p", { class: "fault" }, shown.signers.length ? t("The keys of this machine have signed already. Another approver must sign too.") : t("No passkey of this address may sign this."));
  return h("section", { class: "card sign" },
    h("h2", {}, t("Sign")),
    h("p", {}, t("By signing, {name} answers for this content being heard.", { name: desk.person.name })),
    form({ id: "sign-by-passkey" }, async () => {
      try {
        const answer = await sign(desk.held, shown);
        notice(answer?.state === "released" ? t("Signed and released.") : t("Signed. Another signature is needed before it is released."));
        location.hash = "#/pending";
      } catch (error) {
        if (error.code !== "changed") throw error;
        await reviewPage(desk, String(shown.proposal.id));
        notice(error.message, "fault");
      }
    }, h("button", { class: "main", id: "passkey-button" }, t("Sign with the passkey and release"))));
}

function sendingBack(shown) {
  const reason = h("textarea", { id: "reason", required: true, maxlength: 1000, rows: 3 });
  return h("details", { class: "card", id: "return" },
    h("summary", {}, t("Send back with a reason")),
    form({ id: "return-form" }, async () => {
      await hub.sendBack(String(shown.proposal.id), reason.value);
      notice(t("Sent back."));
      location.hash = "#/pending";
    }, field(t("Reason"), reason), h("button", {}, t("Send back"))));
}
