// The last look at an order: every word and clip, who signs it; then held to sign and send, by the hub or past it.

import { post } from "./api.js";
import { field, h, holdButton, notice, playlist, show } from "./dom.js";
import { t } from "./words.js";

const HOLD_MS = 1500;

export function heading(isDrill) {
  return [
    h("h1", {}, isDrill ? t("Drill") : t("Emergency message")),
    isDrill && h("p", { class: "banner drill" }, t("This is a drill, not a real situation.")),
  ];
}

export function areaText(one) {
  const figures = [
    one.clusters !== null && t("{n} clusters", { n: one.clusters }),
    one.households !== null && t("{n} households", { n: one.households }),
  ].filter(Boolean);
  return [one.name ? `${one.name} (${one.path})` : one.path, ...figures].join(" · ");
}

// `prepared` is what the station told; `path` is where the signature is asked for; `back` leaves without sending.
export function confirmPage({ isDrill, prepared, back, path = "/api/emergency/start", lead = null }) {
  const passphrase = h("input", { id: "passphrase", type: "password", autocomplete: "off" });
  const keep = h("input", { id: "keep", type: "checkbox" });
  const fault = h("p", { class: "fault", role: "alert" });
  const past = h("div", { id: "past-hub" });
  const label = isDrill ? t("Hold to send the drill") : prepared.needs_second ? t("Hold to sign") : t("Hold to send");

  async function send(button, carrier) {
    button.disabled = true;
    fault.textContent = "";
    try {
      const sent = await post(path, { order: prepared.order, passphrase: passphrase.value, keep: keep.checked, carrier });
      passphrase.value = "";
      sentPage(sent, isDrill);
    } catch (error) {
      fault.textContent = error.message;
      button.disabled = false;
      if (error.status !== 403 && !prepared.needs_second) offerOtherWays();
    }
  }

  function offerOtherWays() {
    past.replaceChildren(...[
      prepared.brokers.length > 0 && h("p", { class: "note" }, t("It can go straight to the loudspeakers' broker: {brokers}.", { brokers: prepared.brokers.join(", ") })),
      prepared.brokers.length > 0 && holdButton(t("Hold to send past the system"), HOLD_MS, { id: "send-broker", class: "main red hold" }, (button) => send(button, "broker")),
      h("p", { class: "note" }, t("It can be carried on a stick: put into a loudspeaker it sounds there.")),
      holdButton(t("Hold to sign and save as a file"), HOLD_MS, { id: "send-file", class: "main hold" }, (button) => send(button, "file")),
    ].filter(Boolean));
  }

  show(heading(isDrill), lead,
    h("section", { class: "card", id: "summary" },
      h("p", { class: "big" }, prepared.title),
      h("dl", { class: "facts" },
        h("dt", {}, t("Where")), h("dd", {}, areaText(prepared.area)),
        h("dt", {}, t("Signed as")), h("dd", {}, prepared.role_text),
        h("dt", {}, t("Said")), h("dd", {}, prepared.repeat_text),
        h("dt", {}, t("Valid until")), h("dd", {}, prepared.expires_text))),
    prepared.wordings.map(wordingCard),
    prepared.needs_second && h("p", { class: "note" }, t("Your signature is the first. It sounds when a second officer has signed on another machine.")),
    h("form", { class: "card", autocomplete: "off", onsubmit: (event) => event.preventDefault() },
      prepared.unlocked_text
        ? h("p", { class: "note", id: "unlocked" }, prepared.unlocked_text)
        : [field(t("Passphrase of the key {key}", { key: prepared.key }), passphrase),
           h("div", { class: "check" }, keep, h("label", { for: "keep" }, t("Keep the key open for 10 minutes on this machine, for a cancel or a further message")))],
      holdButton(label, HOLD_MS, { id: "send", class: isDrill ? "main drill hold" : "main red hold" }, (button) => send(button, "hub")),
      fault, past,
      h("button", { type: "button", class: "quiet", id: "back", onclick: back }, t("Back, send nothing"))));
}

function wordingCard(wording) {
  return h("section", { class: "card wording", lang: wording.language },
    h("h2", {}, wording.language_text), h("p", { class: "big" }, wording.text),
    wording.clips === null && h("p", { class: "fault" }, t("There is no complete recording in this language: the signal sounds, and where the loudspeaker can, it reads the text.")),
    wording.clips && playlist(wording.clips.map((clip) => ({ ...clip, label: wording.language_text })), t));
}

// What became of it: to the page that watches it, or to the colleague who has to sign too.
function sentPage(sent, isDrill) {
  if (sent.is_complete && sent.by.length) {
    notice(sent.by_hub ? t("Sent.") : t("Sent straight to the broker: {brokers}.", { brokers: sent.by.join(", ") }));
    location.hash = `#/alerts/${sent.id}`;
    return;
  }
  show(heading(isDrill), h("section", { class: "card", id: "half-signed" }, sent.is_complete ? carried(sent) : waits(sent),
    h("p", {}, h("a", { href: `/api/alerts/${sent.id}/file`, download: true, id: "save" }, t("Save it as a file")))));
}

function carried(sent) {
  return [
    h("p", { class: "big" }, t("Signed, and not sent yet.")),
    h("p", {}, t("Save the file on a stick and put it into the loudspeakers that shall sound it; a cancel goes the same way.")),
    h("p", {}, h("a", { href: `#/alerts/${sent.id}` }, t("To its page"))),
  ];
}

function waits(sent) {
  return [
    h("p", { class: "big" }, t("Signed by {n} of {all} officers. No loudspeaker says it yet.", { n: sent.signatures, all: sent.threshold })),
    h("p", {}, sent.by_hub
      ? t("A second officer finds it on the page of emergency messages, on another machine.")
      : t("The system does not answer: save it as a file and hand it to the second officer.")),
  ];
}
