// Passkeys: making one, and asking it for a signature over bytes that this page has in its hands (WebAuthn level 2).

import { Refusal } from "./api.js";
import { t } from "./words.js";

const DOMAIN = "loa/1/sign";
export const TUF_TYPE = "application/vnd.tuf+json";
const ES256 = -7;
const WAIT_MS = 120_000;
const utf8 = new TextEncoder();

export const toBase64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export const fromBase64 = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
export const toHex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const canUsePasskeys = () => window.isSecureContext && Boolean(window.PublicKeyCredential);

// SHA-256 over the domain and DSSE's pre-authentication encoding of type and bytes: what every device computes again.
export async function challengeOf(bytes, type = TUF_TYPE) {
  const head = utf8.encode(`${DOMAIN}DSSEv1 ${utf8.encode(type).length} ${type} ${bytes.length} `);
  const whole = new Uint8Array(head.length + bytes.length);
  whole.set(head);
  whole.set(bytes, head.length);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

// A new passkey of this person, bound to `rpid`: its credential id and its public point in hex. `residentKey` preferred:
// it is found again by a browser that has forgotten the credential id.
export async function makePasskey(rpid, username, residentKey = "discouraged") {
  const credential = await ask(() => navigator.credentials.create({ publicKey: {
    rp: { id: rpid, name: t("Signing machine") },
    user: { id: crypto.getRandomValues(new Uint8Array(16)), name: username, displayName: username },
    challenge: crypto.getRandomValues(new Uint8Array(32)),
    pubKeyCredParams: [{ type: "public-key", alg: ES256 }],
    authenticatorSelection: { userVerification: "required", residentKey },
    attestation: "none",
    timeout: WAIT_MS,
  } }));
  if (credential.response.getPublicKeyAlgorithm() !== ES256) throw new Refusal(0, { code: "algorithm", detail: t("This device makes passkeys of another kind. Use another device.") });
  const key = await crypto.subtle.importKey("spki", credential.response.getPublicKey(), { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  return { credential: toBase64url(credential.rawId), public: toHex(await crypto.subtle.exportKey("raw", key)) };
}

// The person's signature over `bytes`. The challenge is computed here, never taken from anybody. Without a credential id
// the browser offers the passkeys that it keeps for this rpId.
export async function signByPasskey(rpid, credential, bytes) {
  const challenge = await challengeOf(bytes);
  const { response } = await ask(() => navigator.credentials.get({ publicKey: {
    rpId: rpid,
    challenge,
    allowCredentials: credential ? [{ type: "public-key", id: fromBase64(credential) }] : [],
    userVerification: "required",
    timeout: WAIT_MS,
  } }));
  return {
    authenticator_data: toBase64url(response.authenticatorData),
    client_data: toBase64url(response.clientDataJSON),
    signature: toBase64url(response.signature),
  };
}

async function ask(act) {
  if (!canUsePasskeys()) throw new Refusal(0, { code: "no_passkeys", detail: t("This browser knows no passkeys here.") });
  try {
    return await act();
  } catch {
    throw new Refusal(0, { code: "no_signature", detail: t("The passkey gave no signature. Nothing was signed.") });
  }
}
