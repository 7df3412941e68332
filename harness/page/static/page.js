"use strict";

/* The page. The selection is kept in the URL (#place=...&proxy=...&arch=...&without=...), so that a link restores it. */

const { leaderboard: boardRows, places, published, graphs, runs } = window.PAGE;
const at = (id) => document.getElementById(id);
const state = { place: null, proxy: null, arch: null, without: [] };
const plots = new Plots(at("scatter"), at("ranks"), hover, noteLines);
const restriction = new Choices((without) => choose({ without }), () => plots.selected);
const marks = new Marks((arch) => { choose({ arch }); at("explorer").scrollIntoView(); });
const board = new Leaderboard(at("leaderboard"), boardRows, (row) => {
  choose({ place: places.find((place) => place.id === row.place), proxy: row.column });
  at("explorer").scrollIntoView();
});
let ranks = new Map();
let summary = "";
let [writing, pointed] = [null, null];
const known = new Map();

/** The columns of a data set as numbers and as ranks, truth first; cached. */
function columnsOf(place) {
  if (!known.has(place)) {
    const values = new Map([["truth", place.accuracies], ...Object.entries(place.scores)].map(([name, column]) => [name, numbers(column)]));
    known.set(place, { values, ranks: new Map([...values].map(([name, column]) => [name, ranked(column)])) });
  }
  return known.get(place);
}

/** While the pointer moves, only the last architecture per frame is shown. */
function hover(index) {
  if (pointed === null) {
    requestAnimationFrame(() => {
      const arch = state.place.archs[pointed];
      pointed = null;
      if (arch !== state.arch) choose({ arch });
    });
  }
  pointed = index;
}

/** Changes the selection, draws it, and writes it to the URL. */
async function choose(change) {
  const moved = { ...state, ...change };
  if (moved.without.join() === state.without.join()) moved.without = state.without;
  const redraw = moved.place !== state.place || moved.proxy !== state.proxy || moved.without !== state.without;
  if (moved.place !== state.place) {
    const names = Object.keys(moved.place.scores);
    if (!names.includes(moved.proxy)) [moved.proxy] = names;
    if (!moved.place.archs.includes(moved.arch)) moved.arch = null;
    if (!change.without && !samePositions(moved.place, state.place)) moved.without = [];
  }
  Object.assign(state, moved);
  // Before drawing, so that text typed in the meantime is not overwritten.
  at("arch").value = state.arch || "";
  at("mark").disabled = !state.arch;
  // Browsers limit how often the URL may change.
  clearTimeout(writing);
  writing = setTimeout(writeAddress, 150);
  if (redraw) await draw();
  showDetails();
}

/** Whether what is not allowed on one place means the same on another. */
function samePositions(one, other) {
  return one.bench === other?.bench && JSON.stringify(one.choices?.positions) === JSON.stringify(other.choices?.positions);
}

function writeAddress() {
  const fields = Object.entries({ place: state.place.id, proxy: state.proxy, arch: state.arch, without: state.without.join(",") });
  history.replaceState(null, "", `#${fields.filter(([, value]) => value)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&")}`);
}

async function draw() {
  const { place, proxy, without } = state;
  options(at("place"), places.map((one) => [one.id, `${one.bench} ${one.dataset}, ${one.truth} (${one.id.split("/")[0]})`]), place.id);
  options(at("proxy"), Object.keys(place.scores).map((name) => [name, name]), proxy);
  if (plots.place !== place) at("archs").replaceChildren(...place.archs.slice(0, 2000).map((arch) => new Option(arch)));
  // Only the first columns get an axis: the selected proxy, then the best.
  const best = boardRows.filter((one) => one.place === place.id).sort((one, other) => compared(one.tau, other.tau, false));
  const names = new Set([proxy, ...best.map((one) => one.column), ...Object.keys(place.scores)].filter((name) => Object.hasOwn(place.scores, name)));
  const columns = columnsOf(place);
  plots.inside = insideOf(place, state.without);
  marks.show(place);
  ranks = new Map(["truth", ...names].map((name) => [name, columns.ranks.get(name)]));
  restriction.show(place, proxy, without, plots.inside);
  await plots.show(place, proxy, columns.values.get(proxy), columns.values.get("truth"), ranks);
  if (place !== state.place || proxy !== state.proxy || without !== state.without) return;
  const row = boardRows.find((one) => one.place === place.id && one.column === proxy);
  board.mark(row);
  summary = `${proxy} against ${place.truth} on ${place.bench} ${place.dataset}: tau ${written(row && row.tau)}, rho ${written(row && row.rho)}`;
  at("scatter").setAttribute("aria-label", `Scatter plot of ${summary}, ${plots.rows.length} architectures.`);
  showPublished(place, row);
  noteScatter();
}

