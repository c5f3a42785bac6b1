"use strict";
// The facts of the page, in millionths of the score's unit; sums are exact in a double's 53 bits.
const facts = JSON.parse(document.getElementById("facts").textContent);
const full = 2 ** facts.regions.length - 1;
let mask = full;
let net = 0;

const all = (selector) => Array.from(document.querySelectorAll(selector));
const applies = ([kind, regions], kept) =>
  kind === "and" ? (regions & kept) === regions : (regions & kept) !== 0;
const shown = (millionths) =>
  (millionths > 0 ? "+" : "") + (millionths / facts.unit).toFixed(3).replace("-", "−");
const members = (regions) => facts.regions.map((_, i) => i).filter((i) => regions & (1 << i));
const said = ([kind, regions]) => {
  const ids = members(regions);
  const word = ids.length === 1 ? "" : kind === "and" ? "all of " : "any of ";
  return word + ids.map((i) => `${i} ${facts.regions[i]}`).join("; ");
};

for (const network of facts.networks) {
  network.rank = new Array(full + 1);
  Array.from(network.scores.keys())
    .sort((a, b) => network.scores[a] - network.scores[b] || a - b)
    .forEach((at, place) => { network.rank[at] = place; });
}

function sum(network) {
  const fired = network.effects.filter((effect) => applies(effect, mask));
  const total = fired.reduce((so, effect) => so + effect[2], network.bias);
  const verdict = total > network.bound ? "yes" : total < -network.bound ? "no" : "open";
  return { fired, total, verdict };
}

function showRegions() {
  for (const shape of all(".region, .leaf")) {
    const kept = Boolean(mask & (1 << Number(shape.dataset.region)));
    shape.classList.toggle("off", !kept);
    if (shape.classList.contains("region")) shape.setAttribute("aria-checked", String(kept));
  }
}

function showPrimitives() {
  facts.rows.forEach((row, place) => {
    const idle = !applies(row, mask);
    all(`[data-row="${place}"]`).forEach((shape) => shape.classList.toggle("idle", idle));
  });
}

// The rows of panel c: bias, the strongest primitives, all others, sum, what it leaves, score.
function showSum(place) {
  const network = facts.networks[place];
  const { fired, total } = sum(network);
  const same = (effect) => facts.rows.findIndex((r) => r[0] === effect[0] && r[1] === effect[1]);
  const numbers = facts.rows.map(() => 0);
  let others = 0;
  for (const effect of fired) {
    const row = same(effect);
    if (row < 0) others += effect[2];
    else numbers[row] += effect[2];
  }
  const score = network.scores[mask];
  const told = [[network.bias, true], ...numbers.map((n) => [n, false]), [others, false],
    [total, true], [score - total, false], [score, true]];
  let at = 0;
  const spans = told.map(([number, whole]) => {
    const begin = whole ? 0 : at;
    at = whole ? number : at + number;
    return [Math.min(begin, at), Math.max(begin, at)];
  });
  const low = Math.min(0, ...spans.map((span) => span[0]));
  const high = Math.max(0, ...spans.map((span) => span[1]));
  const [left, right] = facts.fall;
  const scale = (right - left) / Math.max(high - low, 1);
  const pick = (kind, row) =>
    document.querySelector(`.${kind}[data-net="${place}"][data-fall="${row}"]`);
  told.forEach(([number, whole], row) => {
    const bar = pick("fall", row);
    bar.setAttribute("x", left + (spans[row][0] - low) * scale);
    bar.setAttribute("width", Math.max((spans[row][1] - spans[row][0]) * scale, 0.6));
    if (!whole) bar.setAttribute("fill", number >= 0 ? "#e66101" : "#5e3c99");
    pick("told", row).textContent = shown(number);
  });
  const zero = document.querySelector(`.zero[data-net="${place}"]`);
  zero.setAttribute("transform", `translate(${left - low * scale - zero.getBBox().x} 0)`);
}

function showPlace(place) {
  const network = facts.networks[place];
  const line = document.querySelector(`.here[data-net="${place}"]`);
  const [left, right] = facts.masks;
  const x = (mark) => left + (network.rank[mark] / full) * (right - left);
  line.setAttribute("transform", `translate(${x(mask) - x(full)} 0)`);
}

function item(number, text, kind = "") {
  const line = document.createElement("li");
  const value = document.createElement("b");
  value.textContent = number;
  const words = document.createElement("span");
  words.textContent = text;
  line.className = kind;
  line.append(value, words);
  return line;
}

function showProof() {
  const network = facts.networks[net];
  const { fired, total, verdict } = sum(network);
  const list = document.getElementById("proof");
  list.replaceChildren(item(shown(network.bias), "bias: the score with nothing kept"));
  for (const effect of fired) {
    const line = item(shown(effect[2]), said(effect) + (effect[3] ? " (shared)" : ""));
    line.firstChild.className = effect[2] >= 0 ? "rise" : "fall";
    list.append(line);
  }
  const bound = shown(network.bound).replace("+", "");
  const why = {
    yes: `above ${bound}: ${facts.verdict} is proved`,
    no: `below −${bound}: ${facts.verdict} is refuted`,
    open: `within ${bound} of 0: the sum leaves it open`,
  }[verdict];
  list.append(item(shown(total), `the sum; ${why}`, "total"));
  list.append(item(shown(network.scores[mask]), "what the network says"));
  document.getElementById("verdict").textContent =
    `${facts.className}: ${shown(total)} ± ${bound} — ${verdict} (${facts.verdict})`;
  document.getElementById("goal").textContent =
    `?- decides(${network.atom}, ${facts.image}, ${facts.classAtom}, ${mask}, Verdict).`;
  document.getElementById("kept").textContent =
    mask === full ? "all regions kept" : mask === 0 ? "no region kept"
      : `kept: ${members(mask).join(", ")}`;
}

function show() {
  showRegions();
  showPrimitives();
  facts.networks.forEach((_, place) => { showSum(place); showPlace(place); });
  all("[data-only]").forEach((part) => { part.hidden = Number(part.dataset.only) !== net; });
  showProof();
}

function toggle(region) {
  mask ^= 1 << region;
  show();
}

for (const shape of all(".region")) {
  const region = Number(shape.dataset.region);
  shape.setAttribute("tabindex", "0");
  shape.setAttribute("role", "checkbox");
  shape.setAttribute("aria-label", `region ${region}: ${facts.regions[region]}`);
  shape.addEventListener("click", () => toggle(region));
  shape.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      toggle(region);
    }
  });
}
document.getElementById("all").addEventListener("click", () => { mask = full; show(); });
document.getElementById("none").addEventListener("click", () => { mask = 0; show(); });
document.getElementById("invert").addEventListener("click", () => { mask ^= full; show(); });
const chosen = document.getElementById("net");
if (chosen) chosen.addEventListener("change", () => { net = Number(chosen.value); show(); });
// Panels are measured while they are shown.
all("[data-only]").forEach((part) => { part.hidden = false; });
show();
