"""HTML as it reads in a browser: headings, paragraphs, lists and tables; no scripts, styles or navigation."""

from __future__ import annotations

import re
from typing import Any

from orchestrator.corpus.decode import decode
from orchestrator.corpus.document import BlockKind, Document, DocumentBuilder, one_line
from orchestrator.corpus.extras import extra
from orchestrator.errors import DocumentError

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s{0,8}=\s{0,8}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# fmt: off
_NOISE = frozenset(
    {
        "script", "style", "noscript", "template", "nav", "svg", "math", "iframe", "object", "embed",
        "canvas", "audio", "video", "map", "head", "button", "select", "option", "datalist", "input",
        "textarea", "dialog", "menu",
    }
)
_INLINE = frozenset(
    {
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em",
        "font", "i", "ins", "kbd", "label", "mark", "meter", "output", "q", "rp", "rt", "ruby", "s", "samp",
        "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "img",
        "picture", "source",
    }
)
# fmt: on
_NOISE_ROLES = frozenset({"navigation", "search", "menu", "menubar", "toolbar", "dialog", "alertdialog"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def load(data: bytes, source: str) -> Document:
    """Read an HTML page. No network is touched and no entity of the page's own is expanded."""
    etree = extra("lxml.etree", source)
    builder = DocumentBuilder(source)
    declared = _CHARSET.search(data[:4096])
    text = decode(data, source, declared=declared.group(1).decode("ascii", "ignore") if declared else None)
    # huge_tree: without it libxml2 drops, in silence, what lies deeper than 256 tags.
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "ignore"), parser)
    except etree.XMLSyntaxError as error:
        raise DocumentError(source, f"is not readable as HTML ({one_line(str(error))[:120]})") from error
    if root is not None:
        title = root.find(".//title")
        builder.title = "" if title is None else "".join(title.itertext())
        _Reader(builder, etree).read(root)
    return builder.build(data, empty="is a page without text (a script may have to fill it in)")


def _is_noise(element: Any) -> bool:  # noqa: ANN401 - lxml publishes no type that serves here
    tag = element.tag
    if not isinstance(tag, str) or tag in _NOISE:
        return True
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    if (element.get("role") or "").lower() in _NOISE_ROLES:
        return True
    # A page's own footer is noise; an article's is not.
    return tag == "footer" and not any(
        a.tag in {"article", "section", "main"} for a in element.iterancestors()
    )


def _is_data_table(table: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a table holds values, not the page's layout."""
    inner = table.iterdescendants("table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "ul", "ol", "form")
    return next(inner, None) is None


class _Reader:
    """Walks the tree without recursion, so that no depth of nesting can break it."""

    def __init__(self, builder: DocumentBuilder, etree: Any) -> None:  # noqa: ANN401 - the lazily imported module
        self.builder = builder
        self.etree = etree
        self.inline: list[str] = []
        self.items: list[str] = []
        self.kind: BlockKind = "paragraph"
        self.lists = 0
        self.pre = 0

    def read(self, root: Any) -> None:  # noqa: ANN401 - an lxml element
        walk = self.etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            if event == "end":
                self.leave(element)
            elif _is_noise(element):
                walk.skip_subtree()
            elif element.tag == "table" and _is_data_table(element):
                self.table(element)
                walk.skip_subtree()
            else:
                self.enter(element)
        self.flush_list()

    def enter(self, element: Any) -> None:  # noqa: ANN401 - an lxml element
        tag = element.tag
        if tag == "br":
            self.inline.append("\n")
        elif tag in {"ul", "ol"}:
            self.flush()
            self.lists += 1
        elif tag == "pre":
            self.flush_list()
            self.pre += 1
        elif tag in _HEADINGS:
            self.flush_list()
        elif tag not in _INLINE:
            self.flush()
        self.text(element.text)

    def leave(self, element: Any) -> None:  # noqa: ANN401 - an lxml element
        tag = element.tag
        skipped = _is_noise(element)
        if skipped or (tag == "table" and _is_data_table(element)):
            self.inline.append("" if tag in _INLINE else " ")
        elif tag in _HEADINGS:
            self.builder.add("heading", one_line("".join(self.inline)), _HEADINGS[tag])
            self.inline = []
        elif tag == "pre":
            self.builder.add("code", "".join(self.inline))
            self.inline = []
            self.pre -= 1
        elif tag in {"ul", "ol"}:
            self.flush()
            self.lists -= 1
            if not self.lists:
                self.flush_list()
        elif tag not in _INLINE and tag != "br":
            self.flush()
        self.text(element.tail)

    def text(self, text: str | None) -> None:
        if text:
            self.inline.append(text if self.pre else re.sub(r"\s+", " ", text))

    def flush(self) -> None:
        """End a paragraph, or an item where a list is open."""
        lines = [one_line(line) for line in "".join(self.inline).split("\n")]
        text = "\n".join(line for line in lines if line)
        self.inline = []
        if not text:
            return
        if self.lists:
            self.items.append("  " * (self.lists - 1) + "- " + text)
        else:
            self.builder.add("paragraph", text)

    def flush_list(self) -> None:
        self.flush()
        self.builder.add("list", "\n".join(self.items))
        self.items = []

    def table(self, table: Any) -> None:  # noqa: ANN401 - an lxml element
        self.flush_list()
        rows = []
        for row in table.iterdescendants("tr", "caption"):
            cells = [row] if row.tag == "caption" else row.iterchildren("td", "th")
            texts = [self.cell(cell) for cell in cells]
            if any(texts):
                rows.append(" | ".join(texts))
        self.builder.add("table", "\n".join(rows))

    def cell(self, cell: Any) -> str:  # noqa: ANN401 - an lxml element
        parts = []
        walk = self.etree.iterwalk(cell, events=("start", "end"))
        for event, element in walk:
            if event == "start" and _is_noise(element):
                walk.skip_subtree()
                continue
            parts.append("" if element.tag in _INLINE else " ")
            parts.append(
                (element.text if event == "start" else element.tail if element is not cell else "") or ""
            )
        return one_line("".join(parts))
