// One metadata file: bytes to a checked value, and whether those signed it who may. The rules of wire/trust/rolefile.py.

import { canonical, isObject, parse, require, sha256Hex } from "./bytes.js";
import { checkKey, isSignedBy, material } from "./keys.js";

export const MAX_ROLE_BYTES = 512 * 1024, MAX_TIMESTAMP_BYTES = 16 * 1024;
const MAX_SIGNATURES = 32, MAX_NAME = 200, MAX_HOLDERS = 1000;
const TOP_LEVEL = ["root", "snapshot", "targets", "timestamp"];

// {name, raw, signed, payload, signatures, version, expires, issued}. Nothing is known of its signatures yet.
export async function parseRole(name, raw, type, limit = MAX_ROLE_BYTES) {
  require(raw.length <= limit, "malformed", `${name}: ${raw.length} bytes, more than ${limit}`);
  const file = parse(raw, name);
  require(isObject(file) && isObject(file.signed) && Array.isArray(file.signatures) && file.signatures.length <= MAX_SIGNATURES, "malformed", `${name}: not metadata`);
  const signatures = new Map(file.signatures.map((one) => [one?.keyid, one?.sig]));
  require(signatures.size === file.signatures.length && [...signatures].every(([id, sig]) => isName(id) && typeof sig === "string"), "malformed", `${name}: not metadata`);
  const signed = file.signed;
  require(signed._type === type, "malformed", `${name}: of type ${String(signed._type).slice(0, 40)}`);
  require(isCount(signed.version, 1) && isCount(signed.issued ?? 0, 0) && /^1\.\d+(\.\d+)?$/.test(signed.spec_version), "malformed", `${name}: not metadata`);
  const expires = instant(signed.expires);
  require(expires !== null, "malformed", `${name}: expires`);
  await CHECKS[type](signed, name);
  return { name, raw, signed, payload: canonical(signed), signatures, version: signed.version, expires, issued: signed.issued ?? 0 };
}

// The keys and threshold of a role by what its delegator says; null where it says nothing of it.
export function delegationOf(delegator, name) {
  if (delegator._type === "root") return delegator.roles[name] && { ...delegator.roles[name], keys: delegator.keys };
  const role = delegations(delegator).find((one) => one.name === name);
  return role ? { ...role, keys: delegator.delegations.keys } : null;
}

export const delegations = (signed) => signed.delegations?.roles || [];

export async function goodSignatures(file, delegator) {
  const role = delegationOf(delegator, file.name);
  require(role, "bad_signature", `${file.name}: nobody delegates to it`);
  const good = [];
  for (const id of role.keyids) {
    const key = Object.hasOwn(role.keys, id) ? role.keys[id] : null;
    if (key && file.signatures.has(id) && await isSignedBy(key, file.signatures.get(id), file.payload)) good.push(id);
  }
  return { good, threshold: role.threshold };
}

export async function verifyBy(file, delegator) {
  const { good, threshold } = await goodSignatures(file, delegator);
  require(good.length >= threshold, "bad_signature", `${file.name} v${file.version}: ${good.length} of ${threshold} signatures`);
}

export function uniqueKeys(keys) {
  const all = Object.values(keys);
  require(new Set(all.map(material)).size === all.length, "malformed", "one key under two ids");
}

export const fileName = (role, version) => (role === "timestamp" ? "timestamp.json" : `${version}.${role}.json`);

export function targetFileName(path, digest) {
  const cut = path.lastIndexOf("/");
  return `${path.slice(0, cut)}/${digest}.${path.slice(cut + 1)}`;
}

// Raises unless a file is the one that the metadata above it names.
export async function checkMeta(file, meta) {
  require(meta.length === undefined || meta.length === file.raw.length, "malformed", `${file.name}: another length than named`);
  for (const [algorithm, digest] of Object.entries(meta.hashes || {})) {
    require(algorithm === "sha256" && digest === await sha256Hex(file.raw), "malformed", `${file.name}: another hash than named`);
  }
  require(file.version === meta.version, "out_of_date", `${file.name} is v${file.version}, v${meta.version} is named`);
}

const isName = (value) => typeof value === "string" && value.length >= 1 && [...value].length <= MAX_NAME;
const isCount = (value, least) => Number.isSafeInteger(value) && value >= least;
const isHashes = (value) => isObject(value) && Object.keys(value).length > 0 && Object.entries(value).every(([name, digest]) => isName(name) && /^[0-9a-f]{32,128}$/.test(digest));

function instant(text) {
  if (typeof text !== "string" || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) || new Date(at).toISOString() !== text.replace("Z", ".000Z") ? null : at;
}

async function checkKeys(keys, name) {
  require(isObject(keys), "malformed", `${name}: keys`);
  for (const [id, key] of Object.entries(keys)) {
    require(isName(id) && isObject(key) && isName(key.keytype) && isName(key.scheme) && isObject(key.keyval), "malformed", `${name}: a key`);
    await checkKey(key);
  }
}

function checkHolders(role, name) {
  const isGood = isObject(role) && Array.isArray(role.keyids) && role.keyids.every(isName) && new Set(role.keyids).size === role.keyids.length;
  require(isGood && isCount(role.threshold, 1) && role.threshold <= MAX_HOLDERS, "malformed", `${name}: a role`);
}

async function checkRootType(signed, name) {
  await checkKeys(signed.keys, name);
  require(isObject(signed.roles) && Object.keys(signed.roles).sort().join() === TOP_LEVEL.join(), "malformed", `${name}: roles`);
  for (const role of Object.values(signed.roles)) checkHolders(role, name);
}

async function checkTargetsType(signed, name) {
  require(isObject(signed.targets), "malformed", `${name}: targets`);
  for (const target of Object.values(signed.targets)) require(isObject(target) && isCount(target.length, 0) && isHashes(target.hashes), "malformed", `${name}: a target`);
  if (signed.delegations === undefined) return;
  require(isObject(signed.delegations) && Array.isArray(signed.delegations.roles), "malformed", `${name}: delegations`);
  await checkKeys(signed.delegations.keys, name);
  const names = signed.delegations.roles.map((role) => role?.name);
  require(names.every((one) => isName(one) && !TOP_LEVEL.includes(one)) && new Set(names).size === names.length, "malformed", `${name}: delegations`);
  for (const role of signed.delegations.roles) {
    checkHolders(role, name);
    require(typeof role.terminating === "boolean" && Array.isArray(role.paths) && role.paths.every(isName), "malformed", `${name}: delegations`);
  }
}

function checkMetaType(signed, name) {
  require(isObject(signed.meta), "malformed", `${name}: meta`);
  for (const meta of Object.values(signed.meta)) {
    const isGood = isObject(meta) && isCount(meta.version, 1) && (meta.length === undefined || isCount(meta.length, 1)) && (meta.hashes === undefined || isHashes(meta.hashes));
    require(isGood, "malformed", `${name}: meta`);
  }
  if (signed._type === "timestamp") require(Object.keys(signed.meta).join() === "snapshot.json", "malformed", `${name}: meta`);
}

const CHECKS = { root: checkRootType, targets: checkTargetsType, snapshot: checkMetaType, timestamp: checkMetaType };
