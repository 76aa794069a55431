/* Draws the charts of a page with uPlot from the one table that stands below them: what is drawn is what can be read.
 *
 * <figure data-chart="latency" data-keys="ttft_p50_seconds ttft_p95_seconds" data-unit="seconds"><div data-plot></div></figure>
 * <table data-points data-step="3600">
 *   head: <th data-key="ttft_p50_seconds">p50</th>   row: <th data-t="1763726400">, <td>0.841</td>; a dash is a gap
 *
 * Colours are CSS variables named --chart-KEY, read again at each drawing, so that a change of theme needs a redraw only.
 */

const HEIGHT = 200;
const SYNC = "model";
const SHADE = 0.16; // how much of an incident's colour lies behind the lines

export function drawCharts() {
  const table = document.querySelector("[data-points]");
  if (table === null) return;
  const points = readTable(table);
  const plots = [...document.querySelectorAll("[data-chart]")].map((figure) => draw(figure, points));
  const redraw = () => plots.forEach(recolour);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.addEventListener("firsttoken:inserted", redraw); // the timeline may have a new event to mark
}

/* uPlot asks for the colours of its legend only once. */
function recolour(plot) {
  plot.redraw(false, true);
  plot.root.querySelectorAll(".u-legend .u-series").forEach((row, at) => {
    const marker = row.querySelector(".u-marker");
    if (marker !== null && at > 0) marker.style.background = colour(plot.series[at].colourKey);
  });
}

function draw(figure, points) {
  const place = figure.querySelector("[data-plot]");
  const unit = figure.dataset.unit;
  const isStacked = unit === "probes";
  const read = figure.dataset.keys.split(" ").map((key) => points.columns.get(key));
  const columns = isStacked ? stacked(read) : read.reverse(); // the last one is drawn on top
  const usual = (figure.dataset.band ?? "").split(" ").filter(Boolean).map((key) => points.columns.get(key));
  const plot = new window.uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { sync: { key: SYNC }, drag: { x: false, y: false }, y: false, points: { show: !isStacked } },
      legend: { markers: { width: 0, fill: (u, at) => (at > 0 ? colour(u.series[at].colourKey) : "") } },
      scales: {
        x: { time: true, range: () => [points.times[0], points.times.at(-1) + points.step] },
        y: { range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1] },
      },
      axes: [axis({ space: 64, size: 28, values: (u, splits, at, space, step) => splits.map((split) => moment(split, step)) }), axis({ size: 52, values: (u, ticks) => ticks.map((tick) => text(tick, unit)) })],
      series: [timeSeries(), ...columns.map((column) => (isStacked ? bars(column) : line(column, columns, unit))), ...usual.map((column) => limit(column, unit))],
      hooks: { drawAxes: [shadeIncidents], draw: [markEvents] },
      bands: bandsOf(columns, usual, isStacked),
    },
    [points.times, ...[...columns, ...usual].map((column) => column.drawn ?? column.values)],
    place,
  );
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  return plot;
}

