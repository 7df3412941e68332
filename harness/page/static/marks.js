"use strict";

/* Architectures that the reader marks, each with a note, and the CSV of arch, index and note that the harness reads. */

const MOST_SHOWN = 200;

/** The list of marks of each benchmark; `go(arch)` shows an architecture. */
class Marks {
  constructor(go) {
    this.go = go;
    this.byBench = new Map();
    at("save-marks").addEventListener("click", () => save("marked.csv", "text/csv", this.csv()));
  }

  show(place) {
    this.place = place;
    if (!this.byBench.has(place.bench)) this.byBench.set(place.bench, new Map());
    this.own = this.byBench.get(place.bench);
    this.draw();
  }

  /** Marks rows of the place; a mark that is there keeps its note unless another is given. */
  add(rows, note = "") {
    for (const row of rows) {
      const arch = this.place.archs[row];
      this.own.set(arch, { index: this.place.indices[row], note: note || this.own.get(arch)?.note || "" });
    }
    this.draw();
  }

  draw() {
    const [n, lines] = [this.own.size, [...this.own].slice(0, MOST_SHOWN).map(([arch, mark]) => this.line(arch, mark))];
    at("marks").tBodies[0].replaceChildren(...lines);
    at("marks").hidden = !n;
    at("n-marks").textContent = `${count(n)} marked on ${this.place.bench}${n > MOST_SHOWN ? `; the first ${MOST_SHOWN} are shown` : ""}`;
    at("save-marks").disabled = !n;
  }

  line(arch, mark) {
    const row = document.createElement("tr");
    const [name, note, remove] = [document.createElement("button"), document.createElement("input"), document.createElement("button")];
    name.type = remove.type = "button";
    name.textContent = arch;
    name.addEventListener("click", () => this.go(arch));
    Object.assign(note, { value: mark.note, autocomplete: "off" });
    note.setAttribute("aria-label", `Note on ${arch}`);
    note.addEventListener("input", () => { mark.note = note.value; });
    remove.textContent = "remove";
    remove.setAttribute("aria-label", `Remove the mark of ${arch}`);
    remove.addEventListener("click", () => { this.own.delete(arch); this.draw(); at("n-marks").focus(); });
    for (const [label, inside] of [["architecture", name], ["note", note], ["", remove]]) {
      const cell = document.createElement("td");
      if (label) cell.dataset.label = label;
      cell.append(inside);
      row.append(cell);
    }
    return row;
  }

  csv() {
    const index = (value) => (Number.isInteger(value) && value >= 0 ? value : "");
    return csvText([["arch", "index", "note"], ...[...this.own].map(([arch, mark]) => [arch, index(mark.index), mark.note])]);
  }
}
