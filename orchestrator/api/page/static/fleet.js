// The fleet's page: what runs and what ended, moved by one stream; and the form to ask by.

import { asking } from "./ask.js";
import { $, el, rows, setText, sync } from "./dom.js";
import { words } from "./format.js";
import { connected, problem } from "./frame.js";
import { api, ask, follow, root, whenWished } from "./net.js";
import { cells, criteriaRows, endpointRows, hasEnded, jobRow, queueRows, workerRows } from "./overview.js";

const CRITERIA_MS = 30_000;
const MOST_WORKERS = 50;
let endStream = null;

function hrefOf(line) {
  return `${root}/jobs/${encodeURIComponent(line.task_id)}${line.tenant === "default" ? "" : `?tenant=${encodeURIComponent(line.tenant)}`}`;
}

function fill(name, items) {
  rows($(`#${name}`), items);
  $(`#${name}-none`).hidden = items.length > 0;
  $(`#${name}`).parentElement.hidden = items.length === 0;
}

function draw(fleet) {
  sync($("#cells"), cells(fleet), (cell) => cell.key, () => el("div", {}, el("dt"), el("dd", { class: "figure" }), el("dd", { class: "note" })), (box, cell) => {
    setText(box.children[0], cell.term);
    setText(box.children[1], cell.text);
    setText(box.children[2], cell.note ?? "");
    box.className = cell.kind ?? "";
    box.title = cell.title ?? "";
  });
  fill("active", fleet.jobs.filter((line) => !hasEnded(line)).map((line) => jobRow(line, hrefOf)));
  fill("ended", fleet.jobs.filter(hasEnded).map((line) => jobRow(line, hrefOf)));
  setText($("#active-count"), fleet.jobs_active ? String(fleet.jobs_active) : "");
  rows($("#queues"), queueRows(fleet));
  rows($("#workers"), workerRows(fleet).slice(0, MOST_WORKERS));
  setText($("#workers-count"), fleet.workers.length ? String(fleet.workers.length) : "");
  const running = fleet.running.filter(({ count }) => count);
  sync($("#running"), running, ({ step }) => step, () => el("li"), (item, { step, count }) => setText(item, `${words(step)} ${count}`));
  $("#running-none").hidden = running.length > 0;
  setText($("#running-count"), running.length ? String(running.reduce((sum, { count }) => sum + count, 0)) : "");
  $("#resting").hidden = fleet.endpoints.length === 0;
  rows($("#endpoints"), endpointRows(fleet));
  document.title = `${fleet.jobs_active ? `${fleet.jobs_active} under way · ` : ""}Fleet · Triptych`;
}

const drawCriteria = whenWished(async () => rows($("#criteria"), criteriaRows((await ask(`${api}/latency?range=24h`)).body)), 2_000);

function start() {
  endStream ??= follow(`${api}/fleet/events`, {
    fleet: (fleet) => {
      problem("");
      draw(fleet);
    },
    problem: (said) => problem(said.detail),
  }, connected);
  drawCriteria();
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return start();
  endStream?.();
  endStream = null;
});
setInterval(() => document.hidden || drawCriteria(), CRITERIA_MS);
start();
asking($("#ask"), hrefOf);
