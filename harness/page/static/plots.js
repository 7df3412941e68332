"use strict";

/* The scatter and the parallel ranks of one place; each follows what is brushed in the other. */

const [BLUE, ORANGE] = ["#0072b2", "#d55e00"];
const MOST_AXES = 12;
const PLOT = { displaylogo: false, responsive: true };

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

/** `hovered(index)` is called with the architecture under the pointer or pressed. */
class Plots {
  constructor(scatter, ranks, hovered) {
    this.scatter = scatter;
    this.ranks = ranks;
    this.hovered = hovered;
    this.selected = null;
    this.busy = false;
  }

  /** Shows a place with one of its proxies; `ranksOf` maps truth and each proxy to ranks. */
  async show(place, proxy, values, accuracies, ranksOf) {
    this.rows = values.map((value, index) => index)
      .filter((index) => Number.isFinite(values[index]) && Number.isFinite(accuracies[index]));
    this.selected = null;
    const points = {
      type: "scattergl", mode: "markers", x: this.rows.map((row) => values[row]),
      y: this.rows.map((row) => accuracies[row]), customdata: this.rows,
      text: this.rows.map((row) => place.archs[row]),
      hovertemplate: "%{text}<br>%{x:.6g}, %{y:.3f}<extra></extra>",
      marker: { color: BLUE, size: this.rows.length > 3000 ? 4 : 6, opacity: this.rows.length > 3000 ? 0.35 : 0.6 },
      selected: { marker: { color: ORANGE, opacity: 0.9 } }, unselected: { marker: { opacity: 0.12 } },
    };
    const here = { type: "scattergl", mode: "markers", x: [], y: [], hoverinfo: "skip", showlegend: false,
      marker: { size: 14, color: "rgba(0,0,0,0)", line: { width: 2.5, color: "#1b1b1b" } } };
    const layout = { margin: { l: 60, r: 10, t: 10, b: 50 }, dragmode: "select", hovermode: "closest", showlegend: false,
      xaxis: { title: { text: proxy } }, yaxis: { title: { text: place.truth } } };
    this.accuracies = accuracies;
    this.values = values;
    await Plotly.react(this.scatter, [points, here], layout, PLOT);
    await this.showRanks(ranksOf);
    if (!this.listening) this.listen();
  }

  async showRanks(ranksOf) {
    const names = [...ranksOf.keys()].slice(0, MOST_AXES);
    const complete = this.rows.filter((row) => names.every((name) => !Number.isNaN(ranksOf.get(name)[row])));
    this.lines = complete;
    this.names = names;
    const last = Math.max(1, ...names.map((name) => ranksOf.get(name).reduce((most, rank) => (rank > most ? rank : most), 1)));
    const dimensions = names.map((name) => ({
      label: name, tickformat: ",d", values: complete.map((row) => ranksOf.get(name)[row]), range: [last, 1],
    }));
    const line = { color: complete.map(() => 0), cmin: 0, cmax: 1, colorscale: [[0, BLUE], [1, ORANGE]] };
    const trace = { type: "parcoords", dimensions, line, unselected: { line: { opacity: 0.05 } }, labelangle: -20 };
    await Plotly.react(this.ranks, [trace], { margin: { l: 60, r: 60, t: 70, b: 20 } }, PLOT);
  }

  listen() {
    this.listening = true;
    const row = (event) => (event.points[0].curveNumber === 0 ? event.points[0].customdata : null);
    for (const name of ["plotly_hover", "plotly_click"]) {
      this.scatter.on(name, (event) => row(event) !== null && this.hovered(row(event)));
    }
    this.scatter.on("plotly_selected", (event) => {
      if (event && !this.busy) this.brush(new Set(event.points.filter((p) => p.curveNumber === 0).map((p) => p.customdata)));
    });
    this.scatter.on("plotly_deselect", () => this.brush(null));
    this.ranks.on("plotly_restyle", () => this.constrained());
  }

  /** Rings the architecture in the scatter. */
  ring(index) {
    const drawn = Number.isFinite(this.values[index]) && Number.isFinite(this.accuracies[index]);
    Plotly.restyle(this.scatter, { x: [drawn ? [this.values[index]] : []], y: [drawn ? [this.accuracies[index]] : []] }, [1]);
  }

  /** Colours the lines of the architectures brushed in the scatter; null for none. */
  async brush(rows) {
    this.selected = rows;
    this.busy = true;
    await Plotly.restyle(this.ranks, { "line.color": [this.lines.map((row) => (rows && rows.has(row) ? 1 : 0))] }, [0]);
    this.busy = false;
  }

  /** Selects in the scatter the architectures inside the ranges dragged along the axes. */
  async constrained() {
    if (this.busy) return;
    const ranges = this.ranks.data[0].dimensions
      .filter((dimension) => dimension.constraintrange)
      .map((dimension) => [dimension.values, [dimension.constraintrange].flat(2)]);
    const inside = ([values, bounds], at) => bounds.some((low, i) => i % 2 === 0 &&
      values[at] >= Math.min(low, bounds[i + 1]) && values[at] <= Math.max(low, bounds[i + 1]));
    const kept = new Set(this.lines.filter((row, at) => ranges.every((range) => inside(range, at))));
    this.selected = ranges.length ? kept : null;
    const points = ranges.length ? this.rows.map((row, at) => (kept.has(row) ? at : -1)).filter((at) => at >= 0) : null;
    this.busy = true;
    await Plotly.restyle(this.scatter, { selectedpoints: [points] }, [0]);
    this.busy = false;
  }

  /** Forgets what was brushed in either plot. */
  async clear() {
    this.selected = null;
    await Plotly.restyle(this.scatter, { selectedpoints: [null] }, [0]);
    await Plotly.relayout(this.scatter, { selections: [] });
    this.busy = true;
    for (let axis = 0; axis < this.ranks.data[0].dimensions.length; axis += 1) {
      await Plotly.restyle(this.ranks, { [`dimensions[${axis}].constraintrange`]: [null] }, [0]);
    }
    this.busy = false;
    await this.brush(null);
  }
}
