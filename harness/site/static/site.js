"use strict";

/* The leaderboard. What is shown is kept in the URL (#place=...&vote=...&sort=...), so that a link restores it. */

const { rows, published } = window.SITE;
const at = (id) => document.getElementById(id);
const COUNTS = { params: "#Params", flops_live: "live FLOPs", n_convs_live: "live convolutions", depth: "depth", sum_log_layer_size: "sum of log layer sizes" };
const FLAGS = { "no-labels": "labels", "no-images": "images", "no-backward": "backward" };
const placeOf = (row) => [row.bench, row.dataset, row.population, row.truth, row.sample].join(" / ");
const places = [...new Set(rows.map(placeOf))];
const size = (place) => rows.filter((row) => placeOf(row) === place).length;
const largest = places.reduce((best, place) => (size(place) > size(best) ? place : best), places[0]);
const usual = { place: largest, vote: "networks", sort: "tau", order: "down", words: "", seconds: "" };
let state = { ...usual };
let shown = [];
let columns = [];

/** The columns of a place: heading, value to sort by, and what the cell holds. */
function columnsOf(here) {
  const baselines = [...new Set(here.flatMap((row) => Object.keys(row[state.vote].beats)))];
  const column = (key, title, value, cell, number = true) => ({ key, title, value, cell: cell || value, number });
  return [
    column("proxy", "proxy", (row) => row.proxy, proxyCell, false),
    column("tau", "tau", (row) => row[state.vote].tau, tauCell),
    ...baselines.map((name) => column(`beats_${name}`, `beats ${COUNTS[name] || name}`,
      (row) => row[state.vote].beats[name] || "", (row) => verdictCell(row[state.vote].beats[name]), false)),
    column("delta", "minus #Params", (row) => row[state.vote].delta, (row) => signed(row[state.vote].delta)),
    column("rho", "rho", (row) => row[state.vote].rho, (row) => fixed(row[state.vote].rho)),
    column("published", "published tau", publishedTau, (row) => publishedTexts(row).join(", ")),
    column("seconds", "CPU s", (row) => row.seconds, (row) => (row.seconds === null ? "" : row.seconds < 0.001 ? "<0.001" : row.seconds.toPrecision(2))),
    column("needs", "needs", needsText, needsText, false),
    column("n", "n", (row) => row.n, (row) => row.n.toLocaleString("en")),
    column("inputs", "inputs", (row) => row.inputs, null, false),
    column("protocol", "protocol", (row) => row.protocol, null, false),
    column("options", "options", (row) => row.options, null, false),
    column("origin", "code", (row) => row.origin, null, false),
    column("cite", "", () => "", citeCell, false),
  ];
}

const fixed = (value) => (value === null ? "" : value.toFixed(3));
const signed = (value) => (value === null ? "" : `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(3)}`);

function publishedTexts(row) {
  const own = published.filter((one) => one.proxy === row.proxy && one.space === row.bench && one.dataset === row.dataset);
  return [...new Set(own.map((one) => one.kendall).filter(Boolean))];
}

function publishedTau(row) {
  const found = publishedTexts(row).map(Number);
  return found.length ? Math.max(...found) : null;
}

function needsText(row) {
  const words = { images: "images", labels: "labels", backward: "backward pass" };
  if (Object.values(row.needs).includes(null)) return "unknown";
  return Object.keys(words).filter((key) => row.needs[key]).map((key) => words[key]).join(", ") || "no data";
}

function proxyCell(row) {
  const link = document.createElement("a");
  link.href = `proxy/${encodeURIComponent(row.proxy)}.html#${row.id}`;
  link.textContent = row.proxy;
  return link;
}

function tauCell(row) {
  const { tau, low, high } = row[state.vote];
  const cell = document.createElement("span");
  cell.textContent = fixed(tau);
  if (low !== null && high !== null) {
    const interval = document.createElement("span");
    interval.className = "interval";
    interval.textContent = ` [${fixed(low)}, ${fixed(high)}]`;
    cell.append(interval);
  }
  return cell;
}

function verdictCell(verdict) {
  const cell = document.createElement("span");
  cell.textContent = verdict || "";
  if (verdict) cell.className = verdict.split(" ").pop();
  return cell;
}

function citeCell(row) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "cite";
  button.setAttribute("aria-label", `How to cite the row of ${row.proxy}`);
  button.addEventListener("click", () => {
    at("bibtex").textContent = row.cite;
    at("cite").hidden = false;
    at("cite").scrollIntoView();
  });
  return button;
}

/** Missing values come last in either order. */
function compared(one, other, sign) {
  const missing = (value) => value === null || value === "";
  if (missing(one) || missing(other)) return missing(one) - missing(other);
  return sign * (typeof one === "number" ? one - other : String(one).localeCompare(String(other)));
}

function kept(row) {
  if (!row.proxy.toLowerCase().includes(state.words.trim().toLowerCase())) return false;
  if (state.seconds !== "" && !(row.seconds !== null && row.seconds <= Number(state.seconds))) return false;
  if (Object.entries(FLAGS).some(([flag, need]) => state[flag] && row.needs[need] !== false)) return false;
  return !state.front || row[state.vote].front;
}