function noteScatter() {
  const { place } = state;
  at("whole").parentNode.hidden = !plots.nBelow;
  const outside = plots.inside ? plots.inside.filter((one) => !one).length : 0;
  const hidden = place.archs.length - plots.rows.length - outside;
  at("scatter-note").textContent = `${summary}. ${plots.rows.length.toLocaleString("en")} points` +
    (plots.nBelow && !plots.whole ? `, ${plots.nBelow.toLocaleString("en")} below ${plots.floor.toPrecision(3)} and outside the axis` : "") +
    (hidden ? `; ${hidden} without a finite score or accuracy not shown` : "") +
    (outside ? `; ${outside.toLocaleString("en")} with values that are not allowed` : "") +
    (place.n > place.archs.length ? `; a uniform sample of ${place.n.toLocaleString("en")} architectures` : "") + ".";
}

/** Describes how many lines are drawn, and which. */
function noteLines() {
  restriction.tell();
  const [drawn, all] = [plots.lines.length, plots.complete.length];
  const [n, chosen] = [drawn.toLocaleString("en"), plots.nChosen.toLocaleString("en")];
  const of = drawn < all ? `${n} of ${all.toLocaleString("en")} lines drawn, a random sample` : `${n} lines`;
  const brushed = plots.selected ? `; ${Math.min(drawn, plots.nChosen).toLocaleString("en")} of ${chosen} selected ones are among them`
    : drawn < all ? "; selected architectures are always drawn first" : "";
  at("ranks-note").textContent = of + brushed +
    (plots.names.length < ranks.size ? `; the best ${plots.names.length - 1} of ${ranks.size - 1} proxies, the selected one first` : "") + ".";
  at("ranks").setAttribute("aria-label", `Parallel ranks of ${all} architectures by ${plots.names.join(", ")}, ${of}.`);
}

function showDetails() {
  const { place, arch } = state;
  if (!arch) {
    at("details").textContent = "Point at an architecture, or select one by name, to see its cell, scores and ranks.";
    plots.ring(-1);
    return;
  }
  const index = place.archs.indexOf(arch);
  plots.ring(index);
  const title = document.createElement("p");
  title.textContent = `${place.bench} ${place.indices[index]}: ${arch}` +
    (plots.inside && !plots.inside[index] ? " (holds a value that is not allowed)" : "");
  const table = document.createElement("table");
  table.append(line("th", ["", "value", "rank"]));
  for (const [name, column] of [[place.truth, place.accuracies], ...Object.entries(place.scores)]) {
    const key = column === place.accuracies ? "truth" : name;
    const rank = ranks.get(key)[index];
    const value = column[index];
    table.append(line("td", [name, value === null ? "none" : String(value), Number.isNaN(rank) ? "" : rank.toLocaleString("en")]));
  }
  const scores = document.createElement("div");
  scores.className = "scores";
  scores.append(table);
  at("details").replaceChildren(title, drawCell(place.graphs[index], graphs), scores);
}

/** Published values for the proxy of a row of the leaderboard, with that row. */
function showPublished(place, row) {
  const found = published.filter((one) => one.space === place.bench && one.dataset === place.dataset && one.proxy === row.proxy);
  const heads = ["source", "tau", "rho", "architectures", "truth", "note"];
  const rows = [["this run", written(row.tau), written(row.rho), String(row.n), row.truth, ""],
    ...found.map((one) => [`${one.source}, ${one.table}`, one.kendall, one.spearman, one.n_archs, one.split, one.note])];
  if (!found.length) rows.push([`no published value of ${row.proxy}`, "", "", "", "", ""]);
  at("published").tHead.replaceChildren(line("th", heads));
  at("published").tBodies[0].replaceChildren(...rows.map((texts) => line("td", texts, heads)));
}

