"""PDF through PDFium, with pypdf where PDFium gives up. Lines that a page broke are joined to paragraphs again."""

from __future__ import annotations

import io
import re
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from orchestrator.corpus.document import MAX_CHARS, Document, DocumentBuilder, clean, one_line
from orchestrator.corpus.extras import extra
from orchestrator.errors import DocumentError

MAX_PAGES = 10_000

_PDFIUM = threading.Lock()
"""PDFium is not thread-safe."""

_PASSWORD = "is password-protected; save a copy without the password"  # noqa: S105 - a message
_SCANNED = "holds no text, only pictures of it (a scan?); run OCR on it first"
_HYPHEN = re.compile("[\ufffe\x02]\\s*")
_SENTENCE_END = tuple(".!?:;\u3002\uff01\uff1f\u2026\"')]\u201d\u2019")
_DIGITS = re.compile(r"\d+")


def load(data: bytes, source: str) -> Document:
    """Read a PDF. Raises ``DocumentError`` for protected, damaged and scanned ones."""
    if b"%PDF-" not in data[:1024]:
        raise DocumentError(source, "is not a PDF, whatever its name says")
    title, pages = _with_pdfium(data, source) or _with_pypdf(data, source)
    builder = DocumentBuilder(source, title=title)
    for page in _paragraphs(_without_running_lines(pages)):
        builder.page()
        for paragraph in page:
            builder.add("paragraph", paragraph)
    return builder.build(data, empty=_SCANNED)


def _with_pdfium(data: bytes, source: str) -> tuple[str, list[list[str]]] | None:
    """Title and the pages' lines; ``None`` where PDFium cannot parse the file."""
    pdfium = extra("pypdfium2", source)
    with _PDFIUM:
        try:
            pdf = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as error:
            if "password" in str(error).lower():
                raise DocumentError(source, _PASSWORD) from error
            return None
        try:
            _check_pages(len(pdf), source)
            title = pdf.get_metadata_value("Title")
            pages: list[list[str]] = []
            length = 0
            for number in range(len(pdf)):
                page = pdf[number]
                text_page = page.get_textpage()
                pages.append(_lines(text_page.get_text_range()))
                text_page.close()
                page.close()
                length = _counted(length, pages[-1], source)
        except pdfium.PdfiumError:
            return None
        finally:
            pdf.close()
    return title, pages


def _with_pypdf(data: bytes, source: str) -> tuple[str, list[list[str]]]:
    pypdf = extra("pypdf", source)
    try:
        pdf = pypdf.PdfReader(io.BytesIO(data), strict=False)
        _check_password(pdf, source)
        _check_pages(len(pdf.pages), source)
        pages: list[list[str]] = []
        length = 0
        for page in pdf.pages:
            pages.append(_lines(page.extract_text()))
            length = _counted(length, pages[-1], source)
        title = str((pdf.metadata or {}).get("/Title") or "")
    except DocumentError:
        raise
    except Exception as error:
        problem = (
            f"is damaged and cannot be read as PDF ({one_line(str(error))[:120] or type(error).__name__})"
        )
        raise DocumentError(source, problem) from error
    return title, pages


def _check_password(pdf: Any, source: str) -> None:  # noqa: ANN401 - a pypdf reader, lazily imported
    if pdf.is_encrypted and not pdf.decrypt(""):
        raise DocumentError(source, _PASSWORD)


def _check_pages(count: int, source: str) -> None:
    if count > MAX_PAGES:
        raise DocumentError(source, f"has {count:,} pages; the limit is {MAX_PAGES:,}, so split it")


def _counted(length: int, lines: list[str], source: str) -> int:
    length += sum(map(len, lines))
    if length > MAX_CHARS:
        raise DocumentError(source, f"holds more than {MAX_CHARS:,} characters of text; split it")
    return length


def _lines(text: str) -> list[str]:
    joined = _HYPHEN.sub("", text)
    return [line for raw in clean(joined).split("\n") if (line := one_line(raw))]


def _without_running_lines(pages: list[list[str]]) -> list[list[str]]:
    """The pages without heads and feet that most of them share but for the page's number."""
    if len(pages) < 4:
        return pages

    def shape(line: str) -> str:
        return _DIGITS.sub("#", line)

    heads = Counter(shape(page[0]) for page in pages if page)
    feet = Counter(shape(page[-1]) for page in pages if page)
    kept = []
    for page in pages:
        body = page
        if body and heads[shape(body[0])] > len(pages) / 2:
            body = body[1:]
        if body and feet[shape(body[-1])] > len(pages) / 2:
            body = body[:-1]
        kept.append(body)
    return kept


def _paragraphs(pages: list[list[str]]) -> Iterator[list[str]]:
    """Per page, its lines joined to paragraphs: a line that fills its column goes on in the next."""
    for page in pages:
        widths = sorted(map(len, page))
        full = 0.75 * widths[int(0.9 * (len(widths) - 1))] if widths else 0
        paragraphs: list[list[str]] = []
        goes_on = False
        for line in page:
            if goes_on:
                paragraphs[-1].append(line)
            else:
                paragraphs.append([line])
            goes_on = len(line) >= max(full, 30) and not line.endswith(_SENTENCE_END)
        yield [" ".join(lines) for lines in paragraphs]
