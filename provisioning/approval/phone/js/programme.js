// A programme as wire/programme.py has it, field for field: what this page does not know, or could not show, is refused.
// Files are canonical, so what was decoded must write itself as the very same bytes: no field twice, none left out.

import { encode, parse, require, sameBytes } from "./bytes.js";

const DAY = 86_400_000, MAX_BYTES = 256 * 1024, MAX_SLOTS = 200, MAX_DATES = 500, MAX_ITEMS = 1000, LAST = 2 ** 53 - 1;
export const MAX_PLAY_DAYS = 45;

const text = (most, pattern = /^/u, least = 0) => (value) => typeof value === "string" && [...value].length >= least && [...value].length <= most && pattern.test(value);
const int = (least, most) => (value) => Number.isSafeInteger(value) && value >= least && value <= most;
const bool = (value) => typeof value === "boolean";
const list = (of, most, least = 0) => (value) => Array.isArray(value) && value.length >= least && value.length <= most && value.every(of);
const maybe = (of) => (value) => value === null || of(value);
const thing = (fields) => (value) => typeof value === "object" && value !== null && !Array.isArray(value)
  && Object.keys(value).length === Object.keys(fields).length && Object.entries(fields).every(([name, isGood]) => Object.hasOwn(value, name) && isGood(value[name]));
const only = (word) => (value) => value === word;
const oneOf = (kinds) => (value) => Object.hasOwn(kinds, value?.kind ?? "") && thing({ kind: only(value.kind), ...kinds[value.kind] })(value);

const ident = text(64, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const area = text(70, /^[0-9a-z]{1,10}(\/[0-9a-z]{1,10}){0,5}$/);
const digest = text(64, /^[0-9a-f]{64}$/);
const language = text(12, /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$/);
const day = (value) => typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) && !value.startsWith("0000") && isDay(value);
const isDay = (value) => { const at = Date.parse(`${value}T00:00:00Z`); return !Number.isNaN(at) && new Date(at).toISOString().startsWith(value); };
const instant = int(-LAST, LAST);
const size = int(1, 200 * 1024 * 1024), duration = int(1, 3 * 3_600_000), pixels = int(1, 20_000);
const title = text(200, /^/, 1);
const place = text(200, /^(\*|(cluster|board|tag|lang):[A-Za-z0-9._-]{1,64}|area:[0-9a-z]{1,10}(\/[0-9a-z]{1,10}){0,5})$/);
const places = list(place, 200, 1);

const rendition = oneOf({
  sound: { language, sha256: digest, size, duration_ms: duration, loudness_mlufs: int(-LAST, LAST) },
  text: { language, text: text(20_000) },
  image: { language, sha256: digest, size, width_px: pixels, height_px: pixels, alternative: text(1_000) },
  video: { language, sha256: digest, size, width_px: pixels, height_px: pixels, duration_ms: duration },
});
const item = thing({
  id: ident, title: text(300, /^/, 1), sort: text(20, /^(speech|music|entertainment)$/), renditions: list(rendition, 40),
  summary: text(1_000), field: int(1, 6), essential: bool, level: text(20, /^(central|province|commune)$/), issued_by: text(300),
  document_number: text(80), document_date: text(10, /^(\d{4}-\d{2}-\d{2})?$/), valid_from: instant, valid_until: maybe(instant),
});
const when = thing({
  first: day, freq: text(10, /^(none|daily|weekly|monthly)$/), interval: int(1, 52), weekdays: list(int(1, 7), 7),
  month_days: list(int(-1, 31), 31), until: maybe(day), dates: list(day, MAX_DATES), exceptions: list(day, MAX_DATES),
});
const play = oneOf({
  item: { area, item: ident, digest: maybe(digest) }, series: { area, series: ident }, reserve: {},
  relay: { url: text(500, /^https:\/\//), duration_ms: int(1, DAY) }, live: { session: ident, duration_ms: int(1, DAY) },
});
const slot = thing({
  id: ident, title, start_ms: int(0, DAY - 1), length_ms: int(1, DAY / 2), when, plays: list(play, 100), priority: bool, fixed: bool,
  any_time: bool, targets: places,
});
const special = thing({
  id: ident, title, first: day, last: day, mute: bool, replace: bool, drop: list(text(20, /^(music|entertainment)$/), 2),
  slots: list(slot, MAX_SLOTS), targets: places,
});
const series = thing({ id: ident, title, items: list(ident, MAX_ITEMS) });
const programme = thing({
  area, issued: instant, play_until: instant, items: list(item, MAX_ITEMS), slots: list(slot, MAX_SLOTS),
  offers: thing({ items: list(ident, MAX_ITEMS), series: list(series, 100) }), order: list(ident, MAX_ITEMS),
  withdrawn: list(ident, MAX_ITEMS), special_days: list(special, 60), reserve: list(ident, 200),
  swaps: list(thing({ device: ident, cluster: ident }), 200), schema: int(1, 1),
});

// Raises malformed for anything but a programme that can be shown completely.
export function readProgramme(raw) {
  require(raw.length <= MAX_BYTES, "malformed", `${raw.length} bytes, more than ${MAX_BYTES}`);
  const found = parse(raw, "programme");
  require(programme(found), "malformed", "it holds something that this page does not know");
  require(sameBytes(encode(found), raw), "malformed", "it is not written as it should be");
  const slots = [...found.slots, ...found.special_days.flatMap((one) => one.slots)];
  isOnce(found.items);
  isOnce(slots);
  require(slots.length <= MAX_SLOTS, "malformed", "too many slots");
  require(slots.reduce((n, one) => n + one.when.dates.length + one.when.exceptions.length, 0) <= MAX_DATES, "malformed", "too many dates");
  require(found.special_days.every((one) => one.first <= one.last), "malformed", "a special day ends before it begins");
  require(slots.every((one) => one.priority || !one.fixed), "malformed", "a fixed slot must have class priority");
  require(found.play_until > found.issued, "malformed", "play_until is not after issued");
  return found;
}

const isOnce = (all) => require(new Set(all.map((one) => one.id)).size === all.length, "malformed", "an id occurs twice");

export const emptyProgramme = (like) => ({
  area: like.area, issued: like.issued, play_until: like.play_until, items: [], slots: [], offers: { items: [], series: [] },
  order: [], withdrawn: [], special_days: [], reserve: [], swaps: [], schema: 1,
});
export const blobsOf = (one) => one.items.flatMap((entry) => entry.renditions.filter((r) => r.kind !== "text").map((media) => ({ title: entry.title, media })));
export const endsOf = (one) => Math.min(one.play_until, one.issued + MAX_PLAY_DAYS * DAY);
