// What this browser trusts, and how it is brought up to date: TUF's client workflow as wire/trust/refresh.py has it, for
// a person's phone (the province, all groups, the communes that are asked for). Nothing here touches network or storage.

import { require, sameBytes, sha256Hex, TrustError } from "./bytes.js";
import { checkRoot, checkShape, groupCommunes, parseRoleName, provinceOf } from "./layout.js";
import { MAX_ROLE_BYTES, MAX_TIMESTAMP_BYTES, checkMeta, delegationOf, delegations, fileName, parseRole, verifyBy } from "./rolefile.js";

const MAX_ROOTS = 256, MAX_JUMP = 10 ** 6;
const DAY_MS = 86_400_000, GRACE_MS = 3650 * DAY_MS;

// State: {root, timestamp, snapshot, roles: {name: file}, versions: {name: n}, floor}.
export async function pinRoot(raw) {
  const root = await parseRole("root", raw, "root");
  checkRoot(root.signed);
  await verifyBy(root, root.signed);
  return { root, timestamp: null, snapshot: null, roles: {}, versions: { root: root.version }, floor: 0 };
}

export const fingerprintOf = (root) => sha256Hex(root.payload);

// What was kept, verified again: damaged files are left out and fetched anew, the highest versions are remembered.
export async function loadHeld(files, versions, floor) {
  const held = await pinRoot(files.root);
  for (const name of ["timestamp", "snapshot"]) held[name] = await kept(() => loadOnline(name, files[name], held.root));
  const load = async (name, delegator, province) => {
    const file = Object.hasOwn(files, name) && !Object.hasOwn(held.roles, name) ? await kept(() => verifyRole(name, files[name], delegator, province)) : null;
    if (!file) return;
    held.roles[name] = file;
    for (const inner of delegations(file.signed)) await load(inner.name, file.signed, province || provinceOf(file.signed));
  };
  await load("targets", held.root.signed, null);
  return { ...held, floor, versions: highest(versions, held) };
}

export const filesOf = (held) => Object.fromEntries([held.root, held.timestamp, held.snapshot, ...Object.values(held.roles)].filter(Boolean).map((file) => [file.name, file.raw]));

export const provinceOfHeld = (held) => (held.roles.targets ? provinceOf(held.roles.targets.signed) : null);

// The roles that a key may sign, by what is held.
export function rolesOfKey(held, isKey) {
  return Object.values(held.roles).flatMap((file) => delegations(file.signed).filter((role) => role.keyids.some((id) => {
    const keys = file.signed.delegations.keys;
    return Object.hasOwn(keys, id) && isKey(id, keys[id]);
  })).map((role) => role.name));
}

// Who may sign a role, with what threshold. Raises unknown_key where nothing that is held delegates to it.
export function authority(held, role) {
  const holder = Object.values(held.roles).find((file) => delegations(file.signed).some((one) => one.name === role));
  require(holder, "unknown_key", `no delegation to ${role} is held`);
  return { ...delegationOf(holder.signed, role), delegator: holder };
}

// The highest version of a role that ever was: what was signed by people who are taken out is held no more, its number is spent.
export function lastVersion(held, role) {
  const meta = held.snapshot?.signed.meta || {}, name = `${role}.json`;
  return Math.max(Object.hasOwn(held.versions, role) ? held.versions[role] : 0, Object.hasOwn(meta, name) ? meta[name].version : 0);
}

// Bring the state up to date. `fetchFile(name, limit)` brings bytes, or null where there are none. Answers the new state
// and what was refused; of a refused file the last good one stays, and a rollback is a refusal.
export async function refresh(held, { fetchFile, communes, clock }) {
  const run = { held, before: held, roles: {}, refusals: [], floor: held.floor, fetchFile, communes };
  try {
    await roots(run);
    run.floor = raisedFloor(run.held, run.floor);
    const timestamp = await newTimestamp(run), snapshot = await newSnapshot(run, timestamp);
    await role(run, "targets", [run.held.root], snapshot, false);
    if (!run.roles.targets) throw new Stop();
    run.held = { ...run.held, timestamp, snapshot, roles: run.roles };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    await rootsAlone(run);
  }
  const floor = raisedFloor(run.held, run.floor, clock);
  return { held: { ...run.held, floor, versions: highest(run.held.versions, run.held) }, refusals: run.refusals };
}

