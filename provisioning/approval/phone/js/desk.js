// One proposal on its way to a signature: fetched, verified against what this browser trusts, shown, built and signed.
// The hub gives target files and perhaps a colleague's signature; the bytes that are signed are built here.

import * as hub from "./api.js";
import { encode, isObject, sha256Hex, toBytes, toHex, TrustError } from "./bytes.js";
import { buildSigned, checkRebuilt, expiresAfter, fromHub, payloadOf, proposalDigest, signersOf, withSignature } from "./builder.js";
import { authority, lastVersion, provinceOfHeld, refresh, rolesOfKey } from "./chain.js";
import { isPasskey, isSignedBy } from "./keys.js";
import { ancestry, parseRoleName, programmeTarget, speakerRole } from "./layout.js";
import { signByPasskey } from "./passkey.js";
import { readProgramme } from "./programme.js";
import { review } from "./review.js";
import { keepHeld, newestKept, readPasskey } from "./store.js";
import { t } from "./words.js";

export const ORDINARY = "programme";
const CHAIN = ["root", "timestamp", "snapshot", "targets"];

// Bring trust up to date: the groups say for which communes this origin's passkeys sign, then those communes follow.
export async function refreshed(held) {
  const step = (from, communes) => refresh(from, { fetchFile: hub.metadata, communes, clock: Date.now() });
  const base = await newestKept(held);
  const first = await step(base, communesOf(base));
  const wanted = communesOf(first.held);
  const done = [...wanted].every((one) => communesOf(base).has(one)) ? first : await step(first.held, wanted);
  keepHeld(done.held);
  return done;
}

const isHere = (_id, key) => isObject(key) && isPasskey(key) && key.keyval.rpid === location.hostname && key.keyval.origins.includes(location.origin);

function communesOf(held) {
  const province = Object.keys(held.roles).find((name) => /^p[0-9a-z]{1,10}$/.test(name))?.slice(1) || "";
  return new Set(rolesOfKey(held, isHere).map((name) => parseRoleName(name, province)).filter((one) => one?.kind === "c").map((one) => one.area));
}

// The roles that the passkey of this browser may sign.
export const myRoles = (held, keyId) => rolesOfKey(held, (id, key) => id === keyId && isHere(id, key));

// What the page shows of a proposal, and what `sign` needs. What speaks against signing stands in `refusals`.
export async function look(held, refusedFiles, proposal, username) {
  if (!isObject(proposal) || !isObject(proposal.targets)) throw new TrustError("malformed", t("The system gave an answer that cannot be read."));
  const area = String(proposal.area), role = speakerRole(area), path = programmeTarget(area);
  const names = Object.keys(proposal.targets);
  if (proposal.kind !== ORDINARY || !/^[0-9a-z]{1,10}\/[0-9a-z]{1,10}$/.test(area)) throw new TrustError("at_station", t("This is signed at the signing machine, not on a phone."));
  const isWhole = names.length === 1 && names[0] === path && proposal.role === role && typeof proposal.targets[path] === "string";
  if (!isWhole || ancestry(area)[0] !== provinceOfHeld(held)) throw new TrustError("foreign_target", t("The proposal holds more than it says: {paths}. It is not shown and cannot be signed.", { paths: names.filter((one) => one !== path).join(", ") || proposal.role }));
  const targets = { [path]: toBytes(proposal.targets[path]) };
  const digest = await proposalDigest(targets);
  if (digest !== proposal.digest) throw new TrustError("changed", t("The proposal is not the one that the list named. Look again."));
  const who = authority(held, role), current = held.roles[role] || null;
  const before = current?.signed.targets[path] ? await hub.target(path, current.signed.targets[path]) : null;
  const told = review(area, before, targets[path], await programmesAbove(held, area), Date.now());
  const refusals = [...chainFaults(held, who, role, refusedFiles), ...told.refusals];
  const partly = await colleague(held, role, proposal, targets, refusals);
  const signers = await signersOf(partly, who.delegator.signed);
  const authors = Array.isArray(proposal.authors) ? proposal.authors.map(String) : [];
  const keys = who.keyids.filter((id) => Object.hasOwn(who.keys, id) && isHere(id, who.keys[id]) && !signers.includes(id)).map((id) => ({ id, key: who.keys[id] }));
  if (isStale(held)) told.notes.push(STALE());
  if (refusedFiles.some((one) => isDisowned(held, role, one))) told.notes.unshift(DISOWNED());
  return {
    proposal, area, role, digest, targets, current, signers, threshold: who.threshold, ...told, refusals, partly,
    authors,
    keys: authors.includes(username) ? [] : keys,
    isOwn: authors.includes(username),
    version: (current?.version ?? lastVersion(held, role)) + 1,
    expires: partly ? partly.expires : Date.parse(expiresAfter(Date.now())),
  };
}

