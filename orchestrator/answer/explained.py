"""What an answer's claims rest on, as a page: one HTML file that loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from orchestrator.contracts import Passage, Result
from orchestrator.evidence.explain import Explained, Place
from orchestrator.plaintext import plain

_STYLE = """
:root { color-scheme: light dark; --good: #2e7d3226; --bad: #c6282833; --line: #8886; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 0 0 .4rem; }
article { border: 1px solid var(--line); border-left: .4rem solid #c62828; border-radius: .3rem; padding: .8rem 1rem;
  margin: 1rem 0; }
article.upheld { border-left-color: #2e7d32; }
mark { background: var(--good); color: inherit; border-radius: .15rem; }
mark.lacking { background: var(--bad); text-decoration: underline wavy #c62828 1px; }
blockquote { margin: .5rem 0; padding-left: .8rem; border-left: 2px solid var(--line); white-space: pre-line; }
.meta, cite { color: #777; font-size: .85rem; font-style: normal; } ul { margin: .4rem 0; }
pre { white-space: pre-wrap; font: inherit; }
"""


def page(result: Result, claims: list[Explained]) -> str:
    """Give the whole page. Everything that came from a model or a document is escaped."""
    verdict = result.eval.verdict
    upheld = sum(claim.upheld for claim in claims)
    head = (
        f'<!doctype html>\n<html lang="{escape(result.language)}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{_text(result.goal)[:120]}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    summary = (
        f"<h1>{_text(result.goal)}</h1>\n"
        f'<p class="meta">job {escape(result.task_id)}, {escape(result.status)}; gate: {verdict}; '
        f"{upheld} of {len(claims)} claims are upheld. "
        '<mark>Held by a quote</mark>, <mark class="lacking">not in any quote</mark>.</p>\n'
    )
    body = "".join(_article(claim) for claim in claims) or "<p>No claim was delivered.</p>\n"
    answer = f"<details>\n<summary>The answer</summary>\n<pre>{_text(result.answer)}</pre>\n</details>\n"
    return head + summary + body + answer + "</body>\n</html>\n"


def _article(explained: Explained) -> str:
    score = "not judged" if explained.support is None else f"{explained.support:.2f}"
    state = (
        "upheld word for word" if explained.word_for_word else "upheld" if explained.upheld else "not upheld"
    )
    text = "".join(
        _kept(piece.text) if piece.held is None else _mark(piece.text, good=piece.held)
        for piece in explained.pieces
    )
    findings = "".join(
        f"<li>level {finding.level}, {escape(finding.reason)}"
        f"{'' if finding.judged else ' (not judged)'}: {_text(finding.detail)}</li>\n"
        for finding in explained.findings
    )
    return (
        f'<article class="{"upheld" if explained.upheld else "failed"}" id="{escape(explained.claim.id)}">\n'
        f"<h2>{text}</h2>\n"
        f'<p class="meta">{escape(explained.claim.id)}: {state}, support {score}</p>\n'
        + "".join(_quoted(explained.places))
        + (f"<ul>\n{findings}</ul>\n" if findings else "")
        + "</article>\n"
    )


def _quoted(places: tuple[Place, ...]) -> Iterator[str]:
    for place in places:
        yield (
            f"<blockquote>{_kept(place.before)}{_mark(place.quote, good=place.verbatim)}{_kept(place.after)}\n"
            f"<cite>{_text(where(place.passage))}</cite></blockquote>\n"
        )


def _mark(text: str, *, good: bool) -> str:
    kind = "" if good else ' class="lacking"'
    return f"<mark{kind}>{_text(text)}</mark>"


def where(passage: Passage | None) -> str:
    """Document, heading and page of a passage."""
    if passage is None:
        return "no passage of this job"
    page_number = f"page {passage.page}" if passage.page else ""
    return ", ".join(part for part in (passage.source, passage.heading, page_number) if part)


def _text(text: str) -> str:
    return escape(plain(text))


def _kept(text: str) -> str:
    """Like ``_text``, the spaces at the ends kept: they stand beside a mark."""
    if not text.strip():
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{_text(text)}{' ' if text[-1].isspace() else ''}"
