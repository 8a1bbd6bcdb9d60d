// One job, live. What is shown is always the API's last word on the job, and the text that is being written beside it.

import { panes, personaOf } from "./argument.js";
import { drawOutcome } from "./answer.js";
import { $, setText } from "./dom.js";
import { clock, duration, ticking, tone, words } from "./format.js";
import { connected, problem } from "./frame.js";
import { api, ask, follow, fragment, whenWished } from "./net.js";
import { drawPanes, tick } from "./panes.js";
import { grow } from "./text.js";

const { job, tenant } = document.body.dataset;
const base = `${api}/jobs/${encodeURIComponent(job)}`;
const of = (path = "") => `${base}${path}?tenant=${encodeURIComponent(tenant)}`;
const HIDDEN_MS = 10_000;

const live = new Map(); // step -> lines
const attempts = new Map(); // step -> the attempt that they are of
let view = null;
let aheadMs = 0; // this clock against the fleet's
let endStream = null;
let outcomeDrawn = false;

const refresh = whenWished(async () => {
  try {
    view = (await ask(of())).body;
  } catch (error) {
    problem(error.message);
    if (error.status === 404) {
      setText($("#goal"), "There is no such job.");
      for (const part of document.querySelectorAll(".facts, #argument, #timeline")) part.hidden = true;
      stop();
      connected(null);
      return;
    }
    throw error;
  }
  problem("");
  aheadMs = Date.now() - view.now_ms;
  draw();
  if (!view.ended) {
    if (!document.hidden) start();
    return;
  }
  stop();
  connected(null);
  await drawEnd();
}, 300);

const redraw = whenWished(async () => view && drawArgument(), 100);

const drawTimeline = whenWished(async () => {
  const image = $("#timeline img");
  const next = new Image();
  next.src = `${of("/timeline.svg")}&at=${Date.now()}`;
  await next.decode();
  image.src = next.src;
  image.hidden = false;
}, 1_000);

function start() {
  if (endStream) return;
  const changed = () => {
    refresh(50);
    drawTimeline(200);
  };
  const names = ["task_start", "plan_ready", "plan_start", "plan_end", "thesis_start", "thesis_end", "antithesis_start", "antithesis_end",
    "synthesis_start", "synthesis_end", "claim_closed", "step_recovered", "lease_lost", "job_end"];
  const on = Object.fromEntries(names.map((name) => [name, changed]));
  on.text = (frame) => {
    if (!personaOf(frame.step)) return; // a claim as a whole: the job's own view has it
    const again = attempts.get(frame.step) !== frame.attempt;
    attempts.set(frame.step, frame.attempt);
    live.set(frame.step, grow(again ? [] : live.get(frame.step) ?? [], frame.text));
    redraw();
  };
  endStream = follow(of("/events"), on, (state) => {
    connected(state);
    if (state) refresh();
  });
}

function stop() {
  endStream?.();
  endStream = null;
}

function draw() {
  const goal = view.goal ?? "This job's question is no longer kept.";
  setText($("#goal"), goal);
  const status = $("#status");
  status.className = `badge ${tone(view.status)}`;
  setText(status, view.ended ? view.status : view.status.split(" ")[0]);
  document.title = `${view.ended ? view.status : view.status.split(" ")[0]} · ${goal.slice(0, 80)}`;
  setText($("#mode"), view.mode ? `${view.mode}${view.plan?.sections > 1 ? `, ${view.plan.sections} sections` : ""}` : "mode not chosen yet");
  setText($("#why"), view.plan?.reason ?? "");
  setText($("#accepted"), clock(view.accepted_ms));
  $("#cancel").hidden = view.ended;
  $("#expired").hidden = !view.expired;
  drawElapsed();
  drawArgument();
  if (view.ended) drawTimeline();
}

function drawArgument() {
  drawPanes($("#panes"), panes(view, live), view);
  tick($("#panes"), now());
}

function now() {
  return Date.now() - aheadMs;
}

function drawElapsed() {
  if (!view) return;
  const whole = view.deadline_ms ? view.deadline_ms - view.accepted_ms : null;
  const spent = view.ended ? view.ms : Math.max(0, now() - view.accepted_ms);
  const meter = $("#spent");
  meter.hidden = !whole || view.ended;
  if (whole) {
    meter.max = whole;
    meter.value = Math.min(spent, whole);
  }
  setText($("#elapsed"), view.ended ? `took ${duration(spent)}` : `${ticking(spent)}${whole ? ` of ${ticking(whole)}` : ""}`);
}

async function drawEnd() {
  if (outcomeDrawn || view.expired) return;
  const result = await ask(of("/result"));
  if (result.status !== 200) throw new Error("not yet");
  drawOutcome($("#outcome"), result.body, await fragment(of("/answer.html")), view.saved_ms);
  outcomeDrawn = true;
  setText($("#said"), `The job has ended: ${words(result.body.status)}.`);
}

function cancelling() {
  const button = $("#cancel");
  let asked = 0;
  button.addEventListener("click", async () => {
    if (!asked) {
      button.textContent = "Really cancel?";
      asked = setTimeout(() => {
        asked = 0;
        button.textContent = "Cancel";
      }, 4_000);
      return;
    }
    clearTimeout(asked);
    asked = 0;
    button.disabled = true;
    try {
      await ask(of("/cancel"), { method: "POST" });
    } catch (error) {
      problem(error.message);
    }
    button.disabled = false;
    button.textContent = "Cancel";
    refresh();
  });
}

cancelling();
refresh();
drawTimeline();

setInterval(() => {
  if (document.hidden || !view || view.ended) return;
  drawElapsed();
  tick($("#panes"), now());
  if (view.steps.some((step) => step.status === "running")) drawTimeline();
}, 1_000);

// A browser opens six connections to a server and no more: tabs that nobody looks at give theirs back.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return stop();
  refresh();
});
setInterval(() => {
  if (document.hidden && !view?.ended) refresh();
}, HIDDEN_MS);

$("#all-quotes").addEventListener("click", () => {
  const all = [...document.querySelectorAll("#claims details")];
  const open = all.some((details) => !details.open);
  for (const details of all) details.open = open;
});
