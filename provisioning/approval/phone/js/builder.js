// Builds the next version of a commune's role file, byte for byte what wire/release.py builds, and checks what others
// built. Nothing is taken over from a proposal: it is built anew from the last verified release and the shown change.

import { canonical, encode, fileOf, fromBase64, require, sameBytes, sha256Hex } from "./bytes.js";
import { delegationOf, goodSignatures, parseRole } from "./rolefile.js";

const DAY_MS = 86_400_000, SPEC_VERSION = "1.0.31";
export const LENGTH_MS = 180 * DAY_MS; // a commune's role (design §5, "Expiry")
const CLOCK_TOLERANCE_MS = 3_600_000;

export const expiresAfter = (issued) => new Date(Math.floor((issued + LENGTH_MS) / 1000) * 1000).toISOString().replace(".000Z", "Z");

// SHA-256 over {path: SHA-256 of the content}: what was shown is what is signed.
export async function proposalDigest(targets) {
  const named = {};
  for (const [path, raw] of Object.entries(targets)) named[path] = await sha256Hex(raw);
  return sha256Hex(encode(named));
}

// The signed part of the next version: `targets` ({path: bytes}) put in, expiry by the calendar, all else unchanged. Without
// a current file it follows version `after` (`lastVersion`): of a file whose holders were all taken out.
export async function buildSigned(current, targets, issued, after = 0) {
  // A release dated further ahead than a day is a stolen key's: it must not keep its owner from signing (wire/release.py).
  require(!current || issued > current.issued || current.issued > issued + DAY_MS, "out_of_date", "this device's clock is behind the last release");
  const signed = current ? structuredClone(current.signed) : { _type: "targets", spec_version: SPEC_VERSION, version: after, targets: {} };
  signed.version += 1;
  for (const [path, raw] of Object.entries(targets)) signed.targets[path] = { length: raw.length, hashes: { sha256: await sha256Hex(raw) } };
  return { ...signed, expires: expiresAfter(issued), issued };
}

// A colleague's file, if it says exactly what building it here says. Raises with what differs.
export async function checkRebuilt(role, proposed, current, targets, now, after = 0) {
  const theirs = await parseRole(role, proposed, "targets");
  require(theirs.issued <= now + CLOCK_TOLERANCE_MS, "not_allowed", `${role} was issued in the future`);
  const ours = await buildSigned(current, targets, theirs.issued, after);
  require(sameBytes(canonical(ours), theirs.payload), "not_allowed", `${role} differs from what was shown: ${differences(ours, theirs.signed).join(", ")}`);
  return theirs;
}

export const payloadOf = canonical;

// The file with this person's signature beside those of colleagues.
export function withSignature(signed, signatures, keyId, signature) {
  const all = [...[...signatures].filter(([id]) => id !== keyId), [keyId, signature]].sort(([one], [two]) => (one < two ? -1 : 1));
  return fileOf({ signatures: all.map(([keyid, sig]) => ({ keyid, sig })), signed });
}

// Who has signed a colleague's file already, by what the delegator says.
export async function signersOf(file, delegator) {
  return file && delegationOf(delegator, file.name) ? (await goodSignatures(file, delegator)).good : [];
}

export const fromHub = (metadata) => (metadata ? fromBase64(metadata) : null);

function differences(mine, yours) {
  const differ = (one, two) => [...new Set([...Object.keys(one), ...Object.keys(two)])].filter((name) => !sameBytes(canonical(one[name] ?? null), canonical(two[name] ?? null))).sort();
  return [...differ(mine, yours).filter((name) => name !== "targets"), ...differ(mine.targets, yours.targets)];
}
