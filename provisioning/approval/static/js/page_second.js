// The second officer: which orders wait for a signature here, and a colleague's file; looked at, signed, sent.

import { prepare } from "./api.js";
import { h, notice } from "./dom.js";
import { confirmPage } from "./page_send.js";
import { t } from "./words.js";

const MAX_FILE_BYTES = 24 * 1024;

export function waitingList(session, desk) {
  const file = h("input", { type: "file", id: "colleague-file", accept: ".dsse", onchange: () => openFile(session, file).catch((error) => notice(error.message, "fault")) });
  return h("section", { class: desk.waiting.length ? "card running" : "card", id: "waiting" },
    h("h2", {}, t("Waiting for a second officer")),
    desk.waiting.length ? h("ul", { class: "waiting" }, desk.waiting.map((one) => h("li", {}, entry(session, one)))) : h("p", { class: "hint" }, t("Nothing waits.")),
    h("div", { class: "field" }, h("label", { for: "colleague-file" }, t("A colleague's order as a file")), file));
}

function entry(session, one) {
  const text = `${one.title} · ${one.area} · ${one.issued_text}`;
  if (one.is_mine) return h("span", {}, text, " ", h("span", { class: "hint" }, t("you have signed it")));
  return h("button", { type: "button", class: "quiet", onclick: () => lookAt(session, one.envelope).catch((error) => notice(error.message, "fault")) }, text);
}

async function openFile(session, input) {
  const chosen = input.files[0];
  if (!chosen) return;
  if (chosen.size > MAX_FILE_BYTES) throw new Error(t("This file is too large for an order."));
  const bytes = new Uint8Array(await chosen.arrayBuffer());
  await lookAt(session, btoa(String.fromCharCode(...bytes)));
}

async function lookAt(session, envelope) {
  const prepared = await prepare("/api/emergency/second/look", { envelope });
  confirmPage({
    session, isDrill: false, prepared, path: "/api/emergency/second", back: () => location.reload(),
    lead: h("p", { class: "note" }, t("A colleague has signed this. Read every word: with your signature it sounds at once.")),
  });
}
