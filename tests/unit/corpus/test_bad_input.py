"""Every document that cannot be read gets one line that names it and says why; nothing hangs, nothing is guessed."""

import io
import os
import sys
import zipfile

import pytest

from orchestrator.corpus import Corpus, load_document
from orchestrator.corpus.loaders import word
from orchestrator.errors import DocumentError
from tests.unit.corpus import makers

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def zipped(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.txt", b"", "is empty"),
        ("a.txt", b" \n\t\n ", "holds no text"),
        ("a.txt", bytes(range(256)) * 40, "is not text"),
        ("a.txt", os.urandom(5_000).replace(b"\0", b"\1"), "is not text"),
        ("a.md", b"\x7fELF\x02\x01\x01" + bytes(9_000), "is not text"),
        ("a.html", makers.pdf("words"), None),
        ("a.html", b"<script>alert(1)</script>", "is a page without text"),
        ("a.pdf", b"not one at all", "is not a PDF"),
        ("a.pdf", b"%PDF-1.4\n" + b"garbage" * 99, "is damaged"),
        ("a.pdf", makers.encrypted_pdf("let me in"), "is password-protected"),
        ("a.pdf", makers.pdf("", ""), "holds no text, only pictures of it"),
        ("a.docx", b"not one at all", "is damaged or no .docx"),
        ("a.docx", makers.docx()[:3_000], "is damaged or no .docx"),
        ("a.docx", zipped(something=b"else"), "is damaged"),
        ("a.docx", makers.repacked(makers.docx(), document=b"<w:broken"), "is damaged"),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "is password-protected"),
        ("a.docx", OLE + bytes(600), "is an old .doc file"),
        ("a.exe", b"MZ", "is of a kind that is not read (.exe)"),
        ("README", b"words", "no suffix"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, name, data, problem):
    path = tmp_path / name
    path.write_bytes(data)
    if problem is None:
        load_document(path)
        return

    with pytest.raises(DocumentError) as caught:
        load_document(path)

    assert caught.value.field == str(path)
    assert problem in caught.value.problem
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DocumentError, match=r"nowhere.txt: does not exist"):
        load_document(tmp_path / "nowhere.txt")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_says_so(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("words")
    path.chmod(0)

    with pytest.raises(DocumentError, match="check its permissions"):
        load_document(path)


def test_a_file_that_may_not_be_opened_says_so(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "a.txt"
    path.write_text("words")
    monkeypatch.setattr(os, "open", refused)

    with pytest.raises(DocumentError, match="check its permissions"):
        load_document(path)


def test_two_gigabytes_are_refused_without_reading_a_byte(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)
    monkeypatch.setattr(os, "fdopen", None)  # what reading would need

    with pytest.raises(DocumentError, match=r"is 2,048 MB; the limit is 50 MB"):
        Corpus.build(tmp_path / "home", "c", [path])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.timeout(10)
def test_a_fifo_is_refused_and_never_waited_for(tmp_path):
    path = tmp_path / "a.txt"
    os.mkfifo(path)

    for read in (load_document, lambda p: Corpus.build(tmp_path / "home", "c", [p])):
        with pytest.raises(DocumentError, match="is not a regular file"):
            read(path)


def test_a_device_is_refused(tmp_path):
    (tmp_path / "a.txt").symlink_to("/dev/zero")

    with pytest.raises(DocumentError, match="is not a regular file"):
        load_document(tmp_path / "a.txt")


def test_a_loop_of_links_is_refused(tmp_path):
    (tmp_path / "a.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")

    with pytest.raises(DocumentError, match="is a loop of symbolic links"):
        load_document(tmp_path / "a.txt")


def test_a_zip_bomb_is_not_opened(tmp_path):
    path = tmp_path / "a.docx"
    path.write_bytes(makers.repacked(makers.docx(), document=bytes(word.MAX_XML_BYTES + 1)))
    assert path.stat().st_size < 1_000_000

    with pytest.raises(DocumentError, match="unpacks to 65 MB"):
        load_document(path)


def test_more_text_than_a_document_may_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("orchestrator.corpus.document.MAX_CHARS", 100)
    (tmp_path / "a.txt").write_text("word " * 50)

    with pytest.raises(DocumentError, match="holds more than 100 characters"):
        load_document(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("name", "package", "data"),
    [
        ("a.pdf", "pypdfium2", makers.pdf("words")),
        ("a.docx", "docx", makers.docx()),
        ("a.html", "lxml", b"<p>words"),
        ("a.txt", "charset_normalizer", "Größe und Maß".encode("latin-1")),
    ],
)
def test_a_missing_library_is_named_with_what_installs_it(tmp_path, monkeypatch, name, package, data):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.etree", None)
    (tmp_path / name).write_bytes(data)

    with pytest.raises(DocumentError, match=r'pip install "triptych\[docs\]"'):
        load_document(tmp_path / name)


def test_importing_the_room_imports_no_heavy_library():
    import subprocess

    code = (
        "import sys, orchestrator.corpus; "
        "print(*{'lxml', 'pypdf', 'pypdfium2', 'docx', 'charset_normalizer', 'celery', 'redis'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == ""


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("words")
    opened = os.open

    def grown(*args):
        handle = opened(*args)
        status = os.fstat(handle)
        monkeypatch.setattr(os, "fstat", lambda _: status)
        path.write_text("words and more words")
        return handle

    monkeypatch.setattr(os, "open", grown)

    with pytest.raises(DocumentError, match="changed while it was read"):
        load_document(path)