class Stop extends Error {}

async function kept(act) {
  try {
    return await act();
  } catch (error) {
    if (error instanceof TrustError) return null;
    throw error;
  }
}

async function judged(run, name, act) {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    run.refusals.push({ role: name, code: error.code, detail: error.detail });
    return null;
  }
}

function highest(before, held) {
  const seen = { ...before };
  for (const file of [held.root, held.timestamp, held.snapshot, ...Object.values(held.roles)].filter(Boolean)) seen[file.name] = Math.max(seen[file.name] || 0, file.version);
  return seen;
}

async function loadOnline(name, raw, root) {
  if (!raw) return null;
  const file = await parseRole(name, raw, name);
  await verifyBy(file, root.signed);
  return file;
}

async function verifyRole(name, raw, delegator, province) {
  const file = await parseRole(name, raw, "targets");
  await verifyBy(file, delegator);
  const code = province || provinceOf(file.signed);
  const delegation = name.startsWith("g") ? delegationOf(delegator, name) : null;
  checkShape(name, file.signed, code, delegation ? groupCommunes(delegation, code) : new Set());
  return file;
}

async function roots(run) {
  for (let n = 0; n < MAX_ROOTS; n += 1) {
    const raw = await run.fetchFile(fileName("root", run.held.root.version + 1), MAX_ROLE_BYTES);
    if (!raw) return;
    const next = await judged(run, "root", () => nextRoot(run.held, raw));
    if (!next) throw new Stop();
    run.held = next;
  }
}

async function nextRoot(held, raw) {
  const root = await parseRole("root", raw, "root");
  require(root.version === held.root.version + 1, "out_of_date", `root v${root.version} after v${held.root.version}`);
  await verifyBy(root, held.root.signed);
  await verifyBy(root, root.signed);
  checkRoot(root.signed);
  const versions = { ...held.versions, root: root.version };
  if (onlineKeys(held.root.signed) !== onlineKeys(root.signed)) {
    delete versions.timestamp;
    delete versions.snapshot;
    return { ...held, root, timestamp: null, snapshot: null, versions };
  }
  const vouched = async (file) => file && kept(async () => { await verifyBy(file, root.signed); return file; });
  return { ...held, root, timestamp: await vouched(held.timestamp), snapshot: await vouched(held.snapshot), versions };
}

const onlineKeys = (root) => JSON.stringify(["timestamp", "snapshot"].map((name) => [...root.roles[name].keyids].sort()));

// What an early stop leaves: new roots, unless they disown `targets` before its successor came.
async function rootsAlone(run) {
  const targets = run.before.roles.targets;
  if (targets && !await kept(() => verifyRole("targets", targets.raw, run.held.root.signed, null))) run.held = run.before;
}

function checkRise(role, version, known) {
  const before = known[role] || 0;
  require(version >= before, "out_of_date", `${role} v${version}, v${before} is known`);
  require(version - before <= MAX_JUMP, "not_allowed", `${role} jumps from v${before} to v${version}`);
}

async function newTimestamp(run) {
  const found = await judged(run, "timestamp", async () => {
    const raw = await run.fetchFile("timestamp.json", MAX_TIMESTAMP_BYTES);
    require(raw, "missing", "no timestamp");
    const file = await parseRole("timestamp", raw, "timestamp", MAX_TIMESTAMP_BYTES);
    await verifyBy(file, run.held.root.signed);
    checkRise("timestamp", file.version, run.held.versions);
    checkRise("snapshot", file.signed.meta["snapshot.json"].version, run.held.versions);
    return run.held.timestamp?.version === file.version ? run.held.timestamp : file;
  });
  if (!found) throw new Stop();
  return found;
}

