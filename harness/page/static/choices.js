"use strict";

/* Which values architectures may hold: the effect of each, what is left, and the choice as a restriction file. */

const MOST_BYTES = 2 ** 20; // of a restriction file, as the harness reads it

/** Which rows are inside (bool by row), if the values of `without` ("position.value", by place) are not allowed; null: all. */
function insideOf(place, without) {
  if (!without.length) return null;
  const { held, rows } = place.choices;
  const forbidden = held.map(() => new Set());
  for (const one of without) {
    const [position, value] = one.split(".").map(Number);
    forbidden[position].add(value);
  }
  const fits = held.map(({ sets }, at) => sets.map((values) => !values.some((value) => forbidden[at].has(value))));
  const inside = new Array(place.archs.length).fill(false);
  for (let name = 0; name < held[0].of.length; name += 1) {
    if (held.every(({ of }, at) => fits[at][of[name]])) inside[rows ? rows[name] : name] = true;
  }
  return inside;
}

/** The choices of `text` that a place has: "0.1,2.3". */
function withoutOf(place, text) {
  if (!place.choices || !text) return [];
  const { positions } = place.choices;
  return [...new Set(text.split(","))].filter((one) => /^\d+\.\d+$/.test(one))
    .filter((one) => { const [at, value] = one.split(".").map(Number); return positions[at] && value < positions[at].values.length; });
}

/** The section: `changed(without)` is called with the values that are not allowed. */
class Choices {
  constructor(changed, selected) {
    Object.assign(this, { changed, selected });
    at("everything").addEventListener("click", () => changed([]));
    at("which").addEventListener("change", () => this.tell());
    at("save-restriction").addEventListener("click", () => save("space.yaml", "application/yaml", this.text));
  }

  /** Shows a place with one of its proxies. */
  show(place, proxy, without, inside) {
    Object.assign(this, { place, proxy, without, inside });
    for (const one of document.querySelectorAll(".by-position")) one.hidden = !place.choices;
    if (place.choices) {
      this.drawEffects();
      this.drawAll();
    }
    this.tell();
  }

  drawEffects() {
    const { positions, effects } = this.place.choices;
    const [truth, own] = [rowsOf(effects.truth), rowsOf(Object.hasOwn(effects.scores, this.proxy) ? effects.scores[this.proxy] : [])];
    const short = this.proxy.length > 24 ? `${this.proxy.slice(0, 23)}\u2026` : this.proxy;
    const heads = ["allowed", "n", ...[this.place.truth, short].flatMap((name) => [`mean ${name}`, "mean rank", "best with it"])];
    const table = at("effects");
    const focused = document.activeElement?.closest?.("#effects") ? document.activeElement.dataset.choice : null;
    table.tHead.replaceChildren(line("th", heads));
    for (const body of [...table.tBodies]) body.remove();
    positions.forEach((position, place) => {
      const body = document.createElement("tbody");
      const title = document.createElement("tr");
      const cell = document.createElement("th");
      Object.assign(cell, { colSpan: heads.length, scope: "rowgroup", textContent: position.name });
      title.append(cell);
      body.append(title, ...position.values.map((value, at) => [value, `${place}.${at}`])
        .filter(([, key]) => truth.has(key) || own.has(key))
        .map(([value, key]) => this.effectsRow(position, value, key, [truth.get(key), own.get(key)], heads)));
      table.append(body);
    });
    if (focused) table.querySelector(`[data-choice="${focused}"]`)?.focus();
  }

  effectsRow(position, value, key, found, heads) {
    const row = document.createElement("tr");
    const first = document.createElement("td");
    const label = document.createElement("label");
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", checked: !this.without.includes(key), autocomplete: "off" });
    box.dataset.choice = key;
    box.setAttribute("aria-label", `${position.name}: ${value} is allowed`);
    box.addEventListener("change", () => this.changed(
      box.checked ? this.without.filter((one) => one !== key) : [...this.without, key]));
    label.append(box, ` ${value}`);
    first.append(label);
    if (!box.checked) row.className = "forbidden";
    const cells = [count((found[0] || found[1])[2])];
    for (const effect of found) {
      if (!effect) { cells.push("", "", ""); continue; }
      const [, , , mean, low, high, rank, best, bestRank] = effect;
      const interval = low === null || high === null ? "" : ` [${brief(low)}, ${brief(high)}]`;
      cells.push(`${brief(mean)}${interval}`, rank, `${brief(best)} (rank ${count(bestRank)})`);
    }
    row.append(first, ...cells.map((text, place) => {
      const cell = document.createElement("td");
      cell.dataset.label = heads[place + 1];
      cell.className = "number";
      if (typeof text === "number") shade(cell, text); else cell.textContent = text;
      return cell;
    }));
    return row;
  }

