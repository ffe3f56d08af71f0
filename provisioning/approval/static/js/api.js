// The station's JSON interface: one place that knows the token, the language and what a refusal looks like.

const state = { csrf: "", language: "", page: 0 };

export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code || "";
    this.problem = problem;
  }
}

export function useToken(csrf) { state.csrf = csrf || ""; }
export function useLanguage(language) { state.language = language; }

export const get = (path) => ask("GET", path);
export const post = (path, value = {}) => ask("POST", path, value);

// What a page is built from: its answer does not come when the page has been left meanwhile, or it would stand under another's
// address, a real alert where a drill was opened.
export const read = (path) => forThisPage(get(path));
export const prepare = (path, value = {}) => forThisPage(post(path, value));
export function leavePage() { state.page += 1; }

function forThisPage(answer) {
  const page = state.page;
  const isHere = () => page === state.page;
  return new Promise((resolve, reject) => {
    answer.then((value) => isHere() && resolve(value), (error) => isHere() && reject(error));
  });
}

async function ask(method, path, value) {
  const headers = { Accept: "application/json" };
  if (state.language) headers["X-Language"] = state.language;
  if (method === "POST") Object.assign(headers, { "Content-Type": "application/json", "X-CSRF-Token": state.csrf });
  let response;
  try {
    response = await fetch(path, { method, headers, body: value === undefined ? undefined : JSON.stringify(value), credentials: "same-origin", cache: "no-store" });
  } catch {
    throw new Refusal(0, { code: "station_gone", detail: document.documentElement.dataset.gone });
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    if (response.status === 401 && path !== "/api/login") window.dispatchEvent(new Event("signed-out"));
    throw new Refusal(response.status, body);
  }
  return body;
}
