// Figures as people read them. Values in, texts out.

/** A duration in ms: 0.42 s, 12.3 s, 2 min 05 s, 3 h 10 min. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600 && whole % 60 === 0) return `${whole / 60} min`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** A duration that ticks: whole seconds only, so that it stands still in between. */
export function ticking(ms) {
  const whole = Math.floor(Math.max(0, ms) / 1000);
  return whole < 100 ? `${whole} s` : duration(whole * 1000);
}

export function seconds(value) {
  return value === null || value === undefined ? "–" : duration(value * 1000);
}

export function percent(hits, count) {
  if (!count) return "–";
  const share = (100 * hits) / count;
  return `${share === 100 || share === 0 ? share : share.toFixed(1)} %`;
}

export function count(value) {
  return value === null || value === undefined ? "–" : value.toLocaleString("en");
}

/** One or many: counted(1, "job") is "1 job". */
export function counted(value, word) {
  return `${count(value)} ${word}${value === 1 ? "" : "s"}`;
}

/** The clock at a moment (epoch ms), with the day where that is not today. */
export function clock(ms, now = Date.now()) {
  const at = new Date(ms);
  const time = at.toLocaleTimeString("en-GB");
  if (at.toDateString() === new Date(now).toDateString()) return time;
  const pad = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

/** A name from the code: persona_lost is "persona lost", rebuttal:2 is "rebuttal 2". */
export function words(code) {
  return String(code ?? "").replaceAll("_", " ").replaceAll(":", " ");
}

/** The class that a job's or step's status is coloured by. */
export function tone(status) {
  if (status === "complete" || status === "ok" || status === "met" || status === "upheld") return "good";
  if (status === "degraded" || status === "too_few" || status === "waiting" || status === "lost") return "warn";
  if (status === "failed" || status === "timeout" || status === "missed" || status === "not upheld") return "bad";
  return status?.startsWith("running") ? "busy" : "plain";
}