// Build, ask the passkey, verify its answer as each device will, and hand in. Raises `changed` where proposal or release is
// not the shown one any more.
export async function sign(held, shown) {
  const { held: fresh, refusals } = await refreshed(held);
  const who = authority(fresh, shown.role), current = fresh.roles[shown.role] || null;
  const again = await hub.proposal(String(shown.proposal.id));
  const isSame = again?.targets?.[programmeTarget(shown.area)] === shown.proposal.targets[programmeTarget(shown.area)];
  const faults = chainFaults(fresh, who, shown.role, refusals);
  if (shown.refusals.length || faults.length) throw new TrustError("refused", t("This cannot be signed: see what speaks against it."));
  if (!isSame || !isObject(again) || Object.keys(again.targets).length !== 1 || current?.version !== shown.current?.version || await fileHash(current) !== await fileHash(shown.current)) throw changed();
  const partly = await colleague(fresh, shown.role, again, shown.targets, faults);
  if (faults.length) throw changed();
  const signed = partly ? partly.signed : await buildSigned(current, shown.targets, Date.now(), lastVersion(fresh, shown.role));
  const { id, signature } = await askPasskey(shown.keys.map((one) => [one.id, who.keys[one.id]]).filter(([, key]) => key), payloadOf(signed));
  return hub.sendSignature(String(shown.proposal.id), shown.digest, withSignature(signed, partly ? partly.signatures : new Map(), id, signature));
}

export const changed = () => new TrustError("changed", t("It was changed after you looked. Look at it again before signing."));
const fileHash = (file) => (file ? sha256Hex(file.raw) : "");

async function askPasskey(keys, payload) {
  const mine = readPasskey(), answer = await signByPasskey(location.hostname, mine?.credential || "", payload);
  const assertion = { authenticatorData: answer.authenticator_data, clientDataJSON: answer.client_data, signature: answer.signature };
  const signature = toHex(encode(assertion));
  for (const [id, key] of keys) if (await isSignedBy(key, signature, payload)) return { id, signature };
  throw new TrustError("bad_signature", t("This passkey may not sign this. Nothing was signed."));
}

async function colleague(held, role, proposal, targets, refusals) {
  try {
    const raw = fromHub(proposal.metadata);
    return raw && await checkRebuilt(role, raw, held.roles[role] || null, targets, Date.now(), lastVersion(held, role));
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    refusals.push(t("What was signed before is something else than what is shown: {reason}", { reason: error.detail }));
    return null;
  }
}

async function programmesAbove(held, area) {
  const found = [];
  for (const one of ancestry(area).slice(0, -1)) {
    const named = held.roles[speakerRole(one)]?.signed.targets[programmeTarget(one)];
    if (named) found.push(readProgramme(await hub.target(programmeTarget(one), named)));
  }
  return found;
}

// Refused files that the role rests on. A neighbour's broken file stops nobody.
function chainFaults(held, who, role, refused) {
  const chain = new Set([role, who.delegator.name, ...Object.keys(held.roles).filter((name) => name.startsWith("p")), ...CHAIN]);
  return refused.filter((one) => chain.has(one.role) && !isDisowned(held, role, one)).map((one) => t("The system gave a file of {role} that does not verify: {reason}", { role: one.role, reason: one.detail }));
}

// The last release was signed by people who are taken out since: nothing of it counts. A hub can bring that about by hiding
// good signatures, so it is said aloud.
const isDisowned = (held, role, one) => one.role === role && one.code === "bad_signature" && !held.roles[role];
const DISOWNED = () => t("The last release was signed by people who may not sign any more: nothing of it counts. This one begins anew; what else was released with it (hours, volume) must be signed again.");

export const STALE = () => t("The system has not been brought up to date for days: newer releases may be missing here.");
export const isStale = (held) => !held.timestamp || held.timestamp.expires <= Date.now();