/* A thin line at each event of the timeline, <span data-event="1763726400">; what happened is told there in words. */
function markEvents(plot) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = variable("--chart-event");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const mark of document.querySelectorAll("[data-event]")) {
    const at = Math.round(plot.valToPos(Number(mark.dataset.event), "x", true)) + 0.5;
    if (at < bbox.left || at > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/* Behind the lines: each incident, <i data-shade="1763726400 1763730000" data-severity="down">; no end: up to now. */
function shadeIncidents(plot) {
  const { ctx, bbox } = plot;
  const right = bbox.left + bbox.width;
  ctx.save();
  ctx.globalAlpha = SHADE;
  for (const shade of document.querySelectorAll("[data-shade]")) {
    const [begin, end] = shade.dataset.shade.split(" ").map((text) => (text === "" ? Date.now() / 1000 : Number(text)));
    const from = Math.max(bbox.left, plot.valToPos(begin, "x", true));
    const to = Math.min(right, plot.valToPos(end, "x", true));
    if (to < bbox.left || from > right) continue;
    ctx.fillStyle = variable(`--state-${shade.dataset.severity}`);
    ctx.fillRect(from, bbox.top, Math.max(to - from, 2 * devicePixelRatio), bbox.height);
  }
  ctx.restore();
}

function readTable(table) {
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.querySelectorAll("[data-key]")];
  const columns = heads.map((head, position) => {
    const read = rows.map((row) => Number(row.cells[position + 1].textContent));
    const values = read.map((value) => (Number.isNaN(value) ? null : value));
    return [head.dataset.key, { key: head.dataset.key, label: head.textContent.trim(), values }];
  });
  const times = rows.map((row) => Number(row.cells[0].dataset.t));
  return { times, columns: new Map(columns), step: Number(table.dataset.step) };
}

/* The sum of all is drawn first and the first column last, so that each covers the foot of the one before. */
function stacked(columns) {
  const sums = columns[0].values.map(() => 0);
  const summed = columns.map((column) => ({
    ...column,
    drawn: column.values.map((value, at) => (value === null ? null : (sums[at] += value))),
  }));
  return summed.reverse();
}

function timeSeries() {
  const shown = new Intl.DateTimeFormat(document.documentElement.lang, {
    month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC",
  });
  return { label: "UTC", value: (u, seconds) => (seconds === null ? "–" : shown.format(seconds * 1000)) };
}

function line(column, columns, unit) {
  const isMain = column === columns.at(-1);
  return {
    label: column.label,
    colourKey: column.key,
    stroke: () => colour(column.key),
    width: isMain ? 2 : 1.25,
    value: (u, value) => (value === null || value === undefined ? "–" : text(value, unit)),
    points: { show: false, filter: (u, series, show, gaps) => lonely(u.data[series]), size: 5, fill: () => colour(column.key) },
  };
}

/* A limit of what is usual: a faint line, a figure in the legend, and the edge of an area. */
function limit(column, unit) {
  return {
    label: column.label,
    colourKey: "usual",
    stroke: () => colour("usual"),
    width: 1,
    dash: [2, 4],
    value: (u, value) => (value === null || value === undefined ? "–" : text(value, unit)),
    points: { show: false },
  };
}

function bandsOf(columns, usual, isStacked) {
  const pair = (upper, lower, key) => ({ series: [upper, lower], fill: () => `${colour(key)}1f` });
  const found = isStacked || columns.length < 2 ? [] : [pair(1, 2, columns[1].key)];
  return usual.length === 2 ? [...found, pair(columns.length + 2, columns.length + 1, "usual")] : found;
}

function bars(column) {
  return {
    label: column.label,
    colourKey: column.key,
    fill: () => colour(column.key),
    stroke: () => colour(column.key),
    width: 0,
    paths: window.uPlot.paths.bars({ size: [0.86, 24], align: 1 }),
    points: { show: false },
    value: (u, drawn, series, at) => (at === null || at === undefined ? "–" : String(column.values[at] ?? "–")),
  };
}

/* A value between two gaps has no line; it is drawn as a point. */
function lonely(values) {
  const found = [];
  for (let at = 0; at < values.length; at++) {
    if (values[at] !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null) found.push(at);
  }
  return found.length > 0 ? found : null;
}

function axis(more) {
  return {
    stroke: () => variable("--text-faint"),
    font: `11px ${variable("--font")}`,
    grid: { stroke: () => variable("--line"), width: 1 },
    ticks: { stroke: () => variable("--line"), width: 1, size: 4 },
    ...more,
  };
}

/* 0.0412 -> "41 ms", 0.84 -> "0.84 s", 12.5 -> "12.5 s" */
function text(value, unit) {
  if (unit !== "seconds") return value >= 10 ? String(Math.round(value)) : String(Number(value.toFixed(1)));
  if (value === 0) return "0";
  if (value < 0.0995) return `${Number((value * 1000).toPrecision(2))}\u00a0ms`;
  return value < 9.995 ? `${value.toFixed(2)}\u00a0s` : `${value.toFixed(1)}\u00a0s`;
}

function colour(key) {
  return variable(`--chart-${key}`);
}

function variable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* 86400-second steps -> "21 Nov", shorter ones -> "14:00", and the day at midnight; in the language of the page, in UTC. */
function moment(seconds, step) {
  const isDay = step >= 86400 || seconds % 86400 === 0;
  const parts = isDay ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(document.documentElement.lang, { ...parts, timeZone: "UTC" }).format(seconds * 1000);
}