async function newSnapshot(run, timestamp) {
  const meta = timestamp.signed.meta["snapshot.json"], old = run.held.snapshot;
  const found = await judged(run, "snapshot", async () => {
    if (old && await kept(async () => { await checkMeta(old, meta); return old; })) return old;
    const raw = await run.fetchFile(fileName("snapshot", meta.version), sizeLimit(meta));
    require(raw, "missing", `no snapshot v${meta.version}`);
    const file = await parseRole("snapshot", raw, "snapshot");
    await checkMeta(file, meta);
    await verifyBy(file, run.held.root.signed);
    checkRise("snapshot", file.version, run.held.versions);
    const before = Object.fromEntries(Object.entries(old?.signed.meta || {}).map(([name, one]) => [name, one.version]));
    for (const name of Object.keys(before)) require(Object.hasOwn(file.signed.meta, name), "out_of_date", `snapshot v${file.version} lacks ${name}`);
    for (const [name, one] of Object.entries(file.signed.meta)) checkRise(name, one.version, before);
    return file;
  });
  if (!found) throw new Stop();
  return found;
}

const sizeLimit = (meta) => Math.min(meta.length || MAX_ROLE_BYTES, MAX_ROLE_BYTES);

async function role(run, name, chain, snapshot, isFrozen) {
  const meta = snapshot.signed.meta[`${name}.json`], delegator = chain.at(-1);
  const old = await stillVouched(run, name, delegator);
  let chosen = old, frozen = isFrozen;
  if (!old || !meta || !await kept(async () => { await checkMeta(old, meta); return old; })) {
    const fresh = isFrozen || !meta ? null : await judged(run, name, () => newRole(run, name, chain, meta));
    frozen = !fresh;
    chosen = fresh || old;
  }
  if (!chosen) return;
  run.roles[name] = chosen;
  const province = provinceOf(run.roles.targets.signed);
  for (const inner of delegations(chosen.signed)) {
    const parsed = parseRoleName(inner.name, province);
    const isWanted = parsed && (parsed.kind === "p" || parsed.kind === "g" || (parsed.kind === "c" && run.communes.has(parsed.area)));
    if (isWanted) await role(run, inner.name, [...chain, chosen], snapshot, frozen);
  }
}

async function newRole(run, name, chain, meta) {
  const raw = await run.fetchFile(fileName(name, meta.version), sizeLimit(meta));
  require(raw, "missing", `no file of ${name} v${meta.version}`);
  const file = await verifyRole(name, raw, chain.at(-1).signed, name === "targets" ? null : provinceOf(run.roles.targets.signed));
  await checkMeta(file, meta);
  const known = run.held.versions[name] || 0, old = run.held.roles[name];
  require(file.version >= known, "out_of_date", `${name} v${file.version}, v${known} is known`);
  require(!old || old.version !== file.version || sameBytes(old.payload, file.payload), "out_of_date", `${name} v${file.version} again, with another content`);
  for (const one of [...chain, file]) require(one.expires + GRACE_MS > run.floor, "expired", `${one.name} v${one.version} has expired`);
  run.floor = raisedFloor({ ...run.held, roles: { ...run.roles, [name]: file } }, run.floor);
  return file;
}

async function stillVouched(run, name, delegator) {
  const old = run.held.roles[name];
  if (!old) return null;
  return kept(() => verifyRole(name, old.raw, delegator.signed, name === "targets" ? null : provinceOf(run.roles.targets.signed)));
}

// The lower bound of time: it only rises, and never beyond the expiry of `targets`.
export function raisedFloor(held, floor, clock = 0) {
  const targets = held.roles.targets;
  if (!targets) return Math.max(floor, Math.min(held.root.issued, held.root.expires));
  const province = held.roles[`p${provinceOf(targets.signed)}`];
  const latest = Math.max(clock, held.root.issued, targets.issued, province ? province.issued : 0);
  return Math.max(floor, Math.min(latest, targets.expires));
}
