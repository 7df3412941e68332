"use strict";

/* An architecture's graph as a picture: vertices in a row, edges as arcs above and below, live ones in colour. */

const EDGE_COLOURS = [
  ["conv 3x3", "#0072b2"], ["conv 1x1", "#009e73"], ["avg pool", "#d55e00"], ["max pool", "#d55e00"], ["skip", "#222222"],
];
const DEAD = "#767676";
const [STEP, ARC, LINE] = [130, 46, 15];

/** The SVG element of a graph, given as [caption, vertices, edge, ...] into the tables of the page's data. */
function drawCell(graph, tables) {
  const labels = tables.vertices[graph[1]];
  const edges = graph.slice(2).map((index) => tables.edges[index]);
  const columns = Math.min(labels.length, 7);
  const rows = Math.ceil(labels.length / columns);
  const span = Math.max(1, ...edges.map(([source, target]) => target - source));
  const rise = rows > 1 ? ARC * 1.6 : ARC * Math.min(span, 4) + 14;
  const width = STEP * columns;
  const height = rows * (2 * rise) + 10;
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.append(element("title", {}, `${tables.captions[graph[0]]} ${described(labels, edges)}`));
  const place = (index) => [
    STEP * ((index % columns) + 0.5), 5 + rise + Math.floor(index / columns) * 2 * rise,
  ];
  edges.forEach((edge, index) => drawEdge(svg, edge, place, index));
  labels.forEach((label, index) => drawVertex(svg, label, place(index)));
  return svg;
}

/** The graph in words, for those who do not see it. */
function described(labels, edges) {
  return edges.map(([source, target, label, live]) =>
    `${labels[source]} to ${labels[target]}${label ? `: ${label}` : ""}${live ? "" : " (dead)"}`).join("; ");
}

function drawEdge(svg, [source, target, label, live], place, index) {
  if (label === "none") return;
  const [[x1, y1], [x2, y2]] = [place(source), place(target)];
  const reach = target - source;
  const side = reach % 2 ? -1 : 1;
  const bend = y1 !== y2 || reach === 1 ? 0 : side * ARC * Math.min(reach, 4) * 1.35;
  const [middle, top] = [(x1 + x2) / 2, (y1 + y2) / 2 + bend];
  const colour = live ? (EDGE_COLOURS.find(([begin]) => label.startsWith(begin)) || [null, "#222222"])[1] : DEAD;
  svg.append(element("path", {
    d: `M ${x1} ${y1} Q ${middle} ${top} ${x2} ${y2}`, fill: "none", stroke: colour, "stroke-width": 2.5,
    "stroke-dasharray": live ? "none" : "5 4",
  }));
  const at = [middle, (y1 + y2) / 2 + bend / 2 + (bend > 0 ? LINE : -6)];
  if (label) drawText(svg, live ? label : `${label} (dead)`, at, colour, index);
}

function drawVertex(svg, label, [x, y]) {
  const words = label.split("\n");
  const width = Math.max(...words.map((word) => word.length)) * 6.6 + 12;
  const height = words.length * LINE + 6;
  svg.append(element("rect", {
    x: x - width / 2, y: y - height / 2, width, height, rx: 6, fill: "#ffffff", stroke: "#595959",
  }));
  words.forEach((word, line) => drawText(svg, word, [x, y + 4 + (line - (words.length - 1) / 2) * LINE], "#1b1b1b"));
}

function drawText(svg, text, [x, y], fill) {
  svg.append(element("text", {
    x, y, fill, "font-size": 11.5, "text-anchor": "middle", stroke: "#ffffff", "stroke-width": 3, "paint-order": "stroke",
  }, text));
}

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  if (text) made.textContent = text;
  return made;
}
