// The hub, across origins: a mailbox. Nothing that it answers is believed; sizes and times are limited; no cookies, and
// the token only where it is asked for (a plain GET needs no preflight).

import { isObject, require, sha256Hex, toBase64 } from "./bytes.js";
import { targetFileName } from "./rolefile.js";
import { t } from "./words.js";

const WAIT_MS = 60_000, SOUND_WAIT_MS = 600_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024, MAX_TARGET_BYTES = 1024 * 1024, MAX_REFUSAL_BYTES = 4096;
export const MAX_SOUND_BYTES = 64 * 1024 * 1024;
let hub = "", token = "";

export class Refusal extends Error {
  constructor(status, problem) {
    super(String(problem.detail || problem.title || `HTTP ${status}`).slice(0, 500));
    this.status = status;
    this.code = String(problem.code || "");
  }
}

export function useHub(url) { hub = url.replace(/\/$/, ""); }
export const isSignedIn = () => token !== "";

export async function login(username, password) {
  const answer = await json("POST", "/api/login", { username, password });
  require(isObject(answer) && typeof answer.token === "string" && isObject(answer.person), "malformed", t("The system gave an answer that cannot be read."));
  token = answer.token;
  return { username: String(answer.person.username), name: String(answer.person.name ?? answer.person.username) };
}

export async function logout() {
  await json("POST", "/api/logout", {}).catch(() => {});
  token = "";
}

export const pending = () => json("GET", "/api/pending");
export const proposal = (ident) => json("GET", `/api/pending/${encodeURIComponent(ident)}`);
export const sendBack = (ident, reason) => json("POST", `/api/pending/${encodeURIComponent(ident)}/return`, { reason });
export const sendSignature = (ident, digest, file) => json("POST", `/api/pending/${encodeURIComponent(ident)}/signature`, { digest, metadata: toBase64(file) });

// A metadata file, or null where the hub has none.
export async function metadata(name, limit) {
  const response = await ask("GET", `/tuf/metadata/${encodeURIComponent(name)}`);
  return response.status === 404 ? null : bytesOf(response, limit);
}

// A released target's bytes, which are those that the verified metadata names.
export async function target(path, named) {
  const limit = Math.min(named.length, MAX_TARGET_BYTES);
  const raw = await bytesOf(await ask("GET", `/tuf/targets/${targetFileName(path, named.hashes.sha256)}`), limit);
  require(raw.length === named.length && await sha256Hex(raw) === named.hashes.sha256, "malformed", `${path}: not the bytes that are signed`);
  return raw;
}

// A recording's bytes, which have the hash that the proposal names.
export async function sound(named) {
  require(named.size <= MAX_SOUND_BYTES, "malformed", t("This recording is too large for a phone. Listen at the signing machine."));
  const response = await ask("GET", `/blobs/${named.sha256}`, null, SOUND_WAIT_MS);
  require(response.status !== 404, "missing", t("The system does not have this recording."));
  const raw = await bytesOf(response, named.size);
  require(raw.length === named.size && await sha256Hex(raw) === named.sha256, "malformed", t("This recording is not the one that the programme names."));
  return raw;
}

async function json(method, path, body) {
  const raw = await bytesOf(await ask(method, path, body), MAX_ANSWER_BYTES);
  try {
    return JSON.parse(new TextDecoder().decode(raw));
  } catch {
    throw new Refusal(0, { code: "malformed", detail: t("The system gave an answer that cannot be read.") });
  }
}

async function ask(method, path, body, wait = WAIT_MS) {
  const headers = { Accept: "application/json" };
  if (token && !path.startsWith("/tuf/")) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  try {
    return await fetch(hub + path, { method, headers, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(wait) });
  } catch {
    throw unreachable();
  }
}

const unreachable = () => new Refusal(0, { code: "unreachable", detail: t("The source information system cannot be reached. Nothing was sent. Check the network and try again.") });

async function bytesOf(response, limit) {
  if (!response.ok) throw await refusal(response);
  const { raw, length } = await read(response, limit);
  if (length > limit) throw new Refusal(0, { code: "too_large", detail: t("The system gave an answer that is too large.") });
  return raw;
}

// The body up to a little beyond `limit`; the rest is never waited for.
async function read(response, limit) {
  const parts = [], reader = response.body.getReader();
  let length = 0;
  try {
    for (let part = await reader.read(); !part.done && length <= limit; part = await reader.read()) {
      length += part.value.length;
      parts.push(part.value);
    }
    if (length > limit) await reader.cancel();
  } catch {
    throw unreachable();
  }
  return { raw: new Uint8Array(await new Blob(parts).arrayBuffer()), length };
}

async function refusal(response) {
  let problem = null;
  try {
    const { raw } = await read(response, MAX_REFUSAL_BYTES);
    problem = JSON.parse(new TextDecoder().decode(raw));
  } catch { /* a refusal without words */ }
  if (response.status === 401 && token) {
    token = "";
    window.dispatchEvent(new Event("signed-out"));
  }
  return new Refusal(response.status, isObject(problem) ? problem : {});
}
