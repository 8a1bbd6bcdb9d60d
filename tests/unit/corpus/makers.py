"""Makes the files that the tests read: PDF by hand, .docx through python-docx."""

from __future__ import annotations

import io
import zipfile


def pdf(*pages: str) -> bytes:
    """A minimal PDF with one line of Helvetica per line of text; an empty page holds nothing."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids = []
    for text in pages:
        lines = b" ".join(f"({line}) Tj 0 -14 Td".encode("latin-1") for line in text.split("\n") if text)
        stream = b"BT /F1 10 Tf 40 780 Td " + lines + b" ET"
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        kids.append(len(objects) + 1)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (
        b" ".join(b"%d 0 R" % k for k in kids),
        len(kids),
    )
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def encrypted_pdf(password: str) -> bytes:
    """A PDF that opens with ``password`` alone; the empty one leaves it open to every reader."""
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("The secret plan stands here.")))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def docx() -> bytes:
    """A Word file with headings, a list, a table and a paragraph."""
    import docx as word

    document = word.Document()
    document.core_properties.title = "Handbook"
    document.add_heading("Guide", 1)
    document.add_paragraph("Leases are renewed every 2 seconds.")
    document.add_heading("Limits", 2)
    document.add_paragraph("one lease per step", style="List Bullet")
    document.add_paragraph("one worker per lease", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        [c for row in table.rows for c in row.cells], ["mode", "seconds", "병렬", "25.0"], strict=True
    ):
        cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def repacked(package: bytes, **replaced: bytes) -> bytes:
    """A .docx with some parts replaced: ``document`` stands for word/document.xml, and so on."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            name = part.filename.removeprefix("word/").removesuffix(".xml")
            new.writestr(part.filename, replaced.get(name, old.read(part.filename)))
    return out.getvalue()
