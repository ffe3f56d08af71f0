// Which roles a province has, who delegates to whom, and what each may list: the rules of wire/trust/layout.py.

import { require } from "./bytes.js";
import { isRemote } from "./keys.js";
import { delegations, uniqueKeys } from "./rolefile.js";

const CODE = "[0-9a-z]{1,10}";
const NAMES = new RegExp(`^(?:(ea|ef|ed|[pdch])(${CODE})|([gv])(${CODE})-(${CODE}))$`);
const IDENT = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";
const EMERGENCY = ["ea", "ef", "ed"];
const MAX_TARGET_BYTES = 1024 * 1024;

export const programmeTarget = (area) => `areas/${area}/programme.json`;
export const policyTarget = (area) => `areas/${area}/policy.json`;
export const ancestry = (area) => area.split("/").map((_, n, parts) => parts.slice(0, n + 1).join("/"));
export const leaf = (area) => area.slice(area.lastIndexOf("/") + 1);
export const speakerRole = (area) => `${area.includes("/") ? "c" : "p"}${leaf(area)}`;

// {name, kind, area}, or null for a kind that this program does not know.
export function parseRoleName(name, province) {
  if (name === "tpl" || name === "sw") return { name, kind: name, area: province };
  const match = NAMES.exec(name);
  if (!match || name in Object.prototype) return null; // "constructor" has the form of a commune's role
  const kind = match[1] || match[3], code = match[2] || match[4];
  if (kind === "v") return { name, kind, area: `${province}/${code}/${match[5]}` };
  if (["p", "d", "g"].includes(kind)) return { name, kind, area: code };
  return { name, kind, area: EMERGENCY.includes(kind) && code === province ? province : `${province}/${code}` };
}

function delegationPaths({ kind, area }) {
  return {
    p: [`areas/${area}/*`, `areas/${area}/*/*`, `areas/${area}/*/*/*`],
    d: [`areas/${area}/*/placements.json`],
    c: [programmeTarget(area), policyTarget(area)],
    h: [`say/${area}/*/*`],
    v: [`say/${area}/*`],
    tpl: [`templates/${area}/*`],
    sw: ["software/*"],
  }[kind] || [`em/${area}/*`];
}

export function groupCommunes(delegation, province) {
  const pattern = new RegExp(`^areas/(${escape(province)}/${CODE})/\\*(/\\*){0,2}$`);
  const matches = (delegation.paths.length ? delegation.paths : [""]).map((path) => pattern.exec(path));
  require(matches.every(Boolean), "not_allowed", `${delegation.name}: paths that are not its communes'`);
  return new Set(matches.map((match) => match[1]));
}

export function provinceOf(targets) {
  const found = delegations(targets).filter((role) => new RegExp(`^p${CODE}$`).test(role.name));
  require(found.length === 1, "not_allowed", "targets must delegate to exactly one province");
  return found[0].name.slice(1);
}

export function checkRoot(root) {
  require(root.consistent_snapshot === true, "not_allowed", "root without consistent snapshots");
  uniqueKeys(root.keys);
  require(!Object.values(root.keys).some(isRemote), "not_allowed", "root with a passkey of another origin than a station's");
}

export function checkShape(name, signed, province, communes = new Set()) {
  const role = name === "targets" ? { name, kind: name, area: province } : parseRoleName(name, province);
  require(role && !EMERGENCY.includes(role.kind) && role.kind !== "v", "not_allowed", `${name} has no file`);
  checkTargets(role, signed, province);
  checkDelegations(role, signed, province, communes);
}

function checkTargets(role, signed, province) {
  const allowed = {
    p: `areas/${role.area}/(programme|policy)\\.json`,
    c: `areas/${role.area}/(programme|policy)\\.json`,
    d: `areas/${province}/${CODE}/placements\\.json`,
    tpl: `templates/${province}/${IDENT}\\.json`,
    sw: `software/${IDENT}`,
  }[role.kind];
  for (const [path, target] of Object.entries(signed.targets)) {
    require(allowed && new RegExp(`^(?:${allowed})$`).test(path), "not_allowed", `${role.name} may not list ${path.slice(0, 120)}`);
    require("sha256" in target.hashes && (role.kind === "sw" || target.length <= MAX_TARGET_BYTES), "malformed", `${path}: without SHA-256, or too large`);
  }
}

function checkDelegations(role, signed, province, communes) {
  if (signed.delegations === undefined) return;
  require(!["c", "d", "tpl", "sw"].includes(role.kind), "not_allowed", `${role.name} may not delegate`);
  uniqueKeys(signed.delegations.keys);
  const seen = new Set();
  for (const delegation of delegations(signed)) {
    const inner = parseRoleName(delegation.name, province);
    if (!inner) continue; // a kind of a later version: it has no power here
    checkDelegation(role, inner, delegation, communes);
    const keys = delegation.keyids.filter((id) => Object.hasOwn(signed.delegations.keys, id)).map((id) => signed.delegations.keys[id]);
    require(inner.kind === "c" || !keys.some(isRemote), "not_allowed", `${inner.name} with a passkey of another origin than a station's`);
    if (inner.kind !== "g") continue;
    for (const commune of groupCommunes(delegation, province)) {
      require(!seen.has(commune), "not_allowed", `${inner.name}: a commune stands in two groups`);
      seen.add(commune);
    }
  }
}

function checkDelegation(outer, inner, delegation, communes) {
  const province = outer.area.split("/")[0];
  const permitted = {
    targets: ["p", "d", "tpl", "sw", ...EMERGENCY],
    p: ["g"],
    g: ["c", "h", ...EMERGENCY],
    h: ["v"],
  }[outer.kind].includes(inner.kind);
  const home = outer.kind === "g" ? communes : new Set([outer.area]);
  const isInside = home.has(outer.kind === "h" ? inner.area.slice(0, inner.area.lastIndexOf("/")) : inner.area);
  const isOdd = inner.kind !== "g" && leaf(inner.area) === province && inner.area.includes("/");
  require(permitted && isInside && !isOdd, "not_allowed", `${outer.name} may not delegate to ${inner.name}`);
  const allowed = inner.kind === "g" ? delegation.paths : delegationPaths(inner);
  require(delegation.paths.length && delegation.paths.every((path) => allowed.includes(path)), "not_allowed", `${outer.name}: ${inner.name} has paths that are not its own`);
}

const escape = (text) => text.replace(/[^0-9a-z]/g, "\\$&");
