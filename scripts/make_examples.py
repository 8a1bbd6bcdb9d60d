"""Writes the binary documents of ``examples/``: the same bytes every time, so that a diff means a change of text."""

from __future__ import annotations

import io
import sys
import zipfile
from datetime import datetime
from pathlib import Path

from docx import Document

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip entry can carry."""

COST_MEMO = (
    ("Title", "Cost memo: event queue for order processing"),
    ("Normal", "Finance, Northquay Outfitters, 11 May 2026"),
    ("Heading 1", "Running cost"),
    (
        "Normal",
        (
            "With on-call pay included, the event queue costs 3,400 euros per month. The nightly batch costs "
            "1,250 euros per month, mostly for a database sized for one peak at night. After the migration the "
            "database can be reduced, which saves 700 euros per month."
        ),
    ),
    ("Heading 1", "One-time cost"),
    (
        "Normal",
        (
            "Running the nightly batch and the event queue side by side adds 9,000 euros in total. This sum is lost if "
            "the Harbor team stops halfway."
        ),
    ),
    ("Heading 1", "What late orders cost"),
    (
        "Normal",
        (
            "Late orders cost Northquay 118,000 euros in refunds and vouchers in 2025. Finance supports the event "
            "queue only if the migration prevents at least a third of these refunds in its first year."
        ),
    ),
)

ASSESSMENT = (
    ("Assessment of the order processing plans", 16),
    ("Prepared for Northquay Outfitters by Tern Consulting, 20 April 2026", 11),
    ("", 11),
    ("Effort", 13),
    ("We estimate 14 engineer-weeks to move web orders to the event queue,", 11),
    ("because every consumer has to tolerate duplicate orders before that is", 11),
    ("safe. The proposal does not count this work.", 11),
    ("", 11),
    ("Capacity", 13),
    ("In a load test, the event queue sustained 900 orders per minute, three", 11),
    ("times the peak of the last winter sale. The warehouse system, however,", 11),
    ("accepts only 250 orders per minute, so a faster queue does not ship", 11),
    ("orders faster during a sale.", 11),
    ("", 11),
    ("Alternatives", 13),
    ("An hourly batch with validation would cut the order delay to one hour", 11),
    ("and needs 3 engineer-weeks. It would not help with cancelled orders.", 11),
    ("", 11),
    ("Risk", 13),
    ("The event queue keeps no global order of events, so two changes to the", 11),
    ("same order can arrive in the wrong sequence unless both carry a version.", 11),
)


def docx(paragraphs: tuple[tuple[str, str], ...]) -> bytes:
    """A Word document of (style, text) paragraphs, with every date in it fixed."""
    document = Document()
    document.core_properties.created = document.core_properties.modified = datetime(2026, 5, 11)  # noqa: DTZ001 - naive by format
    document.core_properties.author = "Northquay Outfitters"
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    raw = io.BytesIO()
    document.save(raw)
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist(), key=lambda n: (n != "[Content_Types].xml", n)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return out.getvalue()


def pdf(lines: tuple[tuple[str, int], ...]) -> bytes:
    """A one-page PDF of (text, size in points) lines in Helvetica; ASCII text only."""
    drawn = ["BT", "72 770 Td"]
    for text, size in lines:
        escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        drawn += [f"/F1 {size} Tf", f"0 -{size + 6} Td", f"({escaped}) Tj"]
    stream = "\n".join([*drawn, "ET"])
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            " /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    body = "%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")


def files() -> dict[str, bytes]:
    """Name under ``examples/`` and content of every file that this program writes."""
    return {
        "queue-migration/cost-memo.docx": docx(COST_MEMO),
        "queue-migration/assessment.pdf": pdf(ASSESSMENT),
    }


def main() -> None:
    """Write the files; with ``--check``, exit with 1 where one on disk differs from what would be written."""
    root = Path(__file__).resolve().parent.parent / "examples"
    differing = [name for name, content in files().items() if not _same(root / name, content)]
    if "--check" in sys.argv[1:]:
        for name in differing:
            print(
                f"examples/{name} differs from what scripts/make_examples.py writes; run it and commit the result"
            )
        sys.exit(1 if differing else 0)
    for name in differing:
        (root / name).write_bytes(files()[name])
        print(f"wrote examples/{name}")


def _same(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


if __name__ == "__main__":
    main()
