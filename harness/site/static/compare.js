"use strict";

/* Two proxies compared. What is shown is kept in the URL (#place=...&first=...&second=...), so that a link restores it. */

const { rows, comparisons } = window.SITE;
const at = (id) => document.getElementById(id);
const MOST_CELLS = 4; // drawn on either side
const MOST_VALUES = 12;
window.COMPARED ||= {};
let state = {};

const rowOf = (id) => rows.find((row) => row.id === id);
const nameOf = (id) => { const row = rowOf(id); return `${row.proxy}${row.options ? ` ${row.options}` : ""}`; };
const fixed = (value) => (value === null || value === undefined ? "" : value.toFixed(3));
const signed = (value) => (value === null || value === undefined ? "" : `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(3)}`);

/** The data of a place; its script is loaded when it is asked for. */
function loaded(name) {
  if (Object.hasOwn(window.COMPARED, name)) return Promise.resolve(window.COMPARED[name]);
  return new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = `compare-${name}.js`;
    script.addEventListener("load", () => done(window.COMPARED[name]));
    script.addEventListener("error", () => fail(new Error(`compare-${name}.js is missing`)));
    document.head.append(script);
  });
}

/** The numbers of the first and the second record in their order, whichever of the two comes first in the data. */
function pairOf(data, first, second) {
  const own = data.pairs[`${first} ${second}`];
  if (own) return own;
  const other = data.pairs[`${second} ${first}`];
  const turned = (numbers) => {
    const [one, two, delta, low, high] = numbers;
    const minus = (value) => (value === null ? null : -value);
    return [two, one, minus(delta), minus(high), minus(low)];
  };
  return { ...other, ...(other.cells ? { cells: turned(other.cells), networks: turned(other.networks) } : {}) };
}

async function draw() {
  const { place, first, second } = state;
  fill(at("place"), comparisons.map(({ text }, index) => [String(index), text]), String(place));
  for (const [id, own] of [["first", first], ["second", second]]) fill(at(id), comparisons[place].ids.map((one) => [one, nameOf(one)]), own);
  const data = await loaded(comparisons[place].name);
  if (state.place !== place || state.first !== first || state.second !== second) return;
  const same = first === second;
  for (const one of ["numbers", "plane", "cells", "values"]) at(one).hidden = same;
  if (same) {
    at("told").textContent = "Choose two different records.";
    return;
  }
  showNumbers(data, pairOf(data, first, second));
  const [one, two] = [data.ranks[first], data.ranks[second]];
  showRanks(data, one, two);
  showCells(data, one, two);
  showValues(data, data.effects[first], data.effects[second]);
}

function showNumbers(data, pair) {
  const [one, two] = [nameOf(state.first), nameOf(state.second)];
  at("told").textContent = `${data.bench} on ${data.dataset}: ${pair.n.toLocaleString("en")} architectures have both scores.` +
    (pair.cells ? "" : " The ground truth was not there when this page was made, so that only the two are compared.");
  const heads = ["one vote for each", "tau with each other", ...(pair.cells ? [`tau of ${one}`, `tau of ${two}`, "difference"] : [])];
  const lines = [["network", "networks"], ["architecture", "cells"]].map(([vote, key]) => {
    const numbers = pair[key];
    const interval = numbers && numbers[3] !== null ? ` [${signed(numbers[3])}, ${signed(numbers[4])}]` : "";
    return [vote, fixed(pair.between[key]), ...(numbers ? [fixed(numbers[0]), fixed(numbers[1]), `${signed(numbers[2])}${interval}`] : [])];
  });
  at("numbers").caption.textContent = pair.cells ? `Agreement with ${data.truth_name} on ${pair.n_truth.toLocaleString("en")} architectures` +
    `${pair.enumerated ? ", the whole population" : ""}.` : "";
  table(at("numbers"), heads, lines);
}

/** Rank by rank: a canvas, since there may be many thousand points. */
function showRanks(data, one, two) {
  const canvas = at("plane");
  const pen = canvas.getContext("2d");
  const [left, bottom, width, height] = [70, 560, 800, 530];
  pen.clearRect(0, 0, canvas.width, canvas.height);
  const most = one.length;
  const place = (rank, from, size) => from + (size * (rank - 1)) / Math.max(most - 1, 1);
  pen.font = "20px sans-serif";
  pen.strokeStyle = "#b0b0b0";
  pen.strokeRect(left, bottom - height, width, height);
  pen.beginPath();
  pen.moveTo(left, bottom);
  pen.lineTo(left + width, bottom - height);
  pen.stroke();
  const radius = most > 3000 ? 1.5 : 3;
  one.forEach((rank, index) => {
    if (rank === null || two[index] === null) return;
    const share = data.truth_ranks && data.truth_ranks[index] !== null ? data.truth_ranks[index] / most : 0.4;
    pen.fillStyle = `hsl(202 100% ${18 + 62 * share}%)`;
    pen.beginPath();
    pen.arc(place(rank, left, width), place(two[index], bottom, -height), radius, 0, 2 * Math.PI);
    pen.fill();
  });
  pen.fillStyle = "#1b1b1b";
  const short = (id) => { const name = nameOf(id); return name.length > 50 ? `${name.slice(0, 49)}\u2026` : name; };
  pen.fillText("1", left - 5, bottom + 22);
  pen.fillText(most.toLocaleString("en"), left + width - 60, bottom + 22);
  pen.fillText(`rank by ${short(state.first)}`, left + 200, bottom + 46);
  pen.save();
  pen.translate(24, bottom - 60);
  pen.rotate(-Math.PI / 2);
  pen.fillText(`rank by ${short(state.second)}`, 0, 0);
  pen.restore();
  canvas.setAttribute("aria-label", `Ranks of ${most} architectures by ${nameOf(state.first)} and ${nameOf(state.second)}: ${at("told").textContent}`);
}

