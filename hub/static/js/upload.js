// Uploads a recording with a progress bar. Without this script the form works all the same, only silently.
"use strict";

const MAX_BYTES = 200 * 1024 * 1024;

function showUpload(form, percent, text) {
  const state = form.querySelector("[data-upload-state]");
  state.hidden = false;
  state.querySelector("progress").value = percent;
  state.querySelector("span").textContent = text;
}

function failUpload(form, text) {
  form.querySelector("[data-upload-state]").hidden = true;
  form.querySelector("button").disabled = false;
  const error = form.querySelector("[data-upload-error]");
  error.textContent = text;
  error.hidden = false;
}

function upload(form) {
  const file = form.elements.sound.files[0];
  form.querySelector("[data-upload-error]").hidden = true;
  if (file && file.size > MAX_BYTES) { failUpload(form, form.dataset.tooLarge); return; }
  form.querySelector("button").disabled = true;
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("X-Upload", "1");
  request.upload.addEventListener("progress", (event) => {
    const percent = Math.round((100 * event.loaded) / event.total);
    showUpload(form, percent, percent < 100 ? `${percent} %` : form.dataset.preparing);
  });
  request.addEventListener("error", () => failUpload(form, form.dataset.broken));
  request.addEventListener("load", () => {
    if (request.status < 400) { window.location.assign(JSON.parse(request.responseText).next); return; }
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const problem = page.querySelector("[role=alert][data-code] .strong, main .card > h1 + p");
    failUpload(form, problem ? problem.textContent : form.dataset.broken);
  });
  request.send(new FormData(form));
}

document.querySelectorAll("form[data-upload]").forEach((form) => {
  form.addEventListener("submit", (event) => { event.preventDefault(); upload(form); });
});
