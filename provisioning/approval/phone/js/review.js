// What one programme changes against the last verified release, told field by field so that none can go unsaid: the same
// lines as the station's (provisioning/approval/review/programme.py).

import { encode, sameBytes } from "./bytes.js";
import { MAX_PLAY_DAYS, blobsOf, emptyProgramme, endsOf, readProgramme } from "./programme.js";
import * as tell from "./telling.js";
import { N_, t } from "./words.js";

const LEEWAY_MS = 600_000;
const SLOT = [
  ["title", N_("Title"), tell.plain], ["start_ms", N_("Begins"), tell.clockTime], ["length_ms", N_("Lasts at most"), tell.length],
  ["when", N_("On which days"), tell.recurrence], ["plays", N_("Plays"), tell.plays], ["priority", N_("Class priority"), tell.onlyYes],
  ["fixed", N_("Begins on the second, even over an ordinary item"), tell.onlyYes],
  ["any_time", N_("Plays also while the device does not know the time"), tell.onlyYes], ["targets", N_("Where"), tell.places],
  ["id", N_("Code"), tell.plain],
];
const ITEM = [
  ["title", N_("Title"), tell.plain], ["renditions", N_("Content"), tell.renditions], ["sort", N_("Sort"), tell.sort],
  ["summary", N_("Summary"), tell.plain], ["field", N_("Subject"), tell.subject], ["essential", N_("Essential information"), tell.onlyYes],
  ["level", N_("Supplied at"), tell.level], ["issued_by", N_("Issued by"), tell.plain], ["document_number", N_("Document number"), tell.plain],
  ["document_date", N_("Document date"), tell.day], ["valid_from", N_("Valid from"), tell.instantOrNothing],
  ["valid_until", N_("Valid until"), tell.instant], ["id", N_("Code"), tell.plain],
];
const SERIES = [
  ["title", N_("Title"), tell.plain],
  ["items", N_("Items"), (value, context) => value.map((one) => context.item(context.area, one)).join(", ")], ["id", N_("Code"), tell.plain],
];
const SPECIAL = [
  ["title", N_("Title"), tell.plain], ["first", N_("First day"), tell.day], ["last", N_("Last day"), tell.day],
  ["mute", N_("Silences the programme"), tell.onlyYes], ["replace", N_("Replaces the programme"), tell.onlyYes],
  ["drop", N_("Leaves out"), tell.sorts], ["slots", N_("Its own slots"), (value, context) => value.map((one) => slotLine(one, context)).join("\n")],
  ["targets", N_("Where"), tell.places], ["id", N_("Code"), tell.plain],
];
const SWAP = [["device", N_("Device"), tell.plain], ["cluster", N_("Loudspeaker cluster"), tell.plain]];
const WHOLE = [["play_until", N_("Plays until"), tell.instant], ["issued", N_("Made at"), tell.instant]];

const byId = (one) => one.id;
const byTitle = (one) => one.title;
const LISTED = {
  slots: { section: N_("Slots"), fields: SLOT, title: (one) => `${tell.clockTime(one.start_ms)} – ${one.title}` },
  special_days: { section: N_("Special days"), fields: SPECIAL, title: (one) => `${one.title} (${one.first === one.last ? tell.day(one.first) : `${tell.day(one.first)} – ${tell.day(one.last)}`})` },
  items: { section: N_("Items"), fields: ITEM, title: byTitle },
  series: { section: N_("Offered to the areas below"), fields: SERIES, title: byTitle },
  swaps: { section: N_("Spare devices in use"), fields: SWAP, added: "loud", key: (one) => `${one.device} ${one.cluster}`, title: (one) => t("{device} stands in at {cluster}", { device: one.device, cluster: one.cluster }) },
};
const ownItem = (id, context) => context.item(context.area, id);
const NAMED = {
  withdrawn: { section: N_("Withdrawn items"), name: ownItem, added: "loud" },
  offered: { section: N_("Offered to the areas below"), name: ownItem },
  order: { section: N_("Order of colliding priority items"), name: (id, context) => context.ordered(id) },
  reserve: { section: N_("Reserve content"), name: ownItem },
};

// {changes, refusals, notes, media}. `before` is null where nothing is released yet; `above` are programmes of areas above.
export function review(area, beforeRaw, afterRaw, above, now) {
  const before = beforeRaw && readProgramme(beforeRaw), after = readProgramme(afterRaw);
  const context = contextOf(area, [...above, ...(before ? [before] : []), after]), old = before || emptyProgramme(after);
  const known = new Set(before ? blobsOf(before).map((one) => one.media.sha256) : []);
  return {
    changes: [
      ...compare(old.slots, after.slots, LISTED.slots, context),
      ...compare(old.special_days, after.special_days, LISTED.special_days, context),
      ...compareNames(old.withdrawn, after.withdrawn, NAMED.withdrawn, context),
      ...compare(old.items, after.items, LISTED.items, context),
      ...compare(old.offers.series, after.offers.series, LISTED.series, context),
      ...compareNames(old.offers.items, after.offers.items, NAMED.offered, context),
      ...compareNames(old.order, after.order, NAMED.order, context),
      ...compareNames(old.reserve, after.reserve, NAMED.reserve, context),
      ...compare(old.swaps, after.swaps, LISTED.swaps, context),
      ...whole(before, after, context),
    ],
    refusals: refusalsOf(area, before, after, now),
    notes: notesOf(after, now),
    media: blobsOf(after).map((one) => ({ ...one, isNew: !known.has(one.media.sha256) })),
  };
}

