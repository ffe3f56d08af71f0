// Approving on a phone: the first use, signing in, and which page the address names. No page of the hub, no server behind.

import { isSignedIn, login, logout, useHub } from "./api.js";
import { TrustError } from "./bytes.js";
import { clearNotice, field, form, h, notice, show } from "./dom.js";
import { refreshed } from "./desk.js";
import { passkeyPage } from "./page_passkey.js";
import { pinPage } from "./page_pin.js";
import { pendingPage, reviewPage } from "./pages.js";
import { forget, readHeld } from "./store.js";
import { LANGUAGES, language, loadWords, t } from "./words.js";

// `held` is what is trusted, `refused` what the hub gave last that did not verify, `person` who is signed in. A page gets a
// copy of its own, whose `show` is silent once another page has been opened.
const desk = { hub: "", held: null, refused: [], person: null, show };

const PAGES = [
  [/^#\/pending\/(.+)$/, (here, ident) => reviewPage(here, decodeURIComponent(ident))],
  [/^#\/passkey$/, (here) => passkeyPage(here)],
  [/.*/, (here) => pendingPage(here)],
];

function header() {
  const isHere = (href) => (location.hash || "#/pending").startsWith(href);
  const link = (href, text) => h("a", { href, "aria-current": isHere(href) ? "page" : null }, text);
  const others = Object.keys(LANGUAGES).filter((code) => code !== language);
  document.getElementById("top").replaceChildren(...[
    h("div", { class: "brand" }, h("strong", {}, t("Approving on the phone")), h("span", { class: "hint" }, location.hostname)),
    desk.person && h("nav", { "aria-label": t("Pages") }, link("#/pending", t("To sign")), link("#/passkey", t("Passkey"))),
    h("div", { class: "person" },
      desk.person && h("span", {}, desk.person.name),
      desk.person && h("button", { type: "button", class: "quiet", id: "sign-out", onclick: signOut }, t("Sign out")),
      others.map((code) => h("button", { type: "button", class: "quiet", lang: code, onclick: () => changeLanguage(code) }, LANGUAGES[code]))),
  ].filter(Boolean));
}

function loginPage() {
  const username = h("input", { id: "username", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
  const password = h("input", { id: "password", type: "password", autocomplete: "current-password", required: true });
  show(h("section", { class: "card narrow" },
    h("h1", {}, t("Sign in to approve")),
    h("p", { class: "hint" }, t("With the account of the source information system ({hub}).", { hub: desk.hub })),
    form({ id: "login" }, async () => {
      desk.person = await login(username.value, password.value);
      await openPage();
    }, field(t("User name"), username), field(t("Password"), password), h("button", { class: "main" }, t("Sign in")))));
}

function damagedPage() {
  show(h("section", { class: "card narrow" },
    h("h1", {}, t("What this browser remembers is damaged")),
    h("p", { id: "damaged" }, t("Nothing was signed. Begin again with the fingerprint of the province from the paper; your passkey stays.")),
    h("button", { type: "button", class: "main", id: "forget", onclick: () => { forget(); location.reload(); } }, t("Begin again"))));
}

async function signOut() {
  await logout();
  desk.person = null;
  await openPage();
}

async function changeLanguage(code) {
  await loadWords(code);
  await openPage();
}

const DAMAGED = Symbol("damaged");
let turn = 0;

// Whoever goes on to another page while one is still being brought sees the other one only.
async function openPage() {
  turn += 1;
  const mine = turn, isHere = () => mine === turn;
  desk.show = (...children) => { if (isHere()) show(...children); };
  header();
  if (!desk.held) return pinPage(async (held) => { desk.held = held; await openPage(); });
  if (!isSignedIn() || !desk.person) return loginPage();
  const [pattern, open] = PAGES.find(([one]) => one.test(location.hash));
  try {
    show(h("h1", {}, t("Checking what was sent …")), h("p", { class: "loading" }, t("Signatures, content and every sound are being verified.")));
    const { held, refusals } = await refreshed(desk.held);
    if (!isHere()) return null;
    Object.assign(desk, { held, refused: refusals });
    await open({ ...desk }, ...(location.hash.match(pattern) || []).slice(1));
  } catch (error) {
    if (!desk.person || !isHere()) return null;
    const detail = error instanceof TrustError && error.code !== "at_station" ? t("This cannot be shown here: {reason}", { reason: error.message }) : error.message;
    show(h("p", {}, h("a", { href: "#/pending" }, t("← To sign"))), h("h1", {}, t("This page could not be opened")), h("p", { class: "fault", id: "page-fault" }, detail),
      h("button", { type: "button", onclick: openPage }, t("Try again")));
  }
  return null;
}

window.addEventListener("hashchange", () => { clearNotice(); openPage(); });
window.addEventListener("signed-out", () => {
  desk.person = null;
  openPage();
  notice(t("The session has ended. Sign in again."), "fault");
});

try {
  await loadWords("");
  desk.hub = (await (await fetch("config.json")).json()).hub;
  useHub(desk.hub);
  desk.held = await readHeld().catch(() => DAMAGED);
  navigator.storage?.persist?.().catch(() => {}); // asks the browser not to forget what was seen; a no is no fault
  if (desk.held === DAMAGED) damagedPage();
  else await openPage();
} catch (error) {
  show(h("h1", {}, "Ký duyệt"), h("p", { class: "fault" }, error.message));
}
