"use strict";

/* The leaderboard: a table that can be sorted by column and filtered by words. */

const COLUMNS = [
  ["proxy", "proxy"], ["tau", "tau"], ["beats", "beats #Params"], ["delta", "minus #Params"], ["rho", "rho"],
  ["run", "run"], ["bench", "benchmark"], ["dataset", "data set"], ["n", "n"], ["n_nan", "missing"], ["n_inf", "infinite"], ["seconds", "CPU s"],
  ["protocol", "protocol"], ["inputs", "inputs"], ["truth", "truth"], ["version", "version"], ["seed", "seed"],
];
const ALWAYS = new Set(["proxy", "tau", "rho"]);
const NUMBERS = new Set(["tau", "rho", "delta", "n", "n_nan", "n_inf", "seconds"]);

/** Fills the table with `rows`; `choose(row)` is called when a proxy is clicked. */
class Leaderboard {
  constructor(table, rows, choose) {
    this.table = table;
    this.rows = rows;
    this.choose = choose;
    // What is the same in all rows stands in the caption; what no row has is left out.
    const several = (name) => new Set(rows.map((row) => row[name] ?? "")).size > 1;
    this.columns = COLUMNS.filter(([name]) => ALWAYS.has(name) || several(name));
    const constant = COLUMNS.filter(([name]) => !ALWAYS.has(name) && !several(name) && written(rows[0]?.[name], name) !== "" && name !== "run");
    table.caption.textContent = constant.length ? `In all rows: ${constant.map(([name, text]) => `${text} ${written(rows[0][name], name)}`).join("; ")}.` : "";
    this.sorted = { name: "tau", ascending: false };
    this.words = [];
    this.shown = null;
    this.head();
    this.fill();
  }

  /** Shows only rows that contain every word; returns how many. */
  filter(text) {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return this.fill();
  }

  /** Marks the row whose scores the plots show. */
  mark(row) {
    this.lines.get(this.shown)?.classList.remove("shown");
    this.shown = row;
    this.lines.get(row)?.classList.add("shown");
  }

  head() {
    const row = document.createElement("tr");
    for (const [name, text] of this.columns) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.dataset.column = name;
      if (NUMBERS.has(name)) cell.className = "number";
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => this.sort(name));
      cell.append(button);
      row.append(cell);
    }
    this.table.tHead.replaceChildren(row);
  }

  sort(name) {
    const ascending = this.sorted.name === name ? !this.sorted.ascending : !NUMBERS.has(name);
    this.sorted = { name, ascending };
    this.fill();
    this.told?.(name);
  }

  fill() {
    const { name, ascending } = this.sorted;
    for (const cell of this.table.tHead.rows[0].cells) {
      const own = cell.dataset.column === name;
      cell.setAttribute("aria-sort", own ? (ascending ? "ascending" : "descending") : "none");
    }
    const kept = this.rows.filter((row) => {
      const text = [row.run, row.bench, row.dataset, row.proxy, row.protocol, row.truth, row.inputs].join(" ").toLowerCase();
      return this.words.every((word) => text.includes(word));
    });
    kept.sort((one, other) => compared(one[name], other[name], ascending));
    this.lines = new Map(kept.map((row) => [row, this.line(row)]));
    this.table.tBodies[0].replaceChildren(...this.lines.values());
    return kept.length;
  }

  line(row) {
    const line = document.createElement("tr");
    if (row === this.shown) line.className = "shown";
    for (const [name, text] of this.columns) {
      const cell = document.createElement("td");
      cell.dataset.label = text;
      if (NUMBERS.has(name)) cell.className = "number";
      if (name === "proxy") {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = row.proxy;
        button.addEventListener("click", () => this.choose(row));
        cell.append(button);
      } else {
        cell.textContent = written(row[name], name);
        const [low, high] = [row[`${name}_low`], row[`${name}_high`]];
        if (typeof low === "number" && typeof high === "number") {
          const interval = document.createElement("span");
          interval.className = "interval";
          interval.textContent = ` [${written(low)}, ${written(high)}]`;
          cell.append(interval);
        }
      }
      line.append(cell);
    }
    return line;
  }
}

/** Missing values come last in either order. */
function compared(one, other, ascending) {
  const missing = (value) => value === null || value === undefined || value === "";
  if (missing(one) || missing(other)) return missing(one) - missing(other);
  const order = typeof one === "number" ? one - other : String(one).localeCompare(String(other));
  return ascending ? order : -order;
}

function written(value, name) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return name === "seconds" ? value.toPrecision(2) : value.toFixed(3);
}
