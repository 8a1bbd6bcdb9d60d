// Draws series with uPlot: colours from the style sheet, so that both themes have theirs; one cursor for all plots.

import { $, setText } from "./dom.js";
import { clock } from "./format.js";
import { bridged, readout } from "./figures.js";

/* global uPlot */

const HEIGHTS = { latency: 250 };
const HEIGHT = 130;
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "gray";
}

/** One plot in `figure`, which holds a `.plot` and a `.readout`. */
export class Plot {
  constructor(figure, plot, series) {
    this.figure = figure;
    this.update(plot, series);
    this.resized = new ResizeObserver(() => this.chart.setSize(this.size()));
    this.resized.observe($(".plot", figure));
  }

  update(plot, series) {
    this.plot = plot;
    this.series = series;
    const data = [series.starts.map((ms) => ms / 1000), ...plot.lines.map((line) => (line.bars ? line.values : bridged(line.values)))];
    const form = JSON.stringify([series.range, plot.lines.map((line) => line.label)]);
    if (this.form === form) this.chart.setData(data);
    else {
      this.chart?.destroy();
      this.chart = new uPlot(this.options(), data, $(".plot", this.figure));
      this.form = form;
    }
    this.said(null);
  }

  /** Draws it anew: the colours have changed. */
  repaint() {
    this.form = null;
    this.update(this.plot, this.series);
  }

  size() {
    return { width: Math.max(200, $(".plot", this.figure).clientWidth), height: HEIGHTS[this.plot.id] ?? HEIGHT };
  }

  said(at) {
    const last = this.series.starts.length - 1;
    const shown = at ?? last;
    const text = readout(this.plot, shown);
    const when = at === null ? "now" : clock(this.series.starts[shown], this.series.until_ms);
    setText($(".readout", this.figure), text ? `${when} · ${text}` : at === null ? "" : `${when} · none`);
  }

  options() {
    const axis = { stroke: colour("muted"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const unit = this.plot.unit;
    return {
      ...this.size(),
      legend: { show: false },
      padding: [14, 22, 0, 0],
      cursor: { y: false, sync: { key: "latency" }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: { x: { time: true, range: () => this.span() }, y: { range: (_, low, high) => this.range(low, high) } },
      axes: [
        { ...axis, space: 70, size: 26, values: (_, splits) => splits.map((second) => this.tickText(second)) },
        { ...axis, size: 46, space: 28, ...(unit ? {} : { incrs: WHOLE }), values: (_, splits) => splits.map((value) => `${+value.toFixed(1)}${unit && ` ${unit}`}`) },
      ],
      series: [{}, ...this.plot.lines.map((line) => this.line(line))],
      hooks: { draw: [(chart) => this.drawBounds(chart)], setCursor: [(chart) => this.said(chart.cursor.idx ?? null)] },
    };
  }

  line(line) {
    const stroke = colour(`mode-${line.mode}`);
    if (line.bars) return { label: line.label, stroke, fill: stroke, width: 0, paths: uPlot.paths.bars({ size: [0.8, 24], align: 1 }), points: { show: false } };
    return { label: line.label, stroke, width: line.dash ? 1.25 : 2, dash: line.dash ? [5, 4] : undefined, points: { show: true, size: line.dash ? 3 : 5, fill: stroke } };
  }

  span() {
    const { starts, step_ms } = this.series;
    return [starts[0] / 1000, (starts.at(-1) + step_ms) / 1000];
  }

  range(low, high) {
    if (this.plot.id === "evidence") return [Math.min(90, 10 * Math.floor((low ?? 100) / 10)), 100];
    const least = this.plot.id === "latency" ? 1.15 * this.series.max_bound_s : this.plot.unit === "s" ? 1 : 4;
    return [Math.min(0, 1.1 * (low ?? 0)), Math.max(least, 1.08 * (high ?? 0))];
  }

  tickText(second) {
    const at = new Date(second * 1000);
    const time = at.toLocaleTimeString("en-GB", this.series.step_ms < 60_000 ? {} : { hour: "2-digit", minute: "2-digit" });
    const midnight = at.getHours() + at.getMinutes() + at.getSeconds() === 0;
    return midnight ? at.toLocaleDateString("en-GB", { day: "numeric", month: "short" }) : time;
  }

  /** A text on a ground of its own, so that lines behind it do not cross it. */
  label(ctx, text, x, y) {
    const ink = ctx.fillStyle;
    const { width } = ctx.measureText(text);
    ctx.fillStyle = colour("paper");
    ctx.textAlign = "left";
    ctx.globalAlpha = 0.8;
    ctx.fillRect(x - 3 * devicePixelRatio, y - 11 * devicePixelRatio, width + 6 * devicePixelRatio, 14 * devicePixelRatio);
    ctx.globalAlpha = 1;
    ctx.fillStyle = ink;
    ctx.fillText(text, x, y);
  }

  /** The criteria's lines, and numbered ones where a rollout moved or somebody switched the mode. */
  drawBounds(chart) {
    if (this.plot.id !== "latency") return;
    const { ctx, bbox } = chart;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.lineWidth = ratio;
    for (const [bound, name] of [[this.series.mean_bound_s, "mean"], [this.series.max_bound_s, "longest"]]) {
      const y = chart.valToPos(bound, "y", true);
      ctx.strokeStyle = ctx.fillStyle = colour("bound");
      stroke(ctx, [2 * ratio, 3 * ratio], bbox.left, y, bbox.left + bbox.width, y);
      this.label(ctx, `${name} ${bound} s`, bbox.left + 4 * ratio, y - 4 * ratio);
    }
    this.series.markers.forEach((marker, at) => {
      const x = chart.valToPos(marker.at_ms / 1000, "x", true);
      ctx.strokeStyle = ctx.fillStyle = colour("ink");
      stroke(ctx, [], x, bbox.top, x, bbox.top + bbox.height);
      ctx.textAlign = "center";
      ctx.fillText(String(at + 1), x, bbox.top - 3 * ratio);
    });
    ctx.restore();
  }
}

function stroke(ctx, dash, x1, y1, x2, y2) {
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}
