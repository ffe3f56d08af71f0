// Passkeys for logging in: made on the page of the account, used on the login form. Never for signing what is on air.
"use strict";

const fromBase64 = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toBase64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

async function ask(url, form, body) {
  const answer = await fetch(url, {
    method: "POST", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": form.elements.csrf_token.value },
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.title);
  return said;
}

async function makePasskey(form) {
  const { publicKey } = await ask(form.dataset.begin, form, { password: form.elements.password.value });
  publicKey.challenge = fromBase64(publicKey.challenge);
  publicKey.user.id = fromBase64(publicKey.user.id);
  publicKey.excludeCredentials = (publicKey.excludeCredentials ?? []).map((one) => ({ ...one, id: fromBase64(one.id) }));
  const { rawId, response } = await create(publicKey, form);
  await ask(form.dataset.finish, form, {
    rawId: toBase64(rawId), label: form.elements.label.value.slice(0, 60),
    response: { clientDataJSON: toBase64(response.clientDataJSON), attestationObject: toBase64(response.attestationObject) },
  });
  window.location.reload();
}

async function logIn(form) {
  const { publicKey } = await ask(form.dataset.begin, form, {});
  publicKey.challenge = fromBase64(publicKey.challenge);
  const { rawId, response } = await get(publicKey, form);
  const said = await ask(form.dataset.finish, form, {
    rawId: toBase64(rawId),
    response: {
      clientDataJSON: toBase64(response.clientDataJSON), authenticatorData: toBase64(response.authenticatorData),
      signature: toBase64(response.signature), userHandle: response.userHandle ? toBase64(response.userHandle) : "",
    },
  });
  window.location.assign(said.next);
}

// What a browser says of a passkey that was not given is in its own language: ours is said instead.
const create = (publicKey, form) => navigator.credentials.create({ publicKey }).catch(() => { throw new Error(form.dataset.failed); });
const get = (publicKey, form) => navigator.credentials.get({ publicKey }).catch(() => { throw new Error(form.dataset.failed); });

document.addEventListener("submit", (event) => {
  const form = event.target;
  const act = form.matches("[data-passkey-add]") ? makePasskey : form.matches("[data-passkey-login]") ? logIn : null;
  if (!act) return;
  event.preventDefault();
  const problem = form.querySelector("[data-passkey-problem]");
  problem.textContent = "";
  act(form).catch((error) => { problem.textContent = error.message; });
});

document.addEventListener("DOMContentLoaded", () => {
  if (window.PublicKeyCredential) return;
  document.querySelectorAll("[data-passkey-add], [data-passkey-login]").forEach((form) => form.remove());
});
