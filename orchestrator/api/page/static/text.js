// A persona's words as they come: frames show the end of the line that is being written, and lines follow each other.

export const MOST_LINES = 60;
const LEAST_SHARED = 12;

/**
 * The lines so far with a frame added: what the frame goes on with is joined to the last line, what begins anew is
 * the next one. Frames overlap while a line is longer than what they show; one that was missed leaves "…".
 */
export function grow(lines, frame) {
  if (!frame) return lines;
  const last = lines.at(-1) ?? "";
  if (!last) return [frame];
  if (frame === last || last.endsWith(frame)) return lines;
  const joined = continued(last, frame);
  if (joined !== null) return [...lines.slice(0, -1), joined];
  return [...lines, frame].slice(-MOST_LINES);
}

/** The line that a frame goes on with, or null where it is another one. */
function continued(last, frame) {
  if (frame.startsWith(last)) return frame;
  // The frame has lost its beginning: the end of the last line is somewhere at its start.
  for (let shared = Math.min(last.length, frame.length - 1); shared >= LEAST_SHARED; shared -= 1) {
    if (last.endsWith(frame.slice(0, shared))) return last + frame.slice(shared);
  }
  return null;
}

const MOST_PASSAGES = 200;
const PASSAGE_CHARS = 1_500;

/** Text that somebody pasted, cut into passages at its paragraphs; throws where it is too long for a job. */
export function passages(text, source = "pasted text") {
  const pieces = [];
  for (const paragraph of text.split(/\n\s*\n/).map((part) => part.trim()).filter(Boolean)) {
    const last = pieces.at(-1);
    if (last !== undefined && last.length + paragraph.length < PASSAGE_CHARS) pieces[pieces.length - 1] = `${last}\n\n${paragraph}`;
    else pieces.push(...cut(paragraph));
  }
  if (pieces.length > MOST_PASSAGES) {
    throw new Error("That is too much text to paste; make a corpus of it (triptych corpus add NAME PATH) and choose that.");
  }
  return pieces.map((piece, index) => ({ id: `pasted${index + 1}`, source, text: piece }));
}

/** A paragraph that is too long, cut after sentences where there are any. */
function cut(paragraph) {
  const pieces = [];
  let rest = paragraph;
  while (rest.length > PASSAGE_CHARS) {
    const head = rest.slice(0, PASSAGE_CHARS);
    const end = Math.max(head.lastIndexOf(". "), head.lastIndexOf("\n"), head.lastIndexOf("다. "));
    const at = end > PASSAGE_CHARS / 3 ? end + 1 : PASSAGE_CHARS;
    pieces.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  return rest ? [...pieces, rest] : pieces;
}
