"""What each kind of file reads as."""

import codecs
from pathlib import Path

import pytest

from orchestrator.corpus import Document, load_document
from orchestrator.errors import DocumentError
from tests.unit.corpus import makers

KOREAN = "가시성 제한시간이 지나면 시스템에서는 메시지를 다시 배달한다. 값은 30초이다."


def blocks(document: Document) -> list[tuple[str, int, str]]:
    return [(b.kind, b.level, document.text[b.start : b.end]) for b in document.blocks]


def written(tmp_path: Path, name: str, data: bytes | str) -> Path:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (KOREAN, "utf-8"),
        (KOREAN, "utf-8-sig"),
        (KOREAN, "cp949"),
        ("값은 30초", "euc-kr"),
        (KOREAN, "utf-16"),
        (KOREAN + "\n" + KOREAN, "utf-16-le"),
        (KOREAN + "\n" + KOREAN, "utf-16-be"),
        (KOREAN, "utf-32"),
        ("Der Prüfer sagt, daß die Größe für Köln genügt. " * 3, "latin-1"),
        ("“Naïve” cafés cost 5 € – or more… " * 3, "cp1252"),
        ("タスクが終わるまで待ちます。結果は一度だけ書かれます。" * 3, "cp932"),
    ],
)
def test_text_is_read_in_the_character_set_it_is_in(tmp_path, text, encoding):
    path = written(tmp_path, "a.txt", text.encode(encoding))

    assert load_document(path).text == text.strip()


def test_text_gives_paragraphs_and_its_name_as_title(tmp_path):
    document = load_document(
        written(tmp_path, "notes.txt", "One.\r\nStill one.\r\n \r\n\x00"[:-1] + "Two.\x07\n")
    )

    assert blocks(document) == [("paragraph", 0, "One.\nStill one."), ("paragraph", 0, "Two.")]
    assert document.title == "notes"


def test_markdown_reads_as_when_rendered(tmp_path):
    source = """---
title: "The guide"
---
# Guide #
A **bold** [link](http://x.y/z "t") and `co_de_s`. <!-- not
this -->

Set *under*
-----------

> quoted words

- one
  goes on
- two

| mode | s |
|:-----|--:|
| parallel | 25.0 |

```python
# no heading
x = a_b * c_d
```
After snake_case_name.
"""
    document = load_document(written(tmp_path, "a.md", source))

    assert document.title == "The guide"
    assert blocks(document) == [
        ("heading", 1, "Guide"),
        ("paragraph", 0, "A bold link and co_de_s."),
        ("heading", 2, "Set under"),
        ("paragraph", 0, "quoted words"),
        ("list", 0, "- one\n  goes on\n- two"),
        ("table", 0, "mode | s\nparallel | 25.0"),
        ("code", 0, "# no heading\nx = a_b * c_d"),
        ("paragraph", 0, "After snake_case_name."),
    ]


def test_html_reads_as_in_a_browser(tmp_path):
    source = """<!DOCTYPE html><html><head><title>The page</title><style>p{}</style></head><body>
<nav><a href="/">Home</a></nav><h1>Guide</h1><script>var x = "<p>no</p>"</script>
<p>Fish &amp; chips cost&nbsp;5&#8364;, <b>not</b>
six.<br>Next line.</p>loose words<div hidden>unseen</div>
<h2>Limits</h2><ul><li>one<ul><li>inner</li></ul></li><li><p>two</p></li></ul>
<table><tr><th>mode</th><th>s</th></tr><tr><td>par<i>all</i>el</td><td>25.0</td></tr></table>
<pre>a  =  1
b</pre><footer>Imprint</footer></body></html>"""
    document = load_document(written(tmp_path, "a.html", source))

    assert document.title == "The page"
    assert blocks(document) == [
        ("heading", 1, "Guide"),
        ("paragraph", 0, "Fish & chips cost 5€, not six.\nNext line."),
        ("paragraph", 0, "loose words"),
        ("heading", 2, "Limits"),
        ("list", 0, "- one\n  - inner\n- two"),
        ("table", 0, "mode | s\nparallel | 25.0"),
        ("code", 0, "a  =  1\nb"),
    ]


