// What the latency page shows, from the API's series. Values in, values out.

import { clock, count, duration, percent, seconds, tone, words } from "./format.js";

const MODES = ["sequential", "parallel", "pipelined", "single", "none"];
const NAMES = { mean_latency_s: "mean", evidence_kept: "evidence kept", max_latency_s: "longest" };

/** Modes that have a job, in their usual order. */
export function modesOf(series) {
  return series.modes.map((mode) => mode.mode).sort((a, b) => MODES.indexOf(a) - MODES.indexOf(b));
}

const LONGEST_BRIDGE = 3;

/** A line's values; over a few empty stretches it goes on (undefined), over more it breaks (null). */
export function bridged(values) {
  const drawn = [...values];
  let before = null;
  values.forEach((value, at) => {
    if (value === null) return;
    if (before !== null && at - before - 1 <= LONGEST_BRIDGE) drawn.fill(undefined, before + 1, at);
    before = at;
  });
  return drawn;
}

function of(series, mode) {
  return series.modes.find((found) => found.mode === mode);
}

/**
 * The plots: {id, title, unit, lines: [{label, mode, dash, bars, values}]}, all on the same stretches.
 * Bars of one plot stand on each other: each one's values hold those of the ones after it.
 */
export function plots(series) {
  const modes = modesOf(series);
  const line = (mode, field, more = {}) => ({ label: mode, mode, values: of(series, mode)[field], ...more });
  const shares = (mode) => of(series, mode).evidence_ok.map((hits, at) => (of(series, mode).jobs[at] ? (100 * hits) / of(series, mode).jobs[at] : null));
  const totals = (field) => series.starts.map((_, at) => series.modes.reduce((sum, mode) => sum + mode[field][at], 0));
  return [
    {
      id: "latency", unit: "s", lines: modes.flatMap((mode) => [
        line(mode, "p50_s", { label: `${mode} p50` }), line(mode, "p95_s", { label: `${mode} p95`, dash: true }),
      ]),
    },
    { id: "jobs", unit: "", lines: stacked(modes.map((mode) => line(mode, "jobs", { bars: true }))) },
    {
      id: "lost", unit: "", lines: stacked([
        { label: "degraded", mode: "degraded", bars: true, values: totals("degraded") },
        { label: "failed", mode: "failed", bars: true, values: totals("failed") },
      ]),
    },
    { id: "evidence", unit: "%", lines: modes.map((mode) => ({ label: mode, mode, values: shares(mode) })) },
    { id: "saved", unit: "s", lines: modes.map((mode) => line(mode, "saved_s")) },
  ];
}

function stacked(lines) {
  const own = lines.map((line) => line.values);
  return lines.map((line, first) => ({ ...line, own: line.values, values: line.values.map((_, at) => own.slice(first).reduce((sum, values) => sum + values[at], 0)) }));
}

/** What one stretch of a plot says, as a text. */
export function readout(plot, at) {
  const said = plot.lines.map((line) => ({ label: line.label, value: (line.own ?? line.values)[at] })).filter(({ value }) => value !== null && value !== undefined);
  const figure = (value) => (plot.unit === "s" ? (value < 0 ? `−${seconds(-value)}` : seconds(value)) : plot.unit === "%" ? `${value.toFixed(value % 1 ? 1 : 0)} %` : count(value));
  return said.map(({ label, value }) => `${label} ${figure(value)}`).join(" · ");
}

/** Rows of the table of modes over the whole range. */
export function totalRows(series) {
  const shown = series.totals.filter((total) => total.jobs || total.cancelled);
  return (shown.length ? shown : series.totals).map((total) => ({
    key: total.mode,
    head: true,
    cells: [
      { text: total.mode, class: `mode ${total.mode}` },
      ...[total.jobs, total.complete, total.degraded, total.failed].map((value) => ({ text: count(value), class: "n" })),
      { text: percent(total.evidence_ok, total.jobs), class: "n" },
      ...[total.mean_s, total.p50_s, total.p95_s, total.max_s].map((value) => ({ text: seconds(value), class: "n" })),
      { text: total.saved_s === null ? "–" : total.saved_s < 0 ? `−${seconds(-total.saved_s)}` : seconds(total.saved_s), class: "n" },
      ...total.criteria.map(verdict),
    ],
  }));
}

/** One criterion as a cell: the verdict, and why. */
export function verdict(criterion) {
  return { text: words(criterion.verdict), class: `verdict ${tone(criterion.verdict)}`, title: `${NAMES[criterion.name]}: ${criterion.reason}` };
}

/** Rows of the table of stretches, the latest first; empty ones are left out. */
export function stretchRows(series) {
  const rows = [];
  for (let at = series.starts.length - 1; at >= 0; at -= 1) {
    for (const name of modesOf(series)) {
      const mode = of(series, name);
      if (!mode.jobs[at]) continue;
      rows.push({
        key: `${series.starts[at]} ${name}`,
        head: true,
        cells: [
          clock(series.starts[at], series.until_ms), name,
          ...[mode.jobs, mode.degraded, mode.failed].map((values) => ({ text: count(values[at]), class: "n" })),
          { text: percent(mode.evidence_ok[at], mode.jobs[at]), class: "n" },
          ...[mode.p50_s, mode.p95_s, mode.max_s].map((values) => ({ text: seconds(values[at]), class: "n" })),
        ],
      });
    }
  }
  return rows;
}

/** Rows of the table of markers, the latest first, with the numbers that the plot shows. */
export function markerRows(series) {
  return series.markers.map((marker, at) => ({
    key: `${marker.at_ms} ${at}`,
    head: true,
    cells: [{ text: String(at + 1), class: "n" }, clock(marker.at_ms, series.until_ms), marker.what, marker.who, marker.why],
  })).reverse();
}

/** What the page says of the range in one line. */
export function summary(series) {
  const jobs = series.totals.reduce((sum, total) => sum + total.jobs, 0);
  const cut = series.complete_since_ms > series.starts[0] ? `; more jobs ended than are kept: complete since ${clock(series.complete_since_ms, series.until_ms)} only` : "";
  return `${count(jobs)} job${jobs === 1 ? "" : "s"} ended, in stretches of ${duration(series.step_ms).replace(".0", "")}${cut}`;
}

