"""An answer's Markdown as a fragment of HTML that cannot do anything: no HTML of its own, no scripts, nothing loaded.

What models and documents wrote may be in it, so what is let through is a short list: text, its structure, and links to
the web, which a person has to follow.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from orchestrator.plaintext import without_controls

_WEB = ("https://", "http://")


class _Answer(MarkdownIt):
    """CommonMark without raw HTML and images."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False})
        self.disable(["image", "html_block", "html_inline"])
        self.add_render_rule("link_open", _link)

    def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it's name
        """Let nothing be a link but an address of the web."""
        return url.lower().startswith(_WEB)


def _link(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    tokens[at].attrSet("rel", "noopener noreferrer nofollow")
    return renderer.renderToken(tokens, at, options, env)


_answer = _Answer()


def answer_html(markdown: str) -> str:
    """Render an answer. What it says is escaped wherever it is not structure that is let through."""
    return str(_answer.render(without_controls(markdown)))
