// Building pages: elements with text, never markup from data.

// What a reader cannot see, and what turns the order of what follows (a title that reads otherwise than it is spoken): shown as
// its number, so that nobody signs what the eye does not meet.
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]/gu;

export const visible = (text) => String(text).replace(UNSEEN, (one) => `⟨U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, String(value));
  }
  const shown = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  element.append(...shown.map((child) => (child instanceof Node ? child : visible(child))));
  return element;
}

export function show(...children) {
  const main = document.getElementById("main");
  main.replaceChildren(...children.flat(Infinity).filter(Boolean));
  const heading = main.querySelector("h1");
  if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    document.title = heading.textContent;
  }
  window.scrollTo(0, 0);
}

let hideNotice = 0;
let saidAt = 0;

// A sentence at the foot of the page, read out by screen readers; a fault stays until the next one.
export function notice(text, kind = "done") {
  const element = document.getElementById("notice");
  element.className = `notice ${kind}`;
  element.textContent = visible(text);
  saidAt = Date.now();
  clearTimeout(hideNotice);
  if (kind === "done") hideNotice = setTimeout(() => { element.textContent = ""; }, 8000);
}

// Leaving a page takes its notice along, unless what it says has only just been done.
export function clearNotice() {
  const isFault = document.getElementById("notice").classList.contains("fault");
  if (isFault || Date.now() - saidAt > 1000) notice("");
}

// A labelled field; `input` is the element that carries the value.
export function field(label, input, hint = "") {
  input.id ||= `field-${label.replace(/\W+/g, "-")}-${document.querySelectorAll("input,select,textarea").length}`;
  const lines = [h("label", { for: input.id }, label), input];
  if (hint) {
    const id = `${input.id}-hint`;
    input.setAttribute("aria-describedby", id);
    lines.push(h("p", { class: "hint", id }, hint));
  }
  return h("div", { class: "field" }, lines);
}

// A form that sends once, says it is busy, and shows the refusal beside its button.
export function form(attributes, send, ...children) {
  const fault = h("p", { class: "fault", role: "alert" });
  const element = h("form", { ...attributes, novalidate: false }, children, fault);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = [...element.querySelectorAll("button")];
    fault.textContent = "";
    buttons.forEach((button) => { button.disabled = true; });
    try {
      await send(element, event.submitter);
    } catch (error) {
      fault.textContent = visible(error.message);
    } finally {
      buttons.forEach((button) => { button.disabled = false; });
    }
  });
  return element;
}

// A button that acts only after having been held down for `holdMs`, by pointer or by keyboard.
export function holdButton(label, holdMs, attributes, act) {
  let timer = 0;
  const bar = h("span", { class: "hold-bar", "aria-hidden": "true" });
  const button = h("button", { type: "button", ...attributes }, bar, h("span", { class: "hold-label" }, label));
  button.style.setProperty("--hold", `${holdMs}ms`);
  const begin = () => {
    if (timer || button.disabled) return;
    button.classList.add("holding");
    timer = setTimeout(() => { end(); act(button); }, holdMs);
  };
  const end = () => {
    clearTimeout(timer);
    timer = 0;
    button.classList.remove("holding");
  };
  button.addEventListener("pointerdown", (event) => { if (event.button === 0) begin(); });
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) button.addEventListener(name, end);
  button.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") { event.preventDefault(); begin(); }
  });
  button.addEventListener("keyup", end);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  return button;
}

// Players that sound one after the other once the first is started.
export function playlist(sounds, t) {
  const players = sounds.map((sound) => player(sound, t));
  const audios = players.map((one) => one.querySelector("audio"));
  audios.forEach((audio, n) => audio.addEventListener("ended", () => audios[n + 1]?.play()));
  const all = h("button", { type: "button", class: "listen", onclick: () => {
    audios.forEach((audio) => { audio.pause(); audio.currentTime = 0; });
    audios[0].play();
  } }, t("Listen to the whole message"));
  return h("div", { class: "playlist" }, sounds.length > 1 && all, players);
}

// A player for one verified sound (of the station, or at `src`); says so when its length is not the one that is signed.
export function player(sound, t) {
  const warning = h("p", { class: "fault" });
  const audio = h("audio", { controls: true, preload: "none", src: sound.src || `/api/sounds/${sound.sha256}`, "aria-label": sound.label || sound.title });
  audio.addEventListener("loadedmetadata", () => {
    if (Number.isFinite(audio.duration) && Math.abs(audio.duration * 1000 - sound.duration_ms) > 1500) {
      warning.textContent = t("This sound is not as long as it says.");
    }
  });
  audio.addEventListener("error", () => { warning.textContent = t("This sound cannot be played."); });
  return h("div", { class: "player" }, audio, warning);
}