function draw() {
  const here = rows.filter((row) => placeOf(row) === state.place);
  const all = columnsOf(here);
  const text = (column, row) => { const cell = column.cell(row); return cell instanceof Node ? cell.textContent : String(cell); };
  // What is the same in every row that has it stands in the caption; empty columns are left out.
  const folded = all.filter((one) => !["proxy", "tau", "cite", "published"].includes(one.key) && !one.key.startsWith("beats_") && new Set(here.map((row) => text(one, row)).filter(Boolean)).size < 2);
  columns = all.filter((one) => !folded.includes(one));
  const told = (one) => here.map((row) => text(one, row)).find(Boolean);
  const constant = folded.filter(told).map((one) => `${one.title} ${told(one)}`);
  if (!columns.some((one) => one.key === state.sort)) state.sort = "tau";
  const sorted = columns.find((one) => one.key === state.sort);
  const sign = state.order === "up" ? 1 : -1;
  shown = here.filter(kept).sort((one, other) => compared(sorted.value(one), sorted.value(other), sign));
  const [bench, dataset, population, truth, sample] = state.place.split(" / ");
  const whole = here.every((row) => row.enumerated) ? "; the whole population was evaluated" : "";
  at("rows").caption.textContent = `${bench} on ${dataset}, population ${population}, ground truth ${truth}, ${sample}${whole}` +
    `${constant.length ? `; ${constant.join("; ")}` : ""}. Grey rows are counts.`;
  head();
  at("rows").tBodies[0].replaceChildren(...shown.map(line));
  at("n-rows").textContent = `${shown.length} of ${here.length} rows`;
  fill(at("place"), places.map((place) => [place, `${place} (${size(place)})`]), state.place);
  fill(at("sort"), columns.filter((one) => one.title).map((one) => [one.key, one.title]), state.sort);
  at("vote").value = state.vote;
  document.querySelector('nav a[href^="compare.html"]').href = `compare.html#place=${encodeURIComponent(state.place)}`;
  for (const name of ["words", "seconds"]) if (at(name).value !== state[name]) at(name).value = state[name];
  for (const name of [...Object.keys(FLAGS), "front"]) at(name).checked = Boolean(state[name]);
}

function head() {
  const line = document.createElement("tr");
  for (const one of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.dataset.column = one.key;
    if (one.number) cell.className = "number";
    if (one.title) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = one.title;
      button.addEventListener("click", () => change({ sort: one.key, order: state.sort === one.key ? turned() : one.number ? "down" : "up" }));
      cell.append(button);
      cell.setAttribute("aria-sort", state.sort !== one.key ? "none" : state.order === "up" ? "ascending" : "descending");
    } else {
      cell.setAttribute("aria-label", "citation");
    }
    line.append(cell);
  }
  const focused = document.activeElement?.closest?.("th")?.dataset.column;
  at("rows").tHead.replaceChildren(line);
  if (focused) line.querySelector(`th[data-column="${focused}"] button`)?.focus();
}

function line(row) {
  const found = document.createElement("tr");
  if (row.count) found.className = "count";
  for (const one of columns) {
    const cell = document.createElement("td");
    if (one.title) cell.dataset.label = one.title;
    if (one.number) cell.className = "number";
    cell.append(one.cell(row));
    found.append(cell);
  }
  return found;
}

function fill(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value, false, value === chosen)));
}

const turned = () => (state.order === "up" ? "down" : "up");

function change(what) {
  Object.assign(state, what);
  draw();
  const fields = Object.entries(state).filter(([key, value]) => value && value !== usual[key]);
  history.replaceState(null, "", `#${fields.map(([key, value]) => `${key}=${encodeURIComponent(value === true ? "1" : value)}`).join("&")}`);
}

/** Restores what the URL names; anything it does not name is as usual. */
function follow() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const given = Object.fromEntries([...wanted].filter(([key]) => key in usual || key in FLAGS || key === "front"));
  state = { ...usual, ...given };
  for (const name of [...Object.keys(FLAGS), "front"]) state[name] = state[name] === "1";
  if (!places.includes(state.place)) state.place = usual.place;
  if (!["networks", "cells"].includes(state.vote)) state.vote = usual.vote;
  draw();
}

/** The table that is shown, as texts. */
function table() {
  const own = columns.filter((one) => one.title);
  const cells = shown.map((row) => own.map((one) => { const value = one.value(row); return value === null ? "" : value; }));
  return { head: own.map((one) => one.key), titles: own.map((one) => one.title), cells };
}

function csv() {
  const { head: names, cells } = table();
  return csvText([["place", ...names], ...cells.map((line) => [state.place, ...line])]);
}

function latex() {
  const { titles, cells } = table();
  const safe = (value) => (typeof value === "number" ? (Number.isInteger(value) ? String(value) : value.toFixed(3))
    : String(value).replace(/[\\{}&%$#_^~]/g, (one) => ({ "\\": "\\textbackslash{}", "^": "\\^{}", "~": "\\~{}" })[one] || `\\${one}`));
  const lines = cells.map((line) => `${line.map(safe).join(" & ")} \\\\`);
  return ["% needs booktabs", `% ${state.place}, one vote for each of the ${state.vote}`,
    `\\begin{tabular}{${titles.map((_, place) => (place ? "r" : "l")).join("")}}`, "\\toprule",
    `${titles.map(safe).join(" & ")} \\\\`, "\\midrule", ...lines, "\\bottomrule", "\\end{tabular}", ""].join("\n");
}

at("controls").addEventListener("submit", (event) => event.preventDefault());
for (const name of ["place", "vote", "sort"]) at(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
for (const name of ["words", "seconds"]) at(name).addEventListener("input", (event) => change({ [name]: event.target.value }));
for (const name of [...Object.keys(FLAGS), "front"]) at(name).addEventListener("change", (event) => change({ [name]: event.target.checked }));
at("turn").addEventListener("click", () => change({ order: turned() }));
at("csv").addEventListener("click", () => save("leaderboard.csv", "text/csv", csv()));
at("json").addEventListener("click", () => save("leaderboard.json", "application/json", `${JSON.stringify(shown, null, 1)}\n`));
at("latex").addEventListener("click", () => save("leaderboard.tex", "text/x-tex", latex()));
window.addEventListener("hashchange", follow);
follow();
