// Joins the pages: who is signed in, the header, and which page the address names.

import { get, leavePage, post, useToken } from "./api.js";
import { clearNotice, h, notice, show } from "./dom.js";
import { alertPage } from "./page_alert.js";
import { emergencyPage, ownPage } from "./page_emergency.js";
import { loginPage } from "./page_login.js";
import { passkeyPage } from "./page_passkey.js";
import { pendingPage } from "./page_pending.js";
import { reviewPage } from "./page_review.js";
import { language, loadWords, t } from "./words.js";

const LANGUAGE_NAMES = { vi: "Tiếng Việt", en: "English" };
let session = null;
let languages = [];
let leave = () => {};

const PAGES = [
  [/^#\/pending\/(.+)$/, (ident) => reviewPage(decodeURIComponent(ident), session)],
  [/^#\/emergency\/own$/, () => ownPage(session)],
  [/^#\/emergency(?:\/(drill))?$/, (drill) => emergencyPage(session, Boolean(drill))],
  [/^#\/alerts\/([0-9a-f]{64})$/, (ident) => alertPage(ident, session)],
  [/^#\/passkey$/, () => passkeyPage()],
  [/.*/, () => pendingPage(session)],
];

async function openSession() {
  session = await get("/api/session");
  useToken(session.csrf);
}

function isHere(href) {
  if (href === "#/pending") return !location.hash || location.hash.startsWith(href);
  return location.hash === href;
}

function header() {
  const link = (href, text, kind = "") =>
    h("a", { href, class: kind, "aria-current": isHere(href) ? "page" : null }, text);
  const navigation = session.person && h("nav", { "aria-label": t("Pages") },
    link("#/pending", t("To sign")),
    link("#/passkey", t("Passkey")),
    session.emergency && link("#/emergency", t("Emergency"), "red"),
    session.drill && link("#/emergency/drill", t("Drill"), "drill"));
  const others = languages.filter((code) => code !== language);
  document.getElementById("top").replaceChildren(
    h("div", { class: "brand" }, h("strong", {}, t("Signing machine")), h("span", { class: "hint" }, session.province_name)),
    ...(navigation ? [navigation] : []),
    h("div", { class: "person" },
      session.person && h("span", {}, session.person.name),
      session.person && h("button", { type: "button", class: "quiet", id: "sign-out", onclick: signOut }, t("Sign out")),
      others.map((code) => h("button", { type: "button", class: "quiet", lang: code, onclick: () => changeLanguage(code) }, LANGUAGE_NAMES[code] || code))));
}

async function signOut() {
  await post("/api/logout").catch(() => {});
  await start();
}

async function changeLanguage(code) {
  languages = await loadWords(code);
  await openPage();
}

async function openPage() {
  leavePage();
  leave();
  leave = () => {};
  document.body.className = location.hash.startsWith("#/emergency/drill") ? "is-drill" : location.hash.startsWith("#/emergency") ? "is-emergency" : "";
  header();
  if (!session.person) {
    show(loginPage(session, async () => { await start(); }));
    return;
  }
  const [pattern, open] = PAGES.find(([one]) => one.test(location.hash));
  try {
    leave = (await open(...(location.hash.match(pattern) || []).slice(1))) || (() => {});
  } catch (error) {
    if (session.person) show(h("h1", {}, t("This page could not be opened")), h("p", { class: "fault" }, error.message),
      h("button", { type: "button", onclick: openPage }, t("Try again")));
  }
}

async function start() {
  await openSession();
  clearNotice();
  await openPage();
}

window.addEventListener("hashchange", () => { clearNotice(); openPage(); });
window.addEventListener("signed-out", async () => {
  if (!session || !session.person) return;
  session.person = null;
  await openSession();
  await openPage();
  notice(t("The session has ended. Sign in again."), "fault");
});

try {
  languages = await loadWords("");
  await start();
} catch (error) {
  show(h("h1", {}, "Ký duyệt"), h("p", { class: "fault" }, error.message));
}
