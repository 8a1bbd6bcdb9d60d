// What every page has: the line that says whether it is connected.

import { $, setText } from "./dom.js";

/** Says how the page is connected; `null` where it has no stream, as a job that has ended. */
export function connected(state) {
  const line = $("#connection");
  line.dataset.state = state === null ? "rest" : state ? "on" : "off";
  setText(line, state === null ? "" : state ? "live" : "not connected, trying again");
  document.body.classList.toggle("stale", state === false);
}

export function problem(text) {
  const place = $("#problem");
  place.hidden = !text;
  setText(place, text ?? "");
}
