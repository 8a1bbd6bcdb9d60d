// A job's argument as three panes of blocks, one block for each step. Values in, values out.

const PERSONAS = ["thesis", "antithesis", "synthesis"];
const OF = {
  thesis: "thesis",
  antithesis: "antithesis", antithesis_standalone: "antithesis", critic: "antithesis", rebuttal: "antithesis",
  synthesis: "synthesis", resolution: "synthesis", section: "synthesis",
};
const ORDER = ["thesis", "antithesis", "antithesis_standalone", "rebuttal", "resolution", "section", "critic", "synthesis"];
const TITLES = { antithesis_standalone: "antithesis, without having read the thesis", critic: "critic: what the thesis leaves out" };

export function nameOf(step) {
  return step.split(":")[0];
}

function numberOf(step) {
  return Number(step.split(":")[1] ?? 0);
}

/** Whose step it is; undefined for the plan, and for what a later version adds. */
export function personaOf(step) {
  return OF[nameOf(step)];
}

export function titleOf(step) {
  const name = nameOf(step);
  if (name === "rebuttal" || name === "resolution") return `${name} of t${numberOf(step)}`;
  return TITLES[step] ?? step.replaceAll("_", " ").replace(":", " ");
}

/**
 * The panes of a job, as the API shows it (`view`), with what is being written (`live`: step -> lines).
 * A block: {step, title, status, startedMs, tookMs, attempt, claims, lines, summary, failure, model}.
 */
export function panes(view, live) {
  const last = new Map();
  for (const step of view.steps) if (personaOf(step.step)) last.set(step.step, step);
  const said = new Map(view.outputs.map((output) => [output.step, output]));
  for (const step of said.keys()) if (!last.has(step) && personaOf(step)) last.set(step, null);
  const shown = view.plan?.mode === "single" ? ["synthesis"] : PERSONAS;
  const blocks = [...last].map(([step, run]) => block(step, run, said.get(step), live.get(step) ?? []));
  blocks.sort((a, b) => ORDER.indexOf(nameOf(a.step)) - ORDER.indexOf(nameOf(b.step)) || numberOf(a.step) - numberOf(b.step));
  return shown.map((persona) => ({ persona, blocks: blocks.filter((found) => personaOf(found.step) === persona) }));
}

function block(step, run, output, lines) {
  const running = run?.status === "running";
  const claims = output?.claims ?? [];
  return {
    step,
    title: titleOf(step),
    status: running ? "running" : output?.status ?? run?.status ?? "ok",
    startedMs: run?.started_ms ?? null,
    tookMs: run?.ended_ms ? run.ended_ms - run.started_ms : null,
    attempt: run?.attempt ?? 1,
    claims,
    // Of a thesis whose claims are recorded one by one, only what comes after them is news.
    lines: running ? (claims.length ? lines.slice(-1) : lines) : [],
    summary: running ? "" : output?.summary ?? "",
    failure: !running && output && output.status !== "ok" ? output.failure : null,
    model: output?.model ?? "",
  };
}

/** Why a pane is empty, in a few words. */
export function waitsFor(persona, view) {
  if (view.ended) return view.expired ? "what was said is no longer kept" : "not reached";
  if (!view.plan) return "waits for the plan";
  if (persona === "antithesis" && view.plan.mode === "sequential") return "waits for the thesis";
  if (persona === "antithesis" && view.plan.mode === "pipelined") return "waits for the first claim";
  if (persona === "synthesis" && view.plan.mode === "parallel") return "waits for both sides";
  if (persona === "synthesis" && view.plan.mode === "sequential") return "waits for the antithesis";
  if (persona === "synthesis" && view.plan.mode === "pipelined") return "waits for the first rebuttal";
  return "waits for a worker";
}
