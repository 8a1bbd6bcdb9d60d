// A job's outcome: the answer, why it is not complete, and what each claim rests on.

import { $, el, setText } from "./dom.js";
import { count, duration, percent, tone, words } from "./format.js";

/** How a claim stands: {state, detail}. `report` is the gate's on it, undefined where there is none. */
export function standing(report, findings) {
  const judged = findings.filter((finding) => finding.judged);
  const upheld = report ? report.upheld : judged.length === 0;
  if (!upheld) return { state: "not upheld", detail: judged.map((finding) => `${words(finding.reason)}${finding.detail ? `: ${finding.detail}` : ""}`).join("; ") };
  if (!report || report.support === null) return { state: "not judged", detail: "its quotes are verbatim; whether they cover its wording could not be told" };
  return { state: "upheld", detail: report.word_for_word ? "word for word" : `in words of its own, support ${report.support.toFixed(2)}` };
}

function reasonWords({ code, persona, kind }) {
  return [words(code), code.startsWith(`${persona}_`) ? "" : persona, kind && words(kind)].filter(Boolean).join(", ");
}

export function drawReasons(list, result) {
  const lines = [
    ...result.reasons.map((reason) => ["bad", reasonWords(reason), reason.detail]),
    ...result.notes.map((note) => ["plain", words(note.code), note.detail]),
  ];
  list.hidden = lines.length === 0;
  list.replaceChildren(...lines.map(([kind, code, detail]) => el("li", { class: kind }, el("strong", {}, code), detail ? ` ${detail}` : "")));
}

export function drawClaims(list, result) {
  const passages = new Map(result.passages.map((passage) => [passage.id, passage]));
  const reports = new Map(result.eval.claims.map((report) => [report.claim_id, report]));
  list.replaceChildren(...result.claims.map((claim) => {
    const findings = result.eval.findings.filter((finding) => finding.claim_id === claim.id);
    const { state, detail } = standing(reports.get(claim.id), findings);
    const quotes = claim.citations.map((citation, number) => {
      const wrong = findings.some((finding) => finding.citation === number && finding.judged && finding.level < 2);
      return el("blockquote", { class: wrong ? "bad" : null }, el("p", {}, citation.quote),
        el("footer", {}, `${wrong ? "not verbatim · " : ""}${whereOf(passages.get(citation.passage_id))}`));
    });
    return el("li", {},
      el("details", { open: state === "not upheld" },
        el("summary", {}, el("span", { class: `badge ${tone(state)}` }, state), el("span", { class: "said" }, el("span", { class: "kind" }, claim.kind), " ", claim.text)),
        el("div", { class: "rest" }, el("p", { class: "meta" }, `${claim.id}${claim.about.length ? ` on ${claim.about.join(", ")}` : ""} · ${detail}`),
          ...(quotes.length ? quotes : [el("p", { class: "meta" }, "It cites nothing.")]))));
  }));
}

function whereOf(passage) {
  if (!passage) return "no passage of this job";
  return [passage.source, passage.heading, passage.page ? `page ${passage.page}` : ""].filter(Boolean).join(", ");
}

/** The figures beside the answer, as pairs of term and description. `savedMs` is null where a job did less than all its work. */
export function figures(result, savedMs) {
  const { timings, usage, provenance } = result;
  const levels = result.eval.levels.filter((level) => level.checked || level.not_judged);
  const pairs = [
    ["gate", result.eval.evidence_ok ? "evidence holds" : "evidence does not hold", result.eval.evidence_ok ? "good" : "bad"],
    ...levels.map((level) => [level.name, `${level.passed}/${level.checked}${level.not_judged ? `, ${level.not_judged} not judged` : ""}`, level.passed < level.checked ? "warn" : null]),
    ["took", duration(timings.total_ms)],
    ["critical path", duration(timings.critical_path_ms)],
  ];
  if (savedMs > 0) pairs.push(["less than in sequence", `${duration(savedMs)} (${percent(savedMs, timings.sequential_ms)})`]);
  if (usage.calls) {
    pairs.push(["calls", count(usage.calls)], ["tokens in", count(usage.input_tokens)], ["of these cached", count(usage.cached_tokens)], ["tokens out", count(usage.output_tokens)]);
    if (usage.estimated_tokens) pairs.push(["not counted, about", count(usage.estimated_tokens)]);
  }
  pairs.push(["models", provenance.models.join(", ") || "none"]);
  return pairs;
}

function drawFigures(list, result, savedMs) {
  list.replaceChildren(...figures(result, savedMs).map(([term, text, kind]) => el("div", {}, el("dt", {}, term), el("dd", { class: kind ?? null }, text))));
}

/** Draws the whole outcome; `html` is the answer as the server made it safe, `savedMs` as for figures. */
export function drawOutcome(section, result, html, savedMs) {
  section.hidden = false;
  // The one place where markup is taken: the server renders the answer's Markdown with HTML off and escapes the rest.
  $("#answer", section).innerHTML = html;
  drawReasons($("#reasons", section), result);
  drawClaims($("#claims", section), result);
  $("#all-quotes", section).hidden = result.claims.length === 0;
  setText($("#claims-count", section), tally(result));
  drawFigures($("#figures", section), result, savedMs);
}

function tally(result) {
  const upheld = result.eval.claims.filter((report) => report.upheld).length;
  const literal = result.eval.claims.filter((report) => report.word_for_word).length;
  return result.claims.length ? `${upheld} of ${result.eval.claims.length} upheld, ${literal} word for word` : "none was delivered";
}
