"""An answer as HTML: its structure is kept, and nothing that models or documents wrote can do anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.answer.html import answer_html

TAGS = {
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "ul",
    "ol",
    "li",
    "em",
    "strong",
    "code",
    "pre",
    "hr",
    "br",
    "a",
}
ATTRIBUTES = {("a", "href"), ("a", "title"), ("a", "rel"), ("ol", "start"), ("code", "class")}

HOSTILE = [
    "<script>alert(1)</script>",
    "text <img src=x onerror=alert(1)> text",
    "<svg/onload=alert(1)>",
    "<iframe src='https://evil.example'></iframe>",
    "<style>body{display:none}</style>",
    "<!-- --><script>alert(1)</script>",
    "<div\n\nonclick=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](vbscript:msgbox)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x](//evil.example)",
    "[x](/api/v1/jobs/j1/cancel)",
    "[x](file:///etc/passwd)",
    "<javascript:alert(1)>",
    "[x]\n\n[x]: javascript:alert(1)",
    "![pixel](https://evil.example/pixel.png)",
    "![pixel][p]\n\n[p]: https://evil.example/pixel.png",
    "[![p](https://evil.example/p.png)](https://evil.example)",
    "[x](https://evil.example 'a\" onmouseover=\"alert(1)')",
    '[x](https://evil.example/"><script>alert(1)</script>)',
    '```"><script>alert(1)</script>\nx\n```',
    "    <script>alert(1)</script>",
    "`<script>alert(1)</script>`",
    "| a |\n|:-:|\n| <script>alert(1)</script> |",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07",
]


class Seen(HTMLParser):
    """Every tag with its attributes, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def check_harmless(html: str) -> None:
    for tag, attributes in Seen(html).tags:
        assert tag in TAGS
        assert {(tag, name) for name in attributes} <= ATTRIBUTES
        if tag == "a":
            assert re.match(r"https?://", attributes["href"] or "", re.IGNORECASE)
            assert attributes["rel"] == "noopener noreferrer nofollow"
    assert "<!--" not in html


@pytest.mark.parametrize("markdown", HOSTILE)
def test_hostile_markdown_does_nothing(markdown):
    check_harmless(answer_html(markdown))


PIECES = [
    *HOSTILE,
    "<",
    ">",
    '"',
    "'",
    "&",
    "\n\n",
    "\n",
    "> ",
    "- ",
    "# ",
    "`",
    "```\n",
    "[",
    "](",
    ")",
    "!",
    "javascript:",
    "a",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_nor_do_pieces_of_it_in_any_order(markdown):
    check_harmless(answer_html(markdown))


def test_what_an_answer_is_made_of_is_shown():
    html = answer_html(
        "> Note\n\n## Conclusion\n\nIt *is* so. [1]\n\n1. [1] memo.md\n\n[more](https://a.example/?q=1)"
    )
    assert [tag for tag, _ in Seen(html).tags] == ["blockquote", "p", "h2", "p", "em", "ol", "li", "p", "a"]
    assert "It <em>is</em> so. [1]" in html
