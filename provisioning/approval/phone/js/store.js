// What is kept in this browser: the pinned root, the last verified files, the highest versions ever seen, this person's
// passkey. One entry is replaced in one step. A browser that forgot everything asks for the fingerprint again.

import { fromBase64, toBase64 } from "./bytes.js";
import { filesOf, loadHeld } from "./chain.js";

const TRUSTED = "loa-trusted", PASSKEY = "loa-passkey";

export async function readHeld() {
  const kept = JSON.parse(localStorage.getItem(TRUSTED) || "null");
  if (!kept) return null;
  const files = Object.fromEntries(Object.entries(kept.files).map(([name, raw]) => [name, fromBase64(raw)]));
  return loadHeld(files, kept.versions, kept.floor);
}

// Another page of this browser may have seen newer: what it kept counts, or a hub could roll one page back and, through it, all.
export async function newestKept(held) {
  const kept = await readHeld(), stamp = (one) => one.timestamp?.version || 0;
  if (!kept) return held;
  const isAhead = kept.root.version > held.root.version || (kept.root.version === held.root.version && stamp(kept) > stamp(held));
  return isAhead ? kept : held;
}

// Whoever forgets types the fingerprint again.
export const forget = () => localStorage.removeItem(TRUSTED);

export function keepHeld(held) {
  const files = Object.fromEntries(Object.entries(filesOf(held)).map(([name, raw]) => [name, toBase64(raw)]));
  localStorage.setItem(TRUSTED, JSON.stringify({ files, versions: held.versions, floor: held.floor }));
}

export const readPasskey = () => JSON.parse(localStorage.getItem(PASSKEY) || "null");
export const keepPasskey = (passkey) => localStorage.setItem(PASSKEY, JSON.stringify(passkey));