/** The networks of largest rank difference, drawn, on either side. */
function showCells(data, one, two) {
  const both = one.map((_, index) => index).filter((index) => one[index] !== null && two[index] !== null);
  const sides = [[state.first, (index) => two[index] - one[index]], [state.second, (index) => one[index] - two[index]]];
  at("cells").replaceChildren(...sides.map(([id, lead]) => {
    const section = document.createElement("section");
    const heading = document.createElement("h3");
    heading.textContent = `Ranked higher by ${nameOf(id)}`;
    section.append(heading);
    const seen = new Set();
    const found = [];
    for (const index of [...both].sort((a, b) => lead(b) - lead(a) || data.indices[a] - data.indices[b])) {
      if (found.length === MOST_CELLS || lead(index) <= 0) break;
      // Names of one network have equal ranks by most proxies: one of them is enough.
      const key = JSON.stringify([one[index], two[index]]);
      if (!seen.has(key)) found.push(index);
      seen.add(key);
    }
    const list = document.createElement("div");
    list.className = "drawn";
    list.append(...found.map((index) => card(data, index, one, two)));
    section.append(list);
    return section;
  }));
}

function card(data, index, one, two) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const rank = (value) => value.toLocaleString("en");
  const truth = data.truth && data.truth[index] !== null ? `; ${data.truth_name} ${data.truth[index]}, rank ${rank(data.truth_ranks[index])}` : "";
  caption.textContent = `${data.bench} ${data.indices[index]}: rank ${rank(one[index])} by ${nameOf(state.first)}, ${rank(two[index])} by ${nameOf(state.second)}${truth}`;
  figure.dataset.index = data.indices[index];
  figure.append(drawCell(data.drawn[index], data.graphs), caption);
  return figure;
}

function showValues(data, one, two) {
  const found = data.held.map(([position, value], place) => [`${position}: ${value}`, one?.[place] ?? null, two?.[place] ?? null])
    .filter(([, a, b]) => a !== null && b !== null);
  at("values").hidden = !found.length;
  found.sort((a, b) => Math.abs(b[2] - b[1]) - Math.abs(a[2] - a[1]));
  table(at("values"), ["value", nameOf(state.first), nameOf(state.second), "difference"],
    found.slice(0, MOST_VALUES).map(([name, a, b]) => [name, a.toFixed(2), b.toFixed(2), signed(b - a)]));
}

function table(into, heads, lines) {
  const row = (kind, texts) => {
    const made = document.createElement("tr");
    made.append(...texts.map((text, place) => {
      const cell = document.createElement(kind);
      cell.textContent = text;
      if (kind === "th") cell.scope = "col"; else cell.dataset.label = heads[place];
      if (place) cell.className = "number";
      return cell;
    }));
    return made;
  };
  into.tHead.replaceChildren(row("th", heads));
  into.tBodies[0].replaceChildren(...lines.map((line) => row("td", line)));
}

function fill(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value, false, value === chosen)));
}

function change(what) {
  Object.assign(state, what);
  const { ids } = comparisons[state.place];
  const named = (id, other) => (ids.includes(id) ? id : ids.find((one) => one !== other));
  state.first = named(state.first, state.second);
  state.second = named(state.second, state.first);
  history.replaceState(null, "", `#place=${encodeURIComponent(comparisons[state.place].text)}&first=${state.first}&second=${state.second}`);
  window.ready = draw().catch((error) => {
    at("told").textContent = `${error.message}: make the site again.`;
    for (const one of ["numbers", "plane", "cells", "values"]) at(one).hidden = true;
  });
}

/** Restores what the URL names; a record may be named by its proxy. */
function follow() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const place = Math.max(0, comparisons.findIndex(({ text }) => text === wanted.get("place")));
  const { ids } = comparisons[place];
  const named = (word) => (ids.includes(word) ? word : ids.find((id) => rowOf(id).proxy === word));
  const tau = (id) => rowOf(id).networks.tau ?? -2;
  const best = [...ids].sort((a, b) => rowOf(a).count - rowOf(b).count || tau(b) - tau(a));
  const second = named(wanted.get("second"));
  const first = named(wanted.get("first")) || best.find((id) => id !== second);
  change({ place, first, second: second || best.find((id) => id !== first) });
}

if (comparisons.length) {
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  at("place").addEventListener("change", (event) => change({ place: Number(event.target.value) }));
  for (const id of ["first", "second"]) at(id).addEventListener("change", (event) => change({ [id]: event.target.value }));
  at("swap").addEventListener("click", () => change({ first: state.second, second: state.first }));
  window.addEventListener("hashchange", follow);
  follow();
} else {
  at("told").textContent = "There are no two records of one place to compare.";
  at("controls").hidden = true;
  for (const one of document.querySelectorAll("main > :not(#told)")) one.hidden = true;
}
