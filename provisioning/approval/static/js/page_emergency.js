// An emergency message or a drill: where, what, in which words; then `page_send` has it looked at and sent.

import { prepare, read } from "./api.js";
import { field, form, h, show } from "./dom.js";
import { areaText, confirmPage, heading } from "./page_send.js";
import { waitingList } from "./page_second.js";
import { t } from "./words.js";

const VALID_MINUTES = [30, 60, 180, 360, 1440];

export async function emergencyPage(session, isDrill) {
  const desk = await read(`/api/emergency?drill=${isDrill ? 1 : 0}`);
  const choice = { area: desk.areas[0]?.path, template: desk.templates[0]?.id, blanks: {}, minutes: 60, times: 3 };
  choosePage(session, isDrill, desk, choice);
}

// What a second officer has to sign is written here by the first: `title`, `text`, how grave it is.
export async function ownPage(session) {
  const desk = await read("/api/emergency");
  const choice = { area: desk.own_areas[0]?.path, title: "", text: "", severity: 3, minutes: 60, times: 3 };
  writePage(session, desk, choice);
}

function writePage(session, desk, choice) {
  const title = h("input", { id: "title", required: true, maxlength: 200, value: choice.title, onchange: () => { choice.title = title.value.trim(); } });
  const text = h("textarea", { id: "text", required: true, maxlength: 1500, rows: 6, onchange: () => { choice.text = text.value.trim(); } }, choice.text);
  const severity = h("select", { id: "severity", onchange: () => { choice.severity = Number(severity.value); } },
    [1, 2, 3, 4, 5].map((n) => h("option", { value: n, selected: n === choice.severity }, t("Disaster risk level {n}", { n }))));
  show(heading(false), h("h2", {}, t("In your own words")), awayNote(desk),
    h("p", { class: "note" }, t("A second officer has to sign this on another machine before any loudspeaker says it. A template needs you alone.")),
    !desk.own_areas.length && h("p", { class: "fault" }, t("No key on this machine may send this.")),
    desk.own_areas.length > 0 && form({ id: "write", class: "card" }, async () => {
      const prepared = await prepare("/api/emergency/own", choice);
      confirmPage({ session, isDrill: false, prepared, back: () => writePage(session, desk, choice) });
    },
    field(t("Where"), areaSelect(desk.own_areas, choice)), field(t("Title"), title), field(t("What is said"), text),
    field(t("How grave"), severity), ...howLong(choice),
    h("button", { class: "main red", id: "look" }, t("Read it over"))));
}

function areaSelect(areas, choice) {
  const area = h("select", { id: "area", onchange: () => { choice.area = area.value; } },
    areas.map((one) => h("option", { value: one.path, selected: one.path === choice.area }, areaText(one))));
  return area;
}

function howLong(choice) {
  const minutes = h("select", { id: "minutes", onchange: () => { choice.minutes = Number(minutes.value); } },
    VALID_MINUTES.map((n) => h("option", { value: n, selected: n === choice.minutes }, n < 60 ? t("{n} minutes", { n }) : t("{n} hours", { n: n / 60 }))));
  const times = h("input", { id: "times", type: "number", min: 1, max: 20, value: choice.times, onchange: () => { choice.times = Number(times.value); } });
  return [field(t("Loudspeakers that were off still sound it for"), minutes), field(t("Said how many times"), times)];
}

function awayNote(desk) {
  if (!desk.is_hub_away) return null;
  return h("p", { class: "fault", id: "hub-away" }, desk.brokers.length
    ? t("The system does not answer. Orders go straight to the loudspeakers' broker: {brokers}.", { brokers: desk.brokers.join(", ") })
    : t("The system does not answer, and this machine has no list of brokers. An order can be saved for a stick."));
}

function choosePage(session, isDrill, desk, choice) {
  const body = h("div", { id: "template-body" });
  const template = h("select", { id: "template", onchange: () => { choice.template = template.value; choice.blanks = {}; fill(); } },
    desk.templates.map((one) => h("option", { value: one.id, selected: one.id === choice.template }, one.title)));

  function fill() {
    const chosen = desk.templates.find((one) => one.id === choice.template);
    body.replaceChildren(...(chosen ? [
      h("p", { class: "tag" }, t("Disaster risk level {n}", { n: chosen.severity }), chosen.hazard ? ` · ${chosen.hazard}` : ""),
      h("p", { class: "big" }, chosen.blanks.reduce((text, blank, n) => text.replaceAll(`{${blank.id}}`, markOf(chosen, n)), chosen.text)),
      ...chosen.blanks.map((blank, n) => blankField(blank, markOf(chosen, n), choice)),
      chosen.needs_second && h("p", { class: "note" }, t("Own words are filled in here: a second officer has to sign it on another machine.")),
    ].filter(Boolean) : []));
  }
  fill();
  show(heading(isDrill), awayNote(desk), running(desk), !isDrill && desk.waiting.length > 0 && waitingList(session, desk),
    !desk.areas.length && h("p", { class: "fault" }, t("No key on this machine may send this.")),
    !desk.templates.length && h("p", { class: "fault", id: "no-templates" }, t("The province has signed no template yet.")),
    desk.areas.length > 0 && desk.templates.length > 0 && form({ id: "choose", class: "card" }, async () => {
      const prepared = await prepare("/api/emergency/prepare", { drill: isDrill, ...choice });
      confirmPage({ session, isDrill, prepared, back: () => choosePage(session, isDrill, desk, choice) });
    },
    field(t("Where"), areaSelect(desk.areas, choice)), field(t("What"), template), body, ...howLong(choice),
    h("button", { class: isDrill ? "main drill" : "main red", id: "look" }, t("Listen and check"))),
    !isDrill && desk.own_areas.length > 0 && h("p", {}, h("a", { href: "#/emergency/own", id: "own" }, t("No template fits: write it in your own words"))),
    !isDrill && desk.own_areas.length > 0 && !desk.waiting.length && waitingList(session, desk));
}

// How a blank is shown in the sentence before it is filled: its id is for programs.
function markOf(template, n) {
  return template.blanks.length > 1 ? `(${n + 1}) …` : "…";
}

function blankField(blank, mark, choice) {
  const id = `blank-${blank.id}`;
  const keep = (event) => { choice.blanks[blank.id] = event.target.value.trim(); };
  const common = { id, required: true, value: choice.blanks[blank.id] || "", oninput: keep };
  if (blank.kind === "number") {
    const hint = t("From {least} to {most} {unit}", { least: blank.least, most: blank.most, unit: blank.unit });
    return field(t("Number: {blank}", { blank: mark }), h("input", { ...common, type: "number", min: blank.least, max: blank.most, step: 1 }), hint);
  }
  if (blank.kind === "time") return field(t("Time of day: {blank}", { blank: mark }), h("input", { ...common, type: "time" }));
  if (blank.kind === "letters") return field(t("Own words: {blank}", { blank: mark }), h("input", { ...common, maxlength: 300 }));
  const select = h("select", { id, required: true, onchange: keep },
    h("option", { value: "" }, t("choose")),
    blank.choices.map((one) => h("option", { value: one.id, selected: choice.blanks[blank.id] === one.id }, one.text)));
  return field(t("Choose: {blank}", { blank: mark }), select);
}

function running(desk) {
  if (!desk.running.length) return null;
  return h("section", { class: "card running" }, h("h2", {}, t("Sounding or still valid")),
    h("ul", {}, desk.running.map((one) => h("li", {}, h("a", { href: `#/alerts/${one.id}` }, `${one.title} · ${one.area} · ${one.issued_text}`)))));
}
