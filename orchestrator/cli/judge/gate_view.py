"""``triptych gate explain`` in a terminal: each claim, its support, and its quotes where they stand."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from orchestrator.answer.explained import where
from orchestrator.contracts import Result
from orchestrator.evidence.explain import Explained
from orchestrator.plaintext import one_line

HELD = "green"
LACKING = "bold red"


def print_claims(result: Result, claims: list[Explained], console: Console) -> None:
    """Print every claim. Where there are no colours, «» stand round a quote, and [?] behind what no quote holds."""
    console.print(Text(one_line(result.goal), style="bold"))
    for explained in claims:
        console.print()
        console.print(_claim(explained, console))
        for place in explained.places:
            console.print(
                Text.assemble(
                    "    ",
                    one_line(place.before[-80:]),
                    " " if place.before else "",
                    (f"«{one_line(place.quote)}»", HELD if place.verbatim else LACKING),
                    " " if place.after else "",
                    one_line(place.after[:80]),
                )
            )
            console.print(Text(f"      {one_line(where(place.passage))}", style="dim"))
        for finding in explained.findings:
            apart = "" if finding.judged else " (not judged)"
            line = f"    level {finding.level} {finding.reason}{apart}: {one_line(finding.detail)}"
            console.print(Text(line, style=LACKING if finding.judged else "dim"))
    upheld = sum(explained.upheld for explained in claims)
    console.print()
    console.print(Text(f"{upheld} of {len(claims)} claims upheld; gate: {result.eval.verdict}", style="bold"))


def _claim(explained: Explained, console: Console) -> Text:
    score = "wording not judged" if explained.support is None else f"support {explained.support:.2f}"
    sign = (
        "upheld word for word" if explained.word_for_word else "upheld" if explained.upheld else "NOT upheld"
    )
    text = Text.assemble((f"{explained.claim.id} {sign}, {score}: ", "bold"))
    for piece in explained.pieces:
        words = " ".join(piece.text.split()) if piece.held is not None else piece.text.replace("\n", " ")
        shown = one_line(words) if piece.held is not None else _spaced(words)
        text.append(
            shown, style={True: HELD, False: LACKING}.get(piece.held, "") if piece.held is not None else ""
        )
        if piece.held is False and not console.is_terminal:
            text.append("[?]")
    return text


def _spaced(text: str) -> str:
    """On one line, the space at either end kept."""
    line = one_line(text)
    if not line:
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{line}{' ' if text[-1].isspace() else ''}"
