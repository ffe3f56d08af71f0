// What every page shares: selects that submit themselves, asking before something is taken away, rows that can be added.
"use strict";

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submit-on-change]");
  if (form) form.submit();
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.ask || event.target.dataset.ask;
  if (question && !window.confirm(question)) { event.preventDefault(); return; }
  const waiting = event.target.querySelector("[data-while-sending]");
  if (waiting) {
    waiting.hidden = false;
    event.submitter?.setAttribute("aria-busy", "true");
    window.setTimeout(() => event.submitter?.setAttribute("disabled", ""), 0);
  }
});

// A list of selects (what a slot plays): add a row, move a row up, take a row away.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-row]");
  if (!button) return;
  const list = document.getElementById(button.dataset.rows) || button.closest("ol");
  const row = button.closest("li");
  if (button.dataset.row === "add") {
    const copy = list.lastElementChild.cloneNode(true);
    copy.querySelectorAll("select").forEach((select) => { select.selectedIndex = 0; });
    list.append(copy);
    copy.querySelector("select").focus();
  } else if (button.dataset.row === "up" && row.previousElementSibling) {
    row.previousElementSibling.before(row);
    button.focus();
  } else if (button.dataset.row === "remove") {
    if (list.children.length > 1) row.remove();
    else row.querySelectorAll("select").forEach((select) => { select.selectedIndex = 0; });
  }
});

// Parts of a form that belong to one choice of a select or radio: data-shown-for="name=value value".
function showParts(form) {
  form.querySelectorAll("[data-shown-for]").forEach((part) => {
    const [name, values] = part.dataset.shownFor.split("=");
    const field = form.elements[name];
    part.hidden = !values.split(" ").includes(field?.value);
  });
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-js-hide]").forEach((part) => { part.hidden = true; });
  document.querySelectorAll("[data-js-show]").forEach((part) => { part.hidden = false; });
  document.querySelectorAll("form").forEach((form) => {
    if (!form.querySelector("[data-shown-for]")) return;
    showParts(form);
    form.addEventListener("change", () => showParts(form));
  });
  document.querySelectorAll(".file").forEach((box) => {
    box.classList.add("ready"); // the browser's own button speaks the browser's language, not the page's
    box.querySelector("input").addEventListener("change", (event) => {
      box.querySelector("[data-file-name]").textContent = event.target.files[0]?.name ?? "";
    });
  });
  document.querySelector("[aria-invalid=true]")?.focus();
});
