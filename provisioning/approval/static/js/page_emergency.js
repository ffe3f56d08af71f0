// An emergency message or a drill: where, what, in which words; looked at once more; then held to send.

import { get, post } from "./api.js";
import { field, form, h, holdButton, notice, playlist, show } from "./dom.js";
import { t } from "./words.js";

const HOLD_MS = 1500;
const VALID_MINUTES = [30, 60, 180, 360, 1440];

export async function emergencyPage(session, isDrill) {
  const desk = await get(`/api/emergency?drill=${isDrill ? 1 : 0}`);
  const choice = { area: desk.areas[0]?.path, template: desk.templates[0]?.id, blanks: {}, minutes: 60, times: 3 };
  choosePage(session, isDrill, desk, choice);
}

function heading(isDrill) {
  return [
    h("h1", {}, isDrill ? t("Drill") : t("Emergency message")),
    isDrill && h("p", { class: "banner drill" }, t("This is a drill, not a real situation.")),
  ];
}

function choosePage(session, isDrill, desk, choice) {
  const body = h("div", { id: "template-body" });
  const area = h("select", { id: "area", onchange: () => { choice.area = area.value; } },
    desk.areas.map((one) => h("option", { value: one.path, selected: one.path === choice.area }, areaText(one))));
  const template = h("select", { id: "template", onchange: () => { choice.template = template.value; choice.blanks = {}; fill(); } },
    desk.templates.map((one) => h("option", { value: one.id, selected: one.id === choice.template }, one.title)));
  const minutes = h("select", { id: "minutes", onchange: () => { choice.minutes = Number(minutes.value); } },
    VALID_MINUTES.map((n) => h("option", { value: n, selected: n === choice.minutes }, n < 60 ? t("{n} minutes", { n }) : t("{n} hours", { n: n / 60 }))));
  const times = h("input", { id: "times", type: "number", min: 1, max: 20, value: choice.times, onchange: () => { choice.times = Number(times.value); } });

  function fill() {
    const chosen = desk.templates.find((one) => one.id === choice.template);
    body.replaceChildren(...(chosen ? [
      h("p", { class: "tag" }, t("Disaster risk level {n}", { n: chosen.severity }), chosen.hazard ? ` · ${chosen.hazard}` : ""),
      h("p", { class: "big" }, chosen.blanks.reduce((text, blank, n) => text.replaceAll(`{${blank.id}}`, markOf(chosen, n)), chosen.text)),
      ...chosen.blanks.map((blank, n) => blankField(blank, markOf(chosen, n), choice)),
    ] : []));
  }
  fill();
  show(heading(isDrill), running(desk),
    !desk.areas.length && h("p", { class: "fault" }, t("No key on this machine may send this.")),
    !desk.templates.length && h("p", { class: "fault", id: "no-templates" }, t("The province has signed no template yet.")),
    desk.areas.length > 0 && desk.templates.length > 0 && form({ id: "choose", class: "card" }, async () => {
      const prepared = await post("/api/emergency/prepare", { drill: isDrill, ...choice });
      confirmPage(session, isDrill, desk, choice, prepared);
    },
    field(t("Where"), area), field(t("What"), template), body,
    field(t("Loudspeakers that were off still sound it for"), minutes), field(t("Said how many times"), times),
    h("button", { class: isDrill ? "main drill" : "main red", id: "look" }, t("Listen and check"))));
}

// How a blank is shown in the sentence before it is filled: its id is for programs.
function markOf(template, n) {
  return template.blanks.length > 1 ? `(${n + 1}) …` : "…";
}

function blankField(blank, mark, choice) {
  const select = h("select", { id: `blank-${blank.id}`, required: true, onchange: () => { choice.blanks[blank.id] = select.value; } },
    h("option", { value: "" }, t("choose")),
    blank.choices.map((one) => h("option", { value: one.id, selected: choice.blanks[blank.id] === one.id }, one.text)));
  return field(t("Choose: {blank}", { blank: mark }), select);
}

function areaText(one) {
  const figures = [
    one.clusters !== null && t("{n} clusters", { n: one.clusters }),
    one.households !== null && t("{n} households", { n: one.households }),
  ].filter(Boolean);
  return [one.name ? `${one.name} (${one.path})` : one.path, ...figures].join(" · ");
}

function running(desk) {
  if (!desk.running.length) return null;
  return h("section", { class: "card running" }, h("h2", {}, t("Sounding or still valid")),
    h("ul", {}, desk.running.map((one) => h("li", {}, h("a", { href: `#/alerts/${one.id}` }, `${one.title} · ${one.area} · ${one.issued_text}`)))));
}

function confirmPage(session, isDrill, desk, choice, prepared) {
  const passphrase = h("input", { id: "passphrase", type: "password", autocomplete: "off" });
  const fault = h("p", { class: "fault", role: "alert" });
  const keep = h("input", { id: "keep", type: "checkbox" });
  const send = holdButton(isDrill ? t("Hold to send the drill") : t("Hold to send"), HOLD_MS, { id: "send", class: isDrill ? "main drill hold" : "main red hold" }, async (button) => {
    button.disabled = true;
    fault.textContent = "";
    try {
      const sent = await post("/api/emergency/start", { order: prepared.order, passphrase: passphrase.value, keep: keep.checked });
      notice(t("Sent."));
      location.hash = `#/alerts/${sent.id}`;
    } catch (error) {
      fault.textContent = error.message;
      button.disabled = false;
    } finally {
      passphrase.value = "";
    }
  });
  show(heading(isDrill),
    h("section", { class: "card", id: "summary" },
      h("p", { class: "big" }, prepared.title),
      h("dl", { class: "facts" },
        h("dt", {}, t("Where")), h("dd", {}, areaText(prepared.area)),
        h("dt", {}, t("Signed as")), h("dd", {}, prepared.role_text),
        h("dt", {}, t("Said")), h("dd", {}, prepared.repeat_text),
        h("dt", {}, t("Valid until")), h("dd", {}, prepared.expires_text))),
    prepared.wordings.map((wording) => h("section", { class: "card wording", lang: wording.language },
      h("h2", {}, wording.language_text), h("p", { class: "big" }, wording.text),
      wording.clips === null && h("p", { class: "fault" }, t("There is no complete recording in this language: it will not be heard.")),
      wording.clips && playlist(wording.clips.map((clip) => ({ ...clip, label: wording.language_text })), t))),
    h("form", { class: "card", autocomplete: "off", onsubmit: (event) => event.preventDefault() },
      prepared.unlocked_text
        ? h("p", { class: "note", id: "unlocked" }, prepared.unlocked_text)
        : [field(t("Passphrase of the key {key}", { key: prepared.key }), passphrase),
           h("div", { class: "check" }, keep, h("label", { for: "keep" }, t("Keep the key open for 10 minutes on this machine, for a cancel or a further message")))],
      send, fault,
      h("button", { type: "button", class: "quiet", id: "back", onclick: () => choosePage(session, isDrill, desk, choice) }, t("Back, send nothing"))));
}
