// Bytes, hashes and the two writings of JSON that are signed: canonical JSON (OLPC, as securesystemslib has it) and the
// compact one of files. What Python would read otherwise is refused here.

export class TrustError extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
    this.detail = detail;
  }
}

export function require(isSo, code, detail) {
  if (!isSo) throw new TrustError(code, detail);
}

const utf8 = new TextEncoder();
export const toBytes = (text) => utf8.encode(text);
export const toHex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export function fromHex(text) {
  require(/^([0-9a-fA-F]{2})*$/.test(text), "malformed", "not hex");
  return Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
}

export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  } catch {
    throw new TrustError("malformed", "not base64");
  }
}

export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
export const sha256Hex = async (bytes) => toHex(await sha256(bytes));
export const sameBytes = (one, two) => one.length === two.length && one.every((byte, n) => byte === two[n]);
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// JSON with integers that every reader reads alike. The rest of what JSON.parse takes, Python takes as well.
export function parse(bytes, what) {
  let text, value;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new TrustError("malformed", `${what}: not JSON`);
  }
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  require(!/\d[.eE]|-0(?!\d)/.test(bare), "malformed", `${what}: a number that is no integer`);
  checkValues(value, what, 0);
  return value;
}

const MAX_DEPTH = 40;

function checkValues(value, what, depth) {
  require(depth < MAX_DEPTH, "malformed", `${what}: too deep`);
  if (typeof value === "number") require(Number.isSafeInteger(value), "malformed", `${what}: a number beyond 2^53`);
  if (typeof value === "string") checkText(value, what);
  if (Array.isArray(value)) value.forEach((one) => checkValues(one, what, depth + 1));
  if (isObject(value)) for (const [name, inner] of Object.entries(value)) { checkText(name, what); checkValues(inner, what, depth + 1); }
}

function checkText(text, what) {
  require(!/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text), "malformed", `${what}: half a character`);
}

// Python sorts by code point, JavaScript by UTF-16 unit: they differ beyond U+FFFF.
export function byCodePoint(one, two) {
  const a = [...one], b = [...two];
  for (let n = 0; n < Math.min(a.length, b.length); n += 1) {
    const difference = a[n].codePointAt(0) - b[n].codePointAt(0);
    if (difference) return difference;
  }
  return a.length - b.length;
}

function write(value, text) {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return `[${value.map((one) => write(one, text)).join(",")}]`;
  if (isObject(value)) return `{${Object.keys(value).sort(byCodePoint).map((name) => `${text(name)}:${write(value[name], text)}`).join(",")}}`;
  return String(value);
}

// What is signed: only quote and backslash are escaped.
export const canonical = (value) => toBytes(write(value, (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`));

// A file as python-tuf writes it: sorted, compact, ASCII.
export const fileOf = (value) => toBytes(write(value, (text) => JSON.stringify(text).replace(/[\u007f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)));

// A message as `wire.codec` writes it: sorted, compact, UTF-8.
export const encode = (value) => toBytes(write(value, (text) => JSON.stringify(text)));
