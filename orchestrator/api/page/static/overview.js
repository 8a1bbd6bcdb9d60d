// The fleet's snapshot as rows and cells. Values in, values out.

import { verdict } from "./figures.js";
import { clock, count, counted, duration, percent, seconds, ticking, tone, words } from "./format.js";

const ENDED = new Set(["complete", "degraded", "failed"]);

export function hasEnded(line) {
  return ENDED.has(line.status);
}

/** One job as a row; `href` makes the link to its page. */
export function jobRow(line, href) {
  const ended = hasEnded(line);
  const where = line.tenant === "default" ? "" : `${line.tenant}: `;
  return {
    key: `${line.tenant}/${line.task_id}`,
    cells: [
      { text: `${where}${line.goal.slice(0, 300)}`, href: href(line), class: "goal", title: line.goal.slice(0, 600) },
      { text: ended ? line.status : phase(line.status), class: `status ${tone(line.status)}`, title: line.status },
      line.mode ?? "–",
      { text: ended ? duration(line.ms) : ticking(line.ms), class: "n" },
      ...(ended ? [{ text: clock(line.accepted_ms), class: "n" }] : []),
    ],
  };
}

/** What a job does, in a word or two: of many steps at once only how many. */
export function phase(status) {
  const steps = status.replace(/^running ?/, "").split(", ").filter(Boolean);
  if (!status.startsWith("running")) return status;
  if (steps.length > 2) return counted(steps.length, "step");
  return steps.length ? steps.map((step) => words(step.replace("_standalone", ""))).join(", ") : "between steps";
}

/** The line of figures at the top: {key, term, text, kind, title}. */
export function cells(fleet) {
  const { admission, archive, switch: mode, rollout } = fleet;
  const slots = fleet.workers.reduce((sum, worker) => sum + worker.slots, 0);
  const waiting = fleet.queues.reduce((sum, queue) => sum + queue.waiting, 0);
  const found = [
    { key: "active", term: "Under way", text: count(fleet.jobs_active), kind: fleet.jobs_overdue ? "bad" : null, note: fleet.jobs_overdue ? `${fleet.jobs_overdue} overdue` : "" },
    { key: "waiting", term: "Waiting steps", text: count(waiting) },
    { key: "workers", term: "Workers", text: count(fleet.workers.length), kind: fleet.workers.length ? null : "bad", note: fleet.workers.length ? counted(slots, "slot") : "none takes work" },
    { key: "admission", term: "Admission", text: admission.open ? "open" : "closed", kind: admission.open ? null : "bad", note: admission.full ? "fleet is full" : "" },
    { key: "archive", term: "Ledger", text: archive.problem ? "not archived" : "archived", kind: archive.problem ? "bad" : null, note: archive.problem ?? (archive.waiting_s > 5 ? `${seconds(archive.waiting_s)} behind` : "") },
    { key: "rollout", term: "Rollout", text: rollout ? `${words(rollout.phase)}, ${rollout.share} %` : "none", kind: rollout?.phase === "rolled_back" ? "bad" : null, note: rollout ? `${rollout.from_mode} to ${rollout.to_mode}` : "", title: rollout?.why },
  ];
  if (mode) found.push({ key: "switch", term: "Switched to", text: mode.mode, kind: "warn", note: `by ${mode.who}`, title: mode.why });
  return found;
}

export function queueRows(fleet) {
  return fleet.queues.map((queue) => ({
    key: queue.name,
    head: true,
    cells: [
      queue.name, { text: count(queue.waiting), class: "n" }, { text: queue.oldest_s === null ? "–" : ticking(queue.oldest_s * 1000), class: "n" },
      queue.paused ? { text: `paused by ${queue.paused.who}`, class: "warn", title: queue.paused.why } : "open",
    ],
  }));
}

export function workerRows(fleet) {
  return fleet.workers.map((worker) => ({
    key: worker.process,
    head: true,
    cells: [worker.process, { text: count(worker.slots), class: "n" }, worker.queues.join(", ")],
  }));
}

export function endpointRows(fleet) {
  return fleet.endpoints.map((endpoint) => ({
    key: endpoint.name,
    head: true,
    cells: [endpoint.name, { text: endpoint.open_s ? `breaker open, ${ticking(endpoint.open_s * 1000)}` : `cools down, ${ticking(endpoint.cooling_s * 1000)}`, class: "warn" }],
  }));
}

/** The criteria of the modes that had a job, from the series' totals. */
export function criteriaRows(series) {
  return series.totals.filter((total) => total.jobs).map((total) => ({
    key: total.mode,
    head: true,
    cells: [total.mode, { text: count(total.jobs), class: "n" }, ...total.criteria.map((criterion) => figured(criterion, total))],
  }));
}

const MARKS = { met: "✓", missed: "✗", too_few: "?", reference: "" };

function figured(criterion, total) {
  const cell = verdict(criterion);
  const text = criterion.name === "evidence_kept" ? percent(total.evidence_ok, total.jobs) : seconds(criterion.value);
  return { ...cell, text: `${text} ${MARKS[criterion.verdict] ?? ""}`.trim(), title: `${cell.text}. ${cell.title}`, class: `n ${cell.class}` };
}
