"""Markdown as it reads when rendered: headings, lists, tables and code, without the marks of emphasis and links."""

from __future__ import annotations

import re

from orchestrator.corpus.decode import decode
from orchestrator.corpus.document import BlockKind, Document, DocumentBuilder, clean

_FRONT_MATTER = re.compile(r"\A---[^\S\n]*\n(.*?\n)?(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:(.*)$", re.MULTILINE)
_HEADING = re.compile(r" {0,3}(#{1,6})(?!\S)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[^\S\n]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r" {0,3}(?:(?:\*[^\S\n]*){3,}|(?:-[^\S\n]*){3,}|(?:_[^\S\n]*){3,})$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+\S")
_QUOTE = re.compile(r" {0,3}> ?")
_LINK = re.compile(
    r"!?\[([^\[\]\n]{0,1000})\](?:\([^()\s]{0,2000}(?:\s+\"[^\"\n]{0,500}\")?\)|\[[^\[\]\n]{0,200}\])"
)
_DEFINITION = re.compile(r" {0,3}\[[^\]\n]+\]:\s*\S+")
_EMPHASIS = re.compile(r"(\*{1,3}|(?<!\w)_{1,3})(?=\S)([^*_\n]{1,1000}?)(?<=\S)\1(?![\w*])")
_CODE = re.compile(r"(`{1,2})([^`\n]+)\1")


def load(data: bytes, source: str) -> Document:
    """Read a Markdown file."""
    builder = DocumentBuilder(source)
    text = clean(decode(data, source))
    front = _FRONT_MATTER.match(text)
    if front:
        named = _FRONT_TITLE.search(front.group(1) or "")
        builder.title = named.group(1).strip().strip("\"'") if named else ""
        text = text[front.end() :]
    _Reader(builder).read(_without_comments(text).split("\n"))
    return builder.build(data)


def _inline(line: str) -> str:
    """The line without emphasis, code marks and link targets."""
    parts = []
    at = 0
    for code in _CODE.finditer(line):  # what stands in code is left as it is
        parts += [_unmarked(line[at : code.start()]), code.group(2)]
        at = code.end()
    return "".join([*parts, _unmarked(line[at:])])


def _unmarked(text: str) -> str:
    return _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", text)))


def _without_comments(text: str) -> str:
    parts = []
    at = 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts.append(text[at:start])
        at = end + 3
    return "".join([*parts, text[at:]])


def _title(line: str) -> str:
    """A heading's text without the hashes that may close it."""
    title = line.strip()
    bare = title.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else title


def _is_table_rule(line: str) -> bool:
    return "|" in line and "-" in line and not line.strip(" \t|:-")


def _row(line: str) -> str:
    return " | ".join(cell.strip() for cell in line.strip().strip("|").split("|"))


class _Reader:
    """Collects lines until a block is whole."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self.builder = builder
        self.kind: BlockKind = "paragraph"
        self.lines: list[str] = []

    def read(self, lines: list[str]) -> None:
        fence = ""
        for line in lines:
            mark = _FENCE.match(line)
            if fence:
                if mark and mark.group(1).startswith(fence) and line.strip() == mark.group(1):
                    fence = ""
                    self.flush()
                else:
                    self.lines.append(line)
            elif mark:
                self.start("code")
                fence = mark.group(1)
            else:
                self.read_line(line)
        self.flush()

    def read_line(self, line: str) -> None:
        quote = _QUOTE.match(line)
        line = line[quote.end() :] if quote else line
        heading = _HEADING.match(line)
        underline = _UNDERLINE.match(line)
        if heading:
            self.flush()
            self.builder.add("heading", _inline(_title(line[heading.end() :])), len(heading.group(1)))
        elif underline and self.kind == "paragraph" and len(self.lines) == 1:
            title, self.lines = self.lines[0], []
            self.builder.add("heading", title, 1 if underline.group(1)[0] == "=" else 2)
        elif not line.strip():
            # A blank line inside a list parts items, not the list.
            if self.kind != "list":
                self.flush()
        elif _RULE.match(line) or _DEFINITION.match(line):
            self.flush()
        elif _is_table_rule(line):
            # What stands above the rule is the table's head, whether or not it began with a bar.
            if self.kind == "paragraph" and self.lines and "|" in self.lines[-1]:
                head = self.lines.pop()
                self.start("table")
                self.lines.append(_row(head))
        elif line.lstrip().startswith("|") or (self.kind == "table" and "|" in line):
            self.start("table", join=True)
            self.lines.append(_row(line))
        elif _ITEM.match(line):
            self.start("list", join=True)
            self.lines.append(_inline(line))
        else:
            if self.kind == "table" or (
                self.kind == "list" and not line.startswith((" ", "\t")) and self.lines
            ):
                self.start("paragraph")
            self.lines.append(_inline(line) if self.kind == "list" else _inline(line.strip()))

    def start(self, kind: BlockKind, *, join: bool = False) -> None:
        if not (join and self.kind == kind):
            self.flush()
        self.kind = kind

    def flush(self) -> None:
        self.builder.add(self.kind, "\n".join(self.lines))
        self.kind, self.lines = "paragraph", []