  /** Mean ranks of all columns at once. */
  drawAll() {
    const { positions, effects } = this.place.choices;
    const all = [[this.place.truth, effects.truth], ...Object.entries(effects.scores)].map(([name, rows]) => [name, rowsOf(rows)]);
    const keys = positions.flatMap(({ values }, place) => values.map((_, value) => `${place}.${value}`)).filter((key) => all.some(([, rows]) => rows.has(key)));
    const [head, ...body] = [line("th", ["value", ...all.map(([name]) => name)])];
    for (const key of keys) {
      const [place, value] = key.split(".").map(Number);
      const row = line("td", [`${positions[place].name}: ${positions[place].values[value]}`, ...all.map(() => "")]);
      all.forEach(([name, rows], column) => {
        row.cells[column + 1].dataset.label = name;
        if (rows.has(key)) shade(row.cells[column + 1], rows.get(key)[6]);
      });
      body.push(row);
    }
    at("all-effects").tHead.replaceChildren(head);
    at("all-effects").tBodies[0].replaceChildren(...body);
  }

  /** The rows that are exported, null where the file is a rule for the whole space. */
  rows() {
    const which = at("which").value;
    if (which === "rule") return null;
    const selected = this.selected();
    return this.place.archs.map((_, row) => row)
      .filter((row) => (!this.inside || this.inside[row]) && (which === "page" || (selected && selected.has(row))));
  }

  /** Says what is left, and writes the file. */
  tell() {
    const { place, inside, without, proxy } = this;
    const rows = place.archs.map((_, row) => row).filter((row) => !inside || inside[row]);
    at("left").textContent = `${count(rows.length)} of ${count(place.archs.length)} architectures are left${told(place, proxy, rows)}`;
    const chosen = this.rows();
    const positions = place.choices ? place.choices.positions : [];
    const allow = positions.map(({ name, values }, at) => [name, values.filter((_, value) => !without.includes(`${at}.${value}`)), values.length])
      .filter(([, values, all]) => values.length < all);
    const archs = chosen && chosen.map((row) => (Number.isInteger(place.indices[row]) && place.indices[row] >= 0 ? place.indices[row] : place.archs[row]));
    const note = `From the page of ${place.id}${chosen ? `, ${count(chosen.length)} architectures` : ""}`;
    this.text = restrictionText(place.bench, allow, archs, note);
    const why = allow.some(([, values]) => !values.length) || (chosen && !chosen.length) ? (at("which").value === "selected" ? "Nothing is selected in the plots." : "Nothing is left.")
      : !chosen && !allow.length ? "Everything is allowed: untick a value, or choose other architectures."
        : new Blob([this.text]).size > MOST_BYTES ? "These are too many names for one restriction file (1 MiB): select fewer." : "";
    at("save-restriction").disabled = Boolean(why);
    at("why").textContent = why || (chosen ? `${count(chosen.length)} architectures are listed in the file.` : "");
    at("restriction").textContent = why ? "" : this.text.length > 1500 ? `${this.text.slice(0, 1500)} \u2026` : this.text;
  }
}

/** Effects by "position.value". */
function rowsOf(rows) {
  return new Map(rows.map((row) => [`${row[0]}.${row[1]}`, row]));
}

/** Truth of what is left: best, median, and that of the best by the proxy. */
function told(place, proxy, rows) {
  const truths = numbers(place.accuracies);
  const known = rows.filter((row) => Number.isFinite(truths[row]));
  if (!known.length) return ".";
  const sorted = known.map((row) => truths[row]).sort((one, other) => one - other);
  const middle = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  const scores = numbers(place.scores[proxy]);
  const scored = known.filter((row) => !Number.isNaN(scores[row]));
  const first = scored.length ? scored.reduce((best, row) => (scores[row] > scores[best] ? row : best)) : null;
  return `: ${place.truth} at best ${brief(sorted.at(-1))}, median ${brief(middle)}${first === null ? "" : `; the first by ${proxy} has ${brief(truths[first])}`}.`;
}

/** A share from 0 (orange) to 1 (blue), light enough for dark text. */
function shade(cell, share) {
  cell.textContent = share.toFixed(2);
  const strength = Math.abs(share - 0.5) * 1.1;
  cell.style.background = share < 0.5 ? `rgba(213, 94, 0, ${strength})` : `rgba(0, 114, 178, ${strength})`;
}

function brief(value) {
  return value === null ? "" : Number.isInteger(value) ? count(value) : Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(5)));
}

function count(value) {
  return value.toLocaleString("en");
}
