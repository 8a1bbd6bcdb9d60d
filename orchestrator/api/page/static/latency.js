// The latency page: asks for the series of a range again and again, while somebody looks.

import { $, el, rows, setText } from "./dom.js";
import { markerRows, modesOf, plots, stretchRows, summary, totalRows } from "./figures.js";
import { connected } from "./frame.js";
import { api, ask, whenWished } from "./net.js";
import { Plot } from "./plots.js";

const { range } = document.body.dataset;
const EVERY_MS = range.endsWith("d") ? 60_000 : 10_000;
const drawn = new Map(); // id -> Plot

const look = whenWished(async () => {
  let series;
  try {
    series = (await ask(`${api}/latency?range=${range}`)).body;
  } catch (error) {
    connected(false);
    throw error;
  }
  connected(true);
  draw(series);
}, 1_000);

function draw(series) {
  setText($("#summary"), summary(series));
  rows($("#totals"), totalRows(series));
  $("#legend").replaceChildren(...modesOf(series).map((mode) => el("li", { class: `mode ${mode}` }, mode)));
  for (const plot of plots(series)) {
    const known = drawn.get(plot.id);
    if (known) known.update(plot, series);
    else drawn.set(plot.id, new Plot($(`#${plot.id}`), plot, series));
  }
  $("#marked").hidden = series.markers.length === 0;
  rows($("#markers"), markerRows(series));
  if ($("#table").open) rows($("#stretches"), stretchRows(series));
  $("#table").ontoggle = () => rows($("#stretches"), $("#table").open ? stretchRows(series) : []);
}

look();
setInterval(() => document.hidden || look(), EVERY_MS);
document.addEventListener("visibilitychange", () => document.hidden || look());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((plot) => plot.repaint()));
