"use strict";

/* The scatter and the parallel ranks of one place; each follows what is brushed in the other. */

const [BLUE, ORANGE] = ["#0072b2", "#d55e00"];
const MOST_AXES = 12;
// Every change redraws all lines; above this number, a sample. Without a GPU a line costs about a millisecond.
const [MOST_LINES, MOST_LINES_BY_SOFTWARE] = [3000, 600];
// As in scatter.png: truth further below its middle 80 % than this many times their range is outside the axis.
const FAR_BELOW = 1.5;
const BY_SOFTWARE = drawsBySoftware();
const PLOT = { displaylogo: false, responsive: true, ...(BY_SOFTWARE ? { plotGlPixelRatio: 1 } : {}) };

/** Whether this browser computes what a GPU would draw. */
function drawsBySoftware() {
  const gl = document.createElement("canvas").getContext("webgl");
  const told = gl && gl.getExtension("WEBGL_debug_renderer_info");
  const name = told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

/** Ranks, 1 for the highest; equal values share the mean of their ranks, missing ones have NaN. */
function ranked(values) {
  const order = values.map((value, index) => index).filter((index) => !Number.isNaN(values[index]));
  order.sort((one, other) => values[other] - values[one] || 0);
  const ranks = new Array(values.length).fill(NaN);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end + 1 < order.length && values[order[end + 1]] === values[order[start]]) end += 1;
    for (let at = start; at <= end; at += 1) ranks[order[at]] = (start + end) / 2 + 1;
    start = end + 1;
  }
  return ranks;
}

/** Numbers of a column of the page's data: null is NaN, "inf" and "-inf" are infinite. */
function numbers(column) {
  return column.map((value) => (value === null ? NaN : value === "inf" ? Infinity : value === "-inf" ? -Infinity : value));
}

/** A 32-bit hash (FNV-1a): its order defines a random sample that is the same for every proxy and visit. */
function hashed(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // Without this, the last characters affect only the low bits.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** The lowest value that is not far below the others; -Infinity if there is none. */
function floorOf(values) {
  const sorted = Float64Array.from(values).sort();
  const [low, high] = [0.1, 0.9].map((share) => sorted[Math.round(share * (sorted.length - 1))]);
  return sorted.find((value) => value >= low - FAR_BELOW * (high - low)) ?? -Infinity;
}

/** A text for Plotly, which takes tags in titles and labels for markup. */
function literal(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function nextFrame() {
  return new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); });
}

/** `hovered(index)` is called with the architecture under the pointer or pressed, `lined()` when the drawn lines change. */
class Plots {
  constructor(scatter, ranks, hovered, lined) {
    Object.assign(this, { scatter, ranks, hovered, lined });
    this.mostLines = BY_SOFTWARE ? MOST_LINES_BY_SOFTWARE : MOST_LINES;
    this.selected = null;
    this.inside = null; // bool by row: which are shown; null: all
    this.whole = false;
    this.busy = false;
    this.ranges = "[]";
    this.mark = document.createElement("div");
    this.mark.className = "ring";
  }

  /** Shows a place with one of its proxies; `ranksOf` maps truth and each proxy to ranks. */
  async show(place, proxy, values, accuracies, ranksOf) {
    this.rows = values.map((value, index) => index)
      .filter((index) => Number.isFinite(values[index]) && Number.isFinite(accuracies[index]) && (!this.inside || this.inside[index]));
    Object.assign(this, { values, accuracies, selected: null, ringed: -1 });
    if (this.place !== place) this.hashes = place.archs.map(hashed);
    this.place = place;
    const y = this.rows.map((row) => accuracies[row]);
    this.floor = floorOf(y);
    this.nBelow = y.filter((value) => value < this.floor).length;
    this.top = y.reduce((most, value) => Math.max(most, value), this.floor);
    const points = {
      type: "scattergl", mode: "markers", x: this.rows.map((row) => values[row]), y, customdata: this.rows,
      text: this.rows.map((row) => place.archs[row]),
      hovertemplate: "%{text}<br>%{x:.6g}, %{y:.3f}<extra></extra>",
      marker: { color: BLUE, size: this.rows.length > 3000 ? 4 : 6, opacity: this.rows.length > 3000 ? 0.35 : 0.6 },
      selected: { marker: { color: ORANGE, opacity: 0.9 } }, unselected: { marker: { opacity: 0.12 } },
    };
    const layout = { margin: { l: 60, r: 10, t: 10, b: 50 }, dragmode: "select", hovermode: "closest", showlegend: false, selections: [],
      xaxis: { title: { text: literal(proxy) } }, yaxis: { title: { text: literal(place.truth) }, ...this.heights() } };
    const turn = this.turn = (this.turn || 0) + 1;
    await Plotly.react(this.scatter, [points], layout, PLOT);
    this.prepareRanks(ranksOf);
    // Points appear before the lines are drawn; if another proxy is selected meanwhile, these lines are skipped.
    await nextFrame();
    if (turn !== this.turn) return;
    await this.drawLines();
    if (!this.listening) this.listen();
  }

  /** The vertical axis: without what is far below the others, unless the whole is wanted. */
  heights() {
    const margin = 0.05 * (this.top - this.floor) || 1;
    return this.whole || !this.nBelow ? { autorange: true } : { range: [this.floor - margin, this.top + margin] };
  }

