// How single values are told, in the words of the station (provisioning/approval/words.py and review/telling.py).

import { N_, t } from "./words.js";

const SECOND = 1_000, MINUTE = 60_000, HOUR = 3_600_000, DAY = 86_400_000, LOCAL_MS = 7 * HOUR;
const WEEKDAYS = [N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday")];
const LANGUAGES = { vi: N_("Vietnamese"), hmn: N_("Hmong"), tyz: N_("Tày"), nut: N_("Nùng"), ium: N_("Dao"), en: N_("English") };
const SORTS = { speech: N_("speech"), music: N_("music"), entertainment: N_("entertainment") };
const LEVELS = { central: N_("central level"), province: N_("province level"), commune: N_("commune level") };
const FIELDS = { 1: N_("General information"), 2: N_("Urgent information"), 3: N_("Guidelines of the Party, policies and laws of the State"), 4: N_("Direction and administration by the local Party committee and government"), 5: N_("Science, technology, economy, culture, society"), 6: N_("Good people, good deeds, advanced examples") };
const PLACES = { cluster: N_("loudspeaker cluster {name}"), board: N_("board {name}"), tag: N_("places marked {name}"), area: N_("area {name}") };
const LAST_MS = 253_402_000_000_000;

export const plain = (value) => (value === null ? "" : String(value));
export const onlyYes = (value) => (value ? t("yes") : "");
export const languageName = (code) => (Object.hasOwn(LANGUAGES, code) ? t(LANGUAGES[code]) : code);
export const fingerprint = (value) => value.slice(0, 16).match(/.{1,4}/g).join(" ");

export function clockTime(value) {
  const hour = Math.floor(value / HOUR), minute = Math.floor((value % HOUR) / MINUTE), second = Math.floor((value % MINUTE) / SECOND);
  return second ? t("{hour}:{minute:02d}:{second:02d}", { hour, minute, second }) : t("{hour}:{minute:02d}", { hour, minute });
}

export function day(value) {
  const [year, month, date] = value.split("-").map(Number);
  return value ? t("{day:02d}/{month:02d}/{year}", { day: date, month, year }) : value;
}

export function instant(value) {
  if (value === null) return t("without end");
  if (!Number.isSafeInteger(value) || value < 0 || value >= LAST_MS) return String(value);
  const local = new Date(value + LOCAL_MS);
  return `${clockTime((local.getUTCHours() * 60 + local.getUTCMinutes()) * MINUTE)} ${day(local.toISOString().slice(0, 10))}`;
}

export const instantOrNothing = (value) => (value ? instant(value) : "");

export function length(value) {
  if (value < 10 * SECOND && value % SECOND) {
    const tenths = Math.floor((value + 50) / 100);
    return t("{whole}.{tenths} seconds", { whole: Math.floor(tenths / 10), tenths: tenths % 10 });
  }
  const all = Math.floor((value + SECOND / 2) / SECOND);
  const hours = Math.floor(all / 3600), minutes = Math.floor(all / 60) % 60, seconds = all % 60;
  return [
    hours ? t("{hours} hours", { hours }) : "",
    minutes ? t("{minutes} minutes", { minutes }) : "",
    seconds || !(hours || minutes) ? t("{seconds} seconds", { seconds }) : "",
  ].filter(Boolean).join(" ");
}

const days = (values) => values.map(day).join(", ");

export function recurrence(when) {
  const parts = [rhythm(when)];
  if (when.freq !== "none") parts.push(t("from {day}", { day: day(when.first) }));
  if (when.until) parts.push(t("until {day} inclusive", { day: day(when.until) }));
  if (when.dates.length && when.freq !== "none") parts.push(t("and also on {days}", { days: days(when.dates) }));
  if (when.exceptions.length) parts.push(t("but not on {days}", { days: days(when.exceptions) }));
  return parts.join(", ");
}

function rhythm(when) {
  const n = when.interval, names = when.weekdays.map((number) => t(WEEKDAYS[number - 1])).join(", ");
  if (when.freq === "none") return when.dates.length ? t("on {days}", { days: days(when.dates) }) : t("on no day");
  if (when.freq === "daily") return n === 1 ? t("every day") : t("every {n} days", { n });
  if (when.freq === "weekly") {
    const week = n === 1 ? t("every week") : t("every {n} weeks", { n });
    return names ? `${week}: ${names}` : week;
  }
  const month = n === 1 ? t("every month") : t("every {n} months", { n });
  const numbers = when.month_days.map((number) => (number === -1 ? t("the last day") : t("day {n}", { n: number }))).join(", ");
  return [month, numbers, names].filter(Boolean).join(": ");
}

export const places = (values) => values.map((target) => {
  if (target === "*") return t("every loudspeaker and board");
  const cut = target.indexOf(":"), kind = target.slice(0, cut), name = target.slice(cut + 1);
  return kind === "lang" ? t("where {language} is spoken", { language: languageName(name) }) : t(PLACES[kind], { name });
}).join(", ");

export const plays = (values, context) => values.map((play) => playOf(play, context)).join(" · ") || t("nothing");

function playOf(play, context) {
  const whose = play.area === context.area ? "" : t(" (of {area})", { area: play.area });
  if (play.kind === "item") {
    const fixed = play.digest ? t(", only this recording ({hash})", { hash: fingerprint(play.digest) }) : "";
    return t("item {title}", { title: context.item(play.area, play.item) }) + whose + fixed;
  }
  if (play.kind === "series") return t("the newest of the series {title}", { title: context.series(play.area, play.series) }) + whose;
  if (play.kind === "relay") return t("relay of {url} for {length}", { url: play.url, length: length(play.duration_ms) });
  if (play.kind === "live") return t("live session {session} for {length}", { session: play.session, length: length(play.duration_ms) });
  return t("the reserve content");
}

export const renditions = (values) => values.map((one) => {
  const hash = one.sha256 && fingerprint(one.sha256);
  const told = {
    sound: () => t("sound of {length}, code {hash}", { length: length(one.duration_ms), hash }),
    text: () => t("text “{text}”", { text: one.text }),
    image: () => t("picture {alternative}, code {hash}", { alternative: one.alternative, hash }),
    video: () => t("film of {length}, code {hash}", { length: length(one.duration_ms), hash }),
  }[one.kind]();
  return `${languageName(one.language)}: ${told}`;
}).join("\n") || t("nothing");

export const sort = (value) => t(SORTS[value] || value);
export const sorts = (values) => values.map(sort).join(", ");
export const level = (value) => t(LEVELS[value] || value);
export const subject = (value) => t(FIELDS[value] || String(value));
export const DAY_MS = DAY;
