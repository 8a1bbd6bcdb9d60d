"""Word files (.docx) through python-docx: headings by style, paragraphs, lists, tables, text boxes."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from orchestrator.corpus.document import Document, DocumentBuilder, one_line
from orchestrator.corpus.extras import extra
from orchestrator.errors import DocumentError

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_XML_BYTES = 64 * 1024 * 1024
MAX_PARTS = 10_000

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADING = re.compile(r"heading ([1-9])$")


def load(data: bytes, source: str) -> Document:
    """Read a .docx file. Tracked insertions count, deletions do not."""
    _check_package(data, source)
    docx = extra("docx", source)
    builder = DocumentBuilder(source)
    try:
        document = docx.Document(io.BytesIO(data))
        builder.title = document.core_properties.title or ""
        levels = _heading_levels(document.styles)
        _add_blocks(document.element.body, builder, levels)
    except DocumentError:
        raise
    except Exception as error:
        problem = (
            f"is damaged and cannot be read as .docx ({one_line(str(error))[:120] or type(error).__name__})"
        )
        raise DocumentError(source, problem) from error
    return builder.build(data)


def _check_package(data: bytes, source: str) -> None:
    """Refuse what is no zip, is protected, or would unpack to more than its size promises."""
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise DocumentError(source, "is password-protected; save a copy without the password")
        raise DocumentError(source, "is an old .doc file; save it as .docx")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError) as error:
        raise DocumentError(source, f"is damaged or no .docx file ({one_line(str(error))[:120]})") from error
    if any(part.flag_bits & 1 for part in parts):
        raise DocumentError(source, "is password-protected; save a copy without the password")
    # zipfile never unpacks more of a part than its header declares, so these sums are bounds.
    xml = sum(part.file_size for part in parts if not part.filename.startswith("word/media/"))
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or xml > MAX_XML_BYTES or unpacked > MAX_UNPACKED_BYTES:
        raise DocumentError(
            source, f"unpacks to {unpacked / 1024 / 1024:,.0f} MB, which no document needs; not opened"
        )


def _heading_levels(styles: Any) -> dict[str, int]:  # noqa: ANN401 - python-docx publishes no types
    """Heading level by style id, for the built-in headings and the styles based on them."""
    levels = {}
    for style in styles.element.findall(f"{_W}style"):
        named, hops = style, 0
        while named is not None and hops < 10:
            name = named.find(f"{_W}name")
            value = (name.get(f"{_W}val") if name is not None else "").lower()
            found = _HEADING.match(value)
            if found or value == "title":
                levels[style.get(f"{_W}styleId")] = min(6, int(found.group(1))) if found else 1
                break
            base = named.find(f"{_W}basedOn")
            named = None if base is None else styles.element.get_by_id(base.get(f"{_W}val"))
            hops += 1
    return levels


def _add_blocks(body: Any, builder: DocumentBuilder, levels: dict[str, int]) -> None:  # noqa: ANN401 - lxml element
    items: list[str] = []
    for element in _blocks(body):
        if element.tag == f"{_W}tbl":
            text = "\n".join(_rows(element))
            kind, level = "table", 0
        else:
            text = _text(element)
            style = element.find(f"{_W}pPr/{_W}pStyle")
            level = levels.get(style.get(f"{_W}val"), 0) if style is not None else 0
            listed = element.find(f"{_W}pPr/{_W}numPr") is not None or (
                style is not None and (style.get(f"{_W}val") or "").startswith("List")
            )
            kind = "heading" if level else "item" if listed else "paragraph"
        if kind == "item" and text.strip():
            items.append(f"- {one_line(text)}")
            continue
        if items and text.strip():
            builder.add("list", "\n".join(items))
            items = []
        if kind == "table":
            builder.add("table", text)
        elif kind == "heading":
            builder.add("heading", one_line(text), level)
        else:
            builder.add("paragraph", text)
    builder.add("list", "\n".join(items))


def _blocks(parent: Any) -> Iterator[Any]:  # noqa: ANN401 - lxml elements
    """Paragraphs and tables in reading order, those in content controls and text boxes included."""
    for child in parent:
        if child.tag in {_FALLBACK, f"{_W}del"}:
            continue
        if child.tag in {f"{_W}p", f"{_W}tbl"}:
            yield child
            if child.tag == f"{_W}p":
                for box in child.iter(f"{_W}txbxContent"):
                    own = next(box.iterancestors(f"{_W}p"), None) is child
                    if own and next(box.iterancestors(_FALLBACK), None) is None:
                        yield from _blocks(box)
        else:
            yield from _blocks(child)


def _text(paragraph: Any) -> str:  # noqa: ANN401 - an lxml element
    parts = []
    for node in paragraph.iter(f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}cr", f"{_W}noBreakHyphen"):
        if next(node.iterancestors(f"{_W}p"), None) is not paragraph:
            continue  # a text box's; it comes as a block of its own
        tag = node.tag.removeprefix(_W)
        parts.append(node.text or "" if tag == "t" else {"tab": " ", "noBreakHyphen": "-"}.get(tag, "\n"))
    return "".join(parts)


def _rows(table: Any) -> Iterator[str]:  # noqa: ANN401 - an lxml element
    for row in table.iter(f"{_W}tr"):
        if next(row.iterancestors(f"{_W}tbl"), None) is not table:
            continue  # a nested table's row; it is part of its cell
        cells = [
            one_line(" ".join(_text(paragraph) for paragraph in cell.iter(f"{_W}p")))
            for cell in row.iter(f"{_W}tc")
            if next(cell.iterancestors(f"{_W}tr"), None) is row
        ]
        if any(cells):
            yield " | ".join(cells)