  /** Shows the whole range of truth, or the default one again. */
  async showWhole(whole) {
    this.whole = whole;
    const { autorange, range } = this.heights();
    await Plotly.relayout(this.scatter, autorange ? { "yaxis.autorange": true } : { "yaxis.range": range });
  }

  prepareRanks(ranksOf) {
    this.names = [...ranksOf.keys()].slice(0, MOST_AXES);
    this.ranksOf = ranksOf;
    this.complete = this.rows.filter((row) => this.names.every((name) => !Number.isNaN(ranksOf.get(name)[row])));
    this.complete.sort((one, other) => this.hashes[one] - this.hashes[other] || one - other);
    const last = Math.max(1, ...this.names.map((name) => ranksOf.get(name).reduce((most, rank) => (rank > most ? rank : most), 1)));
    this.named = new Map(this.names.map((name) => [literal(name), name]));
    this.dimensions = this.names.map((name) => ({ label: literal(name), tickformat: ",d", range: [last, 1] }));
    this.ranges = "[]";
  }

  /** Draws at most `mostLines` lines: first those of what is selected, then others, each in the order of their hashes. */
  async drawLines() {
    const chosen = this.selected ? this.complete.filter((row) => this.selected.has(row)) : [];
    const others = this.selected ? this.complete.filter((row) => !this.selected.has(row)) : this.complete;
    this.lines = [...chosen, ...others].slice(0, this.mostLines);
    this.nChosen = chosen.length;
    const dimensions = this.dimensions.map((one) => ({ ...one, values: this.lines.map((row) => this.ranksOf.get(this.named.get(one.label))[row]) }));
    // Ranges along axes fade the lines outside, so only what is brushed in the scatter has a colour of its own.
    const coloured = this.ranges === "[]" ? chosen.length : 0;
    const line = { color: this.lines.map((row, at) => (at < coloured ? 1 : 0)), cmin: 0, cmax: 1, colorscale: [[0, BLUE], [1, ORANGE]] };
    const trace = { type: "parcoords", dimensions, line, unselected: { line: { opacity: 0.05 } }, labelangle: -20 };
    await Plotly.react(this.ranks, [trace], { margin: { l: 60, r: 60, t: 70, b: 20 } }, PLOT);
    this.lined();
  }

  listen() {
    this.listening = true;
    for (const name of ["plotly_hover", "plotly_click"]) {
      this.scatter.on(name, (event) => this.hovered(event.points[0].customdata));
    }
    this.scatter.on("plotly_selected", (event) => {
      if (event && !this.busy) this.brush(new Set(event.points.map((point) => point.customdata)));
    });
    this.scatter.on("plotly_deselect", () => this.brush(null));
    for (const name of ["plotly_afterplot", "plotly_relayouting"]) this.scatter.on(name, () => this.ring(this.ringed));
    this.ranks.on("plotly_restyle", () => this.constrained());
  }

  /** Rings the architecture in the scatter: an element above the plot, whose points need not be drawn again. */
  ring(index) {
    this.ringed = index;
    const { xaxis, yaxis } = this.scatter._fullLayout;
    const [x, y] = [xaxis.d2p(this.values[index]), yaxis.d2p(this.accuracies[index])];
    this.mark.hidden = !(x >= 0 && x <= xaxis._length && y >= 0 && y <= yaxis._length);
    this.mark.style.transform = `translate(${xaxis._offset + x}px, ${yaxis._offset + y}px)`;
    if (!this.mark.parentNode) this.scatter.append(this.mark);
  }

  /** Colours the lines of the architectures brushed in the scatter; null for none. */
  async brush(rows) {
    if (rows === this.selected) return;
    this.selected = rows;
    this.dimensions = this.dimensions.map(({ constraintrange, ...rest }) => rest);
    this.ranges = "[]";
    await this.drawLines();
  }

  /** Selects in the scatter the architectures inside the ranges dragged along the axes, drawn as lines or not. */
  async constrained() {
    // Axes may have been reordered, too.
    this.dimensions = this.ranks.data[0].dimensions.map(({ values, ...rest }) => rest);
    const constrained = this.dimensions.filter((dimension) => dimension.constraintrange);
    const ranges = constrained.map(({ label, constraintrange }) => [this.named.get(label), constraintrange.flat(2)]);
    if (JSON.stringify(ranges) === this.ranges) return;
    this.ranges = JSON.stringify(ranges);
    const inside = ([name, bounds], row) => bounds.some((low, i) => i % 2 === 0 &&
      this.ranksOf.get(name)[row] >= Math.min(low, bounds[i + 1]) && this.ranksOf.get(name)[row] <= Math.max(low, bounds[i + 1]));
    this.selected = ranges.length ? new Set(this.complete.filter((row) => ranges.every((range) => inside(range, row)))) : null;
    const points = ranges.length ? this.rows.map((row, at) => (this.selected.has(row) ? at : -1)).filter((at) => at >= 0) : null;
    await this.select(points);
    if (this.complete.length > this.mostLines) await this.drawLines();
  }

  /** Shows points as selected, by their places in `rows`; this is no brush, though the plot tells of it as of one. */
  async select(points) {
    this.busy = true;
    await Plotly.update(this.scatter, { selectedpoints: [points] }, { selections: [] }, [0]);
    this.busy = false;
  }

  /** Forgets what was brushed in either plot. */
  async clear() {
    await this.select(null);
    await this.brush(null);
  }
}
