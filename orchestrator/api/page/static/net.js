// The server: JSON asked for, and streams that come back by themselves.

export const root = document.documentElement.dataset.root ?? "";
export const api = `${root}/api/v1`;

/** What the server said that it would not do: `message` is for people, `status` is HTTP's, 0 where it is away. */
export class Refused extends Error {
  constructor(message, status, field = null) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

/** Asks, and gives the answer's JSON with its status. Throws Refused. */
export async function ask(path, { method = "GET", body, headers = {} } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused("The server does not answer.", 0);
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return { status: answer.status, body: said };
  throw new Refused(said.detail ?? `The server answered ${answer.status}.`, answer.status, said.field ?? null);
}

/** A text that the server made safe: an answer's HTML. Throws Refused. */
export async function fragment(path) {
  let answer;
  try {
    answer = await fetch(path, { headers: { Accept: "text/html" } });
  } catch {
    throw new Refused("The server does not answer.", 0);
  }
  if (!answer.ok) throw new Refused(`The server answered ${answer.status}.`, answer.status);
  return answer.text();
}

const SOONEST_MS = 1_000;
const LATEST_MS = 15_000;

/**
 * Follows an event stream. `on` maps names of events to what takes their data, `say(connected)` hears how it is.
 * Where the browser gives up, because the server refuses, it is asked again, less and less often. Returns what ends it.
 */
export function follow(url, on, say) {
  let source = null;
  let timer = 0;
  let pause = SOONEST_MS;
  let ended = false;
  const connect = () => {
    source = new EventSource(url);
    source.onopen = () => {
      pause = SOONEST_MS;
      say(true);
    };
    source.onerror = () => {
      if (ended) return;
      say(false);
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      clearTimeout(timer);
      timer = setTimeout(connect, pause);
      pause = Math.min(2 * pause, LATEST_MS);
    };
    for (const [name, take] of Object.entries(on)) {
      source.addEventListener(name, (event) => take(JSON.parse(event.data), event));
    }
  };
  const end = () => {
    ended = true;
    clearTimeout(timer);
    source?.close();
  };
  connect();
  return end;
}

/** Calls `work` soon, once for many wishes, and never while it still runs. Waits longer where it fails. */
export function whenWished(work, everyMs) {
  let timer = 0;
  let running = false;
  let wished = false;
  const run = async () => {
    timer = 0;
    running = true;
    wished = false;
    let pause = everyMs;
    try {
      await work();
    } catch {
      wished = true;
      pause = 4 * everyMs;
    }
    running = false;
    if (wished) timer = setTimeout(run, pause);
  };
  return (soonMs = 0) => {
    wished = true;
    if (!running && !timer) timer = setTimeout(run, soonMs);
  };
}
