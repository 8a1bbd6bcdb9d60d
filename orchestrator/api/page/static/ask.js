// The form to ask by: a question, what to answer it from, and how.

import { $, el, setText } from "./dom.js";
import { counted } from "./format.js";
import { api, ask } from "./net.js";
import { passages } from "./text.js";

/** The job that a form's fields ask for; throws an Error that says what is missing, with the field's name. */
export function specOf({ goal, corpus, text, mode, deadline }) {
  if (!goal.trim()) throw missing("goal", "Ask a question.");
  if (!corpus && !text.trim()) throw missing("text", "Paste the text that the answer is to rest on, or choose a corpus.");
  const seconds = Number(deadline);
  if (deadline && !(seconds > 0 && seconds <= 3600)) throw missing("deadline", "A deadline is 1 to 3600 seconds.");
  return {
    goal: goal.trim(),
    mode,
    inputs: corpus ? { corpus } : { passages: passages(text) },
    ...(deadline ? { deadline_s: seconds } : {}),
  };
}

function missing(field, text) {
  return Object.assign(new Error(text), { field });
}

/** A name for one wish, so that asking again after an answer that never came is the same job. */
function fresh() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Makes a form ask; `hrefOf` gives the page of the job that was accepted. */
export function asking(form, hrefOf) {
  const { goal, corpus, text, mode, deadline } = form.elements;
  const button = $("button", form);
  let key = fresh();
  const refuse = (message, field) => {
    setText($("#refused"), message);
    $("#refused").hidden = !message;
    for (const input of [goal, text, deadline]) input.removeAttribute("aria-invalid");
    const input = field && form.elements[field];
    if (!input) return;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", "refused");
    input.focus();
  };
  const choose = () => {
    $("#pasted").hidden = corpus.value !== "";
  };
  const grow = () => {
    goal.style.height = "auto";
    goal.style.height = `${Math.min(goal.scrollHeight + 2, 240)}px`;
  };
  const offered = offer(corpus).then(choose);
  goal.addEventListener("input", grow);
  form.addEventListener("input", () => {
    key = fresh();
  });
  corpus.addEventListener("change", choose);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    refuse("");
    await offered; // before that, what to answer from is not on the page yet
    let spec;
    try {
      spec = specOf({ goal: goal.value, corpus: corpus.value, text: text.value, mode: mode.value, deadline: deadline.value });
    } catch (error) {
      refuse(error.message, error.field);
      return;
    }
    button.disabled = true;
    try {
      const { body } = await ask(`${api}/jobs`, { method: "POST", body: spec, headers: { "Idempotency-Key": key } });
      location.assign(hrefOf(body));
    } catch (error) {
      refuse(error.message, error.field);
      button.disabled = false;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest?.("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey;
    if (event.key !== "/" || busy) return;
    event.preventDefault();
    goal.focus();
  });
  // Who comes back by the browser's button finds the form as it was, and can ask again.
  addEventListener("pageshow", () => {
    button.disabled = false;
  });
}

async function offer(select) {
  const { body } = await ask(`${api}/corpora`).catch(() => ({ body: { corpora: [] } }));
  select.prepend(...body.corpora.map(({ name, documents, problem }) => {
    const shown = problem ? `${name}: ${problem}` : `${name} (${counted(documents, "document")})`;
    return el("option", { value: name, disabled: Boolean(problem), title: problem || null }, shown);
  }));
  select.value = body.corpora.find(({ problem }) => !problem)?.name ?? "";
}