@pytest.mark.parametrize(
    "declaration", ['<meta charset="euc-kr">', "<meta content='text/html; charset=EUC-KR'>", ""]
)
def test_html_is_read_in_the_character_set_it_declares_or_is_in(tmp_path, declaration):
    path = written(tmp_path, "a.htm", f"<head>{declaration}</head><p>{KOREAN}".encode("euc-kr"))

    assert load_document(path).text == KOREAN


def test_deeply_nested_html_loses_nothing(tmp_path):
    path = written(tmp_path, "a.html", "<div>" * 1_500 + "<p>the bottom</p>")

    assert load_document(path).text == "the bottom"


def test_an_entity_of_the_pages_own_is_not_expanded(tmp_path):
    (tmp_path / "secret").write_text("the secret")
    dtd = f'<!DOCTYPE html [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'

    assert "the secret" not in load_document(written(tmp_path, "a.html", f"{dtd}<p>words &x;</p>")).text


def test_pdf_gives_pages_and_joins_the_lines_a_page_broke(tmp_path):
    page = "A lease is renewed every two seconds, and it is lost when the\nworker dies."
    document = load_document(written(tmp_path, "a.pdf", makers.pdf(page, "Second page.")))

    assert document.text == page.replace("\n", " ") + "\n\nSecond page."
    assert [document.text[at : at + 6] for at in document.pages] == ["A leas", "Second"]


def test_pdf_loses_the_heads_and_feet_that_its_pages_share(tmp_path):
    pages = [
        f"The Handbook\nBody number {word} stands here.\nPage {n}"
        for n, word in enumerate(["A", "B", "C", "D"])
    ]

    text = load_document(written(tmp_path, "a.pdf", makers.pdf(*pages))).text

    assert "Handbook" not in text
    assert "Page" not in text
    assert "Body number C" in text


def test_pdf_that_opens_without_a_password_is_read_though_encrypted(tmp_path):
    assert "secret plan" in load_document(written(tmp_path, "a.pdf", makers.encrypted_pdf(""))).text


def test_docx_gives_headings_lists_and_tables(tmp_path):
    document = load_document(written(tmp_path, "a.docx", makers.docx()))

    assert document.title == "Handbook"
    assert blocks(document) == [
        ("heading", 1, "Guide"),
        ("paragraph", 0, "Leases are renewed every 2 seconds."),
        ("heading", 2, "Limits"),
        ("list", 0, "- one lease per step\n- one worker per lease"),
        ("table", 0, "mode | seconds\n병렬 | 25.0"),
    ]


def test_docx_counts_insertions_and_text_boxes_but_no_deletions(tmp_path):
    namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = (
        "<w:p><w:r><w:t>kept </w:t></w:r><w:ins><w:r><w:t>inserted</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
        "<w:r><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></w:r></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>controlled</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    )
    xml = f"<w:document {namespace}><w:body>{body}</w:body></w:document>".encode()
    path = written(tmp_path, "a.docx", makers.repacked(makers.docx(), document=xml))

    assert load_document(path).text == "kept inserted\n\nboxed\n\ncontrolled"


def test_docx_with_an_entity_bomb_or_an_outside_entity_expands_nothing(tmp_path):
    (tmp_path / "secret").write_text("the secret")
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    xml = (
        f'<!DOCTYPE w [<!ENTITY l0 "lol">{bomb}<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'
        f"<w:document {namespace}><w:body><w:p><w:r><w:t>a &l11; &x; z</w:t></w:r></w:p></w:body></w:document>"
    ).encode()
    path = written(tmp_path, "a.docx", makers.repacked(makers.docx(), document=xml))

    try:
        text = load_document(path).text
    except DocumentError as error:
        text = error.problem
    assert "the secret" not in text
    assert len(text) < 1_000


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
@pytest.mark.parametrize("bom", [b"", codecs.BOM_UTF8])
def test_offsets_and_digest_belong_to_what_was_read(tmp_path, name, bom):
    import hashlib

    data = bom + b"Some words.\r\n\r\nMore words."
    document = load_document(
        written(tmp_path, name, data), source="given/name.txt" if name == "a.txt" else None
    )

    assert document.digest == hashlib.sha256(data).hexdigest()
    assert all(
        document.text[b.start : b.end].strip() == document.text[b.start : b.end] for b in document.blocks
    )
    assert document.blocks[0].start == 0
    assert document.blocks[-1].end == len(document.text)
