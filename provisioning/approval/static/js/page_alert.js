// One running emergency or drill: who has it, who is silent; and the button that ends it.

import { post, read } from "./api.js";
import { h, holdButton, notice, show } from "./dom.js";
import { t } from "./words.js";

const POLL_MS = 1500;
const HOLD_MS = 800;

export async function alertPage(ident) {
  const receipts = h("div", { id: "receipts", "aria-live": "off" });
  const facts = h("div", {});
  const ending = h("div", {});
  show(h("h1", {}, t("Emergency message")), facts, ending, h("h2", {}, t("Loudspeakers")), receipts,
    h("p", {}, h("a", { href: `/api/alerts/${ident}/file`, download: true, id: "save" }, t("Save it for a stick: put into a loudspeaker it sounds there"))));
  let timer = 0;
  let isOver = false;
  let shownEnding = "";

  async function refresh() {
    try {
      const alert = await read(`/api/alerts/${ident}`);
      document.querySelector("h1").textContent = alert.drill ? t("Drill: {title}", { title: alert.title }) : alert.title;
      document.body.className = alert.drill ? "is-drill" : "is-emergency";
      facts.replaceChildren(h("p", { class: "meta" }, [alert.area, t("sent at {at}", { at: alert.issued_text }), t("valid until {at}", { at: alert.expires_text })].join(" · ")));
      receipts.replaceChildren(alert.is_hub_away
        ? h("p", { class: "fault", id: "hub-away" }, t("The system does not answer: what the loudspeakers report is not seen here. A cancel can be sent all the same."))
        : table(alert.receipts));
      const state = alert.cancelled ? "cancelled" : alert.over ? "over" : alert.may_cancel ? `open ${alert.unlocked_text}` : "none";
      if (state !== shownEnding) { shownEnding = state; ending.replaceChildren(endingOf(alert)); }
    } finally {
      if (!isOver) timer = setTimeout(() => refresh().catch((error) => notice(error.message, "fault")), POLL_MS);
    }
  }

  function endingOf(alert) {
    if (alert.cancelled) return h("p", { class: "note", id: "cancelled" }, t("It has been cancelled."));
    if (alert.over) return h("p", { class: "note" }, t("It is no longer valid."));
    if (!alert.may_cancel) return h("p", { class: "hint" }, t("No key on this machine may cancel it."));
    const passphrase = h("input", { id: "passphrase", type: "password", autocomplete: "off" });
    const fault = h("p", { class: "fault", role: "alert" });
    const button = holdButton(t("Hold to cancel: silence at once"), HOLD_MS, { id: "cancel", class: "main hold" }, async (element) => {
      element.disabled = true;
      fault.textContent = "";
      try {
        const sent = await post("/api/emergency/cancel", { id: ident, passphrase: passphrase.value });
        notice(sent.is_complete ? t("The cancel has been sent.") : t("A second officer has to sign the cancel."));
        clearTimeout(timer);
        if (alert.is_hub_away) ending.replaceChildren(h("p", { class: "note", id: "cancelled" }, t("The cancel has been sent.")));
        else await refresh();
      } catch (error) {
        fault.textContent = error.message;
        element.disabled = false;
      } finally {
        passphrase.value = "";
      }
    });
    return h("form", { class: "card", autocomplete: "off", onsubmit: (event) => event.preventDefault() },
      alert.cancel_note && h("p", { class: "note" }, alert.cancel_note),
      alert.unlocked_text ? h("p", { class: "note" }, alert.unlocked_text) : h("div", { class: "field" }, h("label", { for: "passphrase" }, t("Passphrase of the key {key}", { key: alert.key })), passphrase),
      button, fault);
  }

  await refresh();
  return () => { isOver = true; clearTimeout(timer); };
}

function table(receipts) {
  if (!receipts.length) return h("p", { class: "empty" }, t("No loudspeaker has answered yet."));
  return h("table", {},
    h("thead", {}, h("tr", {}, [t("Cluster"), t("State"), t("At"), t("Detail")].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, receipts.map((one) => h("tr", { class: one.is_fault ? "faulty" : "" },
      h("td", {}, one.cluster || one.device), h("td", {}, one.states_text), h("td", {}, one.at_text), h("td", {}, one.detail)))));
}