/** A row of a table; `heads` name its cells where a narrow screen shows it as a card. */
function line(kind, texts, heads) {
  const row = document.createElement("tr");
  texts.forEach((text, position) => {
    const cell = document.createElement(kind);
    cell.textContent = text;
    if (position) cell.className = "number";
    if (heads) cell.dataset.label = heads[position];
    row.append(cell);
  });
  return row;
}

function options(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value, false, value === chosen)));
}

/** Selects the architecture with the next higher (1) or lower (-1) score. */
function step(direction) {
  const values = columnsOf(state.place).values.get(state.proxy);
  const order = values.map((value, index) => index).filter((index) => !Number.isNaN(values[index]) && (!plots.inside || plots.inside[index]));
  order.sort((one, other) => values[one] - values[other] || one - other);
  const position = order.indexOf(state.place.archs.indexOf(state.arch));
  const next = position < 0 ? (direction > 0 ? 0 : order.length - 1) : position + direction;
  if (order[next] !== undefined) choose({ arch: state.place.archs[order[next]] });
}

function showProvenance() {
  for (const { name, told } of runs) {
    const heading = document.createElement("h3");
    heading.textContent = name;
    at("provenance").append(heading, listed(told));
  }
}

/** What a run says of itself as terms with values, lists and objects within them likewise. */
function listed(told) {
  const list = document.createElement("dl");
  for (const [key, value] of Object.entries(told)) {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = key;
    const plain = Array.isArray(value) && value.every((one) => one === null || typeof one !== "object");
    if (plain) text.textContent = value.length ? value.join(", ") : "none";
    else if (value === null) text.textContent = "none";
    else if (typeof value === "object") text.append(Object.keys(value).length ? listed(value) : "none");
    else text.textContent = String(value);
    list.append(term, text);
  }
  return list;
}

/** Restores the selection of the URL; anything it does not name gets its default. */
function follow() {
  clearTimeout(writing);
  const wanted = new URLSearchParams(location.hash.slice(1));
  const place = places.find((one) => one.id === wanted.get("place")) || state.place || places[0];
  const best = boardRows.filter((row) => row.place === place.id).sort((one, other) => compared(one.tau, other.tau, false))[0];
  const proxy = Object.hasOwn(place.scores, wanted.get("proxy")) ? wanted.get("proxy") : best.column;
  const without = withoutOf(place, wanted.get("without"));
  return choose({ place, proxy, arch: named(place, wanted.get("arch")), without });
}

/** The architecture that a text names, by its name or its official index; null if the place has none. */
function named(place, text) {
  if (text === null || place.archs.includes(text)) return text;
  return /^\d+$/.test(text) ? place.archs[place.indices.indexOf(Number(text))] ?? null : null;
}

function tellSorting() {
  at("sort").value = board.sorted.name;
}

function filterBoard() {
  const n = board.filter(at("filter").value);
  at("n-rows").textContent = `${n} of ${boardRows.length} rows`;
}

options(at("sort"), board.columns, board.sorted.name);
board.told = tellSorting;
at("sort").addEventListener("change", (event) => board.sort(event.target.value));
at("turn").addEventListener("click", () => board.sort(board.sorted.name));
at("filter").addEventListener("input", filterBoard);
at("place").addEventListener("change", (event) => choose({ place: places.find((one) => one.id === event.target.value) }));
at("proxy").addEventListener("change", (event) => choose({ proxy: event.target.value }));
at("arch").addEventListener("change", (event) => {
  const text = event.target.value.trim();
  const arch = named(state.place, text);
  at("arch-note").textContent = arch || !text ? "" : `This run has no architecture "${text.slice(0, 60)}".`;
  if (arch) choose({ arch });
});
at("higher").addEventListener("click", () => step(1));
at("lower").addEventListener("click", () => step(-1));
at("mark").addEventListener("click", () => { if (state.arch) marks.add([state.place.archs.indexOf(state.arch)]); });
at("mark-selected").addEventListener("click", () => marks.add([...plots.selected || []]));
at("clear").addEventListener("click", () => plots.clear());
at("whole").addEventListener("change", async (event) => {
  await plots.showWhole(event.target.checked);
  noteScatter();
});
window.addEventListener("hashchange", follow);
showProvenance();
filterBoard();
window.ready = follow();
