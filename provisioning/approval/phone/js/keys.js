// Keys of metadata and whether their signatures are good: Ed25519 key files, and passkeys (the rules of wire/trust/passkey.py).

import { challengeOf, toBase64url } from "./passkey.js";
import { encode, fromHex, isObject, parse, require, sameBytes, sha256, toBytes } from "./bytes.js";

export const PASSKEY = "webauthn";
const PASSKEY_SCHEME = "webauthn-es256";
const MAX_SIGNATURE = 8 * 1024, MAX_CLIENT_DATA = 1024, MAX_AUTHENTICATOR = 512, AUTHENTICATOR = 37, MAX_ORIGINS = 4;
const PRESENT = 0x01, VERIFIED = 0x04, CREDENTIAL = 0x40, EXTENSIONS = 0x80;
const NAME = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+";
const ORIGIN = new RegExp(`^(https?)://(${NAME})(?::([1-9][0-9]{0,4}))?$`);
const P256 = { name: "ECDSA", namedCurve: "P-256" };

export const isPasskey = (key) => key.keytype === PASSKEY && key.scheme === PASSKEY_SCHEME;
export const isRemote = (key) => isPasskey(key) && !key.keyval.rpid.endsWith(".localhost");

// Raises malformed for a passkey of another writing: two writings would count as two keys.
export async function checkKey(key) {
  if (!isPasskey(key)) return;
  const { public: point, rpid, origins } = key.keyval;
  require(Object.keys(key.keyval).length === 3 && typeof point === "string" && /^04[0-9a-f]{128}$/.test(point), "malformed", "a passkey of another writing");
  require(Array.isArray(origins) && origins.length >= 1 && origins.length <= MAX_ORIGINS && new Set(origins.map(String)).size === origins.length, "malformed", "a passkey has 1 to 4 origins");
  for (const origin of origins) {
    const match = typeof origin === "string" && origin.length <= 300 ? ORIGIN.exec(origin) : null;
    require(match && match[2] === rpid && Number(match[3] || 1) <= 65535, "malformed", "an origin that is not on its rpId");
    require((match[1] === "http") === rpid.endsWith(".localhost"), "malformed", "an origin that is neither https nor of this machine");
  }
  await importPoint(point).catch(() => require(false, "malformed", "no point of the curve"));
}

// What makes a key the same key, however it is listed.
export const material = (key) => JSON.stringify([key.keytype, key.scheme, isPasskey(key) ? key.keyval.public : Object.entries(key.keyval).sort()]);

// Whether this key signed these bytes. A key of a kind that is not known here has signed nothing.
export async function isSignedBy(key, signature, bytes) {
  if (typeof signature !== "string" || signature.length > MAX_SIGNATURE || !/^([0-9a-fA-F]{2})+$/.test(signature)) return false;
  try {
    if (isPasskey(key)) return await isAsserted(key, fromHex(signature), bytes);
    if (key.keytype === "ed25519" && key.scheme === "ed25519") return await isEd25519(key, fromHex(signature), bytes);
  } catch {
    return false; // whatever cannot be read is no signature
  }
  return false;
}

async function isEd25519(key, signature, bytes) {
  const point = await crypto.subtle.importKey("raw", fromHex(key.keyval.public), "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", point, signature, bytes);
}

async function isAsserted(key, raw, bytes) {
  const assertion = parse(raw, "assertion");
  const parts = ["authenticatorData", "clientDataJSON", "signature"];
  if (!isObject(assertion) || Object.keys(assertion).sort().join() !== parts.join() || !sameBytes(encode(assertion), raw)) return false;
  const [authenticator, clientRaw, signature] = parts.map((name) => fromBase64url(assertion[name]));
  if (!isAnswer(authenticator, await sha256(toBytes(key.keyval.rpid)))) return false;
  if (!isAsked(clientRaw, key.keyval.origins, toBase64url(await challengeOf(bytes)))) return false;
  const signed = new Uint8Array([...authenticator, ...await sha256(clientRaw)]);
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, await importPoint(key.keyval.public), fromDer(signature), signed);
}

function isAnswer(authenticator, place) {
  if (authenticator.length < AUTHENTICATOR || authenticator.length > MAX_AUTHENTICATOR) return false;
  const flags = authenticator[32];
  return sameBytes(authenticator.slice(0, 32), place) && Boolean(flags & PRESENT) && Boolean(flags & VERIFIED)
    && !(flags & CREDENTIAL) && Boolean(flags & EXTENSIONS) === authenticator.length > AUTHENTICATOR;
}

function isAsked(raw, origins, challenge) {
  if (raw.length > MAX_CLIENT_DATA) return false;
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  const client = JSON.parse(text);
  if (!isObject(client) || countNames(text) !== Object.keys(client).length) return false;
  const isAlone = !("crossOrigin" in client) || client.crossOrigin === false;
  return client.type === "webauthn.get" && client.challenge === challenge && typeof client.origin === "string"
    && origins.includes(client.origin) && isAlone && !("topOrigin" in client);
}

// How many names stand at the top of a JSON object, so that one that stands twice is found.
function countNames(text) {
  let depth = 0, count = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (token.endsWith(":") && depth === 1) count += 1;
  }
  return count;
}

const importPoint = (point) => crypto.subtle.importKey("raw", fromHex(point), P256, false, ["verify"]);

function fromBase64url(text) {
  require(/^[A-Za-z0-9_-]+$/.test(text) && text.length <= 2048, "malformed", "not base64url");
  const raw = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  require(toBase64url(raw) === text, "malformed", "base64url in another writing");
  return raw;
}

// An ECDSA signature from DER (two integers) to the 64 bytes that WebCrypto reads.
function fromDer(der) {
  require(der[0] === 0x30 && der[1] === der.length - 2, "malformed", "not a signature");
  const [first, next] = readInteger(der, 2), [second, end] = readInteger(der, next);
  require(end === der.length, "malformed", "not a signature");
  return new Uint8Array([...first, ...second]);
}

function readInteger(der, at) {
  const length = der[at + 1], end = at + 2 + length;
  let value = der.slice(at + 2, end);
  require(der[at] === 0x02 && length >= 1 && end <= der.length && value[0] < 0x80, "malformed", "not a signature");
  if (value[0] === 0 && value.length > 1) {
    require(value[1] >= 0x80, "malformed", "not a signature");
    value = value.slice(1);
  }
  require(value.length <= 32, "malformed", "not a signature");
  return [new Uint8Array([...new Uint8Array(32 - value.length), ...value]), end];
}