function contextOf(area, programmes) {
  const items = new Map(), series = new Map();
  for (const one of programmes) {
    for (const item of one.items) items.set(`${one.area} ${item.id}`, item.title);
    for (const entry of one.offers.series) series.set(`${one.area} ${entry.id}`, entry.title);
  }
  const item = (whose, id) => (items.get(`${whose} ${id}`) ? `“${items.get(`${whose} ${id}`)}”` : t("item {id} of {area}", { id, area: whose }));
  return {
    area, item,
    series: (whose, id) => (series.get(`${whose} ${id}`) ? `“${series.get(`${whose} ${id}`)}”` : t("series {id} of {area}", { id, area: whose })),
    ordered: (id) => {
      const areas = [...items.keys()].map((key) => key.split(" ")).filter(([, one]) => one === id).map(([whose]) => whose);
      return item(areas.includes(area) || !areas.length ? area : areas[0], id);
    },
  };
}

function refusalsOf(area, before, after, now) {
  const found = [];
  if (after.area !== area) found.push(t("It speaks for {said}, not for {expected}.", { said: after.area, expected: area }));
  if (after.issued > now + LEEWAY_MS) found.push(t("It is dated in the future: {at}.", { at: tell.instant(after.issued) }));
  if (before && after.issued < before.issued) found.push(t("It is older than the last release."));
  return found;
}

function notesOf(after, now) {
  const found = [];
  if (after.play_until > after.issued + MAX_PLAY_DAYS * tell.DAY_MS) found.push(t("Devices stop playing it on {at}, {n} days after it was made.", { at: tell.instant(endsOf(after)), n: MAX_PLAY_DAYS }));
  if (endsOf(after) <= now) found.push(t("Nothing of it will play: it has already ended."));
  return found;
}

const isSame = (one, two) => sameBytes(encode(one), encode(two));
const raw = (value) => new TextDecoder().decode(encode(value));

function linesOf(value, fields, context, isGone = false) {
  return fields.map(([name, label, how]) => [t(label), how(value[name], context)]).filter(([, told]) => told)
    .map(([label, told]) => ({ label, before: isGone ? told : null, after: isGone ? null : told }));
}

function linesBetween(before, after, fields, context, left = "") {
  return fields.filter(([name]) => name !== left && !isSame(before[name], after[name])).map(([name, label, how]) => {
    let was = how(before[name], context), becomes = how(after[name], context);
    if (was === becomes) [was, becomes] = [raw(before[name]), raw(after[name])];
    return { label: t(label), before: was || t("nothing"), after: becomes || t("nothing") };
  });
}

const slotLine = (slot, context) => linesOf(slot, SLOT, context).map((line) => `${line.label}: ${line.after}`).join("; ");

function compare(before, after, listed, context) {
  const key = listed.key || byId, section = t(listed.section);
  const olds = new Map(before.map((one) => [key(one), one])), news = new Map(after.map((one) => [key(one), one]));
  const changes = [];
  for (const [name, now] of news) {
    const old = olds.get(name), title = listed.title(now);
    if (!old) changes.push({ mark: listed.added || "added", section, title, lines: linesOf(now, listed.fields, context) });
    else if (!isSame(old, now)) changes.push({ mark: "changed", section, title, lines: linesBetween(old, now, listed.fields, context) });
  }
  for (const [name, old] of olds) {
    if (!news.has(name)) changes.push({ mark: "removed", section, title: listed.title(old), lines: linesOf(old, listed.fields, context, true) });
  }
  return changes;
}

function compareNames(before, after, named, context) {
  const section = t(named.section), told = (all) => all.map((one) => named.name(one, context)).join(" · ");
  const changes = after.filter((one) => !before.includes(one)).map((one) => ({ mark: named.added || "added", section, title: named.name(one, context), lines: [] }));
  changes.push(...before.filter((one) => !after.includes(one)).map((one) => ({ mark: "removed", section, title: named.name(one, context), lines: [] })));
  const kept = before.filter((one) => after.includes(one)), now = after.filter((one) => before.includes(one));
  if (!isSame(kept, now)) changes.push({ mark: "changed", section, title: t("Another order"), lines: [{ label: t("Order"), before: told(kept), after: told(now) }] });
  return changes;
}

function whole(before, after, context) {
  const section = t("The whole programme");
  if (!before) return [{ mark: "loud", section, title: t("First programme of {area}", { area: after.area }), lines: linesOf(after, WHOLE, context) }];
  const lines = linesBetween(before, after, WHOLE, context, "issued");
  return lines.length ? [{ mark: "changed", section, title: t("Programme of {area}", { area: after.area }), lines }] : [];
}
