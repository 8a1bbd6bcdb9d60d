// Draws the three personas side by side, and goes on from what is drawn: what has not changed is left alone.

import { waitsFor } from "./argument.js";
import { $, el, setText, sync } from "./dom.js";
import { duration, ticking, tone, words } from "./format.js";

const NEAR_PX = 40;

/** Brings the panes in `parent` up to date. */
export function drawPanes(parent, shown, view) {
  parent.dataset.panes = shown.length;
  sync(parent, shown, (pane) => pane.persona, makePane, (article, pane) => {
    const body = $(".pane-body", article);
    const follows = body.scrollHeight - body.scrollTop - body.clientHeight < NEAR_PX;
    const empty = $(".empty", article);
    empty.hidden = pane.blocks.length > 0;
    setText(empty, waitsFor(pane.persona, view));
    const running = pane.blocks.some((block) => block.status === "running");
    article.classList.toggle("writing", running);
    sync($(".blocks", article), pane.blocks, (block) => block.step, makeBlock, (section, block) => drawBlock(section, block, pane));
    // Who reads further up is left there.
    if (follows && running) body.scrollTop = body.scrollHeight;
  });
}

/** Lets the running blocks' clocks tick. `now` is the fleet's time, epoch ms. */
export function tick(parent, now) {
  for (const time of parent.querySelectorAll("[data-since]")) setText(time, ticking(now - Number(time.dataset.since)));
}

function makePane(pane) {
  const heading = el("h2", { id: `pane-${pane.persona}` }, pane.persona);
  // Focusable, so that it can be scrolled with the keyboard.
  const body = el("div", { class: "pane-body", tabindex: "0", role: "region", "aria-labelledby": heading.id }, el("p", { class: "empty" }), el("div", { class: "blocks" }));
  return el("article", { class: `pane ${pane.persona}` }, heading, body);
}

function makeBlock() {
  return el("section", { class: "block" },
    el("h3", {}, el("span", { class: "title" }), " ", el("span", { class: "state" }), " ", el("span", { class: "time" })),
    el("p", { class: "failure" }), el("p", { class: "summary" }), el("ol", { class: "claims" }), el("div", { class: "lines" }));
}

function drawBlock(section, block, pane) {
  section.dataset.status = block.status;
  const alone = pane.blocks.length === 1 && block.title === pane.persona;
  setText($(".title", section), alone ? "" : block.title);
  const state = $(".state", section);
  state.className = `state ${tone(block.status)}`;
  setText(state, stateOf(block));
  const time = $(".time", section);
  if (block.status === "running" && block.startedMs) time.dataset.since = block.startedMs;
  else {
    delete time.dataset.since;
    setText(time, block.tookMs === null ? "" : duration(block.tookMs));
  }
  const failure = $(".failure", section);
  failure.hidden = !block.failure;
  setText(failure, block.failure ? `${words(block.failure.kind)}: ${block.failure.message}` : "");
  const summary = $(".summary", section);
  summary.hidden = !block.summary;
  setText(summary, block.summary);
  sync($(".claims", section), block.claims, (claim) => claim.id, makeClaim, drawClaim);
  sync($(".lines", section), block.lines.map((text, number) => ({ text, number })), (line) => line.number, () => el("p"), (p, line) => setText(p, line.text));
}

function stateOf(block) {
  const again = block.attempt > 1 ? `, attempt ${block.attempt}` : "";
  if (block.status === "running") return `${block.lines.length || block.claims.length ? "writing" : "thinking"}${again}`;
  return block.status === "ok" ? again.slice(2) : `${words(block.status)}${again}`;
}

function makeClaim() {
  return el("li", {}, el("span", { class: "kind" }), el("span", { class: "said" }), el("span", { class: "about" }));
}

function drawClaim(item, claim) {
  setText(item.children[0], `${claim.id} ${claim.kind === "position" ? "" : claim.kind}`.trim());
  setText(item.children[1], claim.text);
  const quotes = claim.citations.length;
  const about = claim.about.length ? `on ${claim.about.join(", ")}` : "";
  setText(item.children[2], [about, quotes ? `${quotes} quote${quotes === 1 ? "" : "s"}` : "no quote"].filter(Boolean).join(" · "));
}
