"""The archive in a real Postgres: what goes wrong with a server, and what an operator is told. Never a password.

That it keeps what a file keeps is in ``tests/unit/store/test_archive.py``: one test body for both.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestrator.errors import ArchiveUnusable, InvalidSettings
from orchestrator.settings import Settings, load_settings
from orchestrator.store.archive import Archive, archive_of
from orchestrator.store.archive.postgres import Postgres
from tests.integration.security.test_tls import OPENSSL, certify
from tests.postgres import NoPostgresError, PostgresServer

pytestmark = pytest.mark.integration

ENTRY = ("1700000000000-0", json.dumps({"event": "task_start", "event_id": "0" * 32, "task_id": "job1"}))
LATER = ("1700000000001-0", json.dumps({"event": "task_start", "event_id": "1" * 32, "task_id": "job1"}))
PASSWORD = "canary-4d1f"


@pytest.fixture
def archive(postgres_url: str) -> Iterator[Archive]:
    opened = Archive(Postgres(postgres_url))
    yield opened
    opened.close()


def complaint(url: str, *, read: bool = False) -> str:
    """What an operator is told, after a look at all that a log could print of it."""
    archive = Archive(Postgres(url))
    with pytest.raises(ArchiveUnusable) as raised:
        _ = archive.recent(1) if read else archive.append("s", [ENTRY])
    assert PASSWORD not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return str(raised.value)


def test_a_server_that_is_away_is_named_with_what_to_do(tmp_path) -> None:
    said = complaint(f"postgresql://ada:{PASSWORD}@127.0.0.1:1/ledger?connect_timeout=2")
    assert said.startswith(
        "the ledger's archive postgresql://ada:***@127.0.0.1:1/ledger?*** cannot be reached"
    )
    assert "TRIPTYCH_LEDGER_URL" in said
    assert "cannot be reached" in complaint(f"postgresql://ada:{PASSWORD}@/ledger?host={tmp_path}", read=True)


def test_a_refused_login_a_lacking_database_and_a_bad_option_are_told_apart(postgres: PostgresServer) -> None:
    postgres.run("DROP ROLE IF EXISTS ada")
    postgres.run("CREATE ROLE ada LOGIN PASSWORD 'other'")
    assert "refuses the login" in complaint(postgres.url("postgres", user="ada", password=PASSWORD))
    assert "refuses the login" in complaint(postgres.url("postgres", user="nobody", password=PASSWORD))
    assert "no such database" in complaint(postgres.url("nowhere", password=PASSWORD))
    url = postgres.url("postgres", password=PASSWORD)
    assert "libpq does not take" in complaint(f"{url}&no_such_option=1")
    assert "libpq does not take" in complaint(url.replace(PASSWORD, f"{PASSWORD} x"))


def test_an_archive_goes_on_where_it_was_once_its_server_is_back(
    postgres: PostgresServer, archive: Archive
) -> None:
    archive.append("s", [ENTRY])
    postgres.stop()
    try:
        for _ in range(2):
            with pytest.raises(ArchiveUnusable, match="cannot be reached"):
                archive.append("s", [LATER])
    finally:
        postgres.start()
    assert archive.cursor("s") == ENTRY[0]
    assert archive.append("s", [ENTRY, LATER]).added == 1


def test_a_connection_that_the_server_has_closed_meanwhile_costs_one_try(
    postgres: PostgresServer, archive: Archive
) -> None:
    archive.append("s", [ENTRY])
    postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'triptych'")
    with pytest.raises(ArchiveUnusable):
        archive.recent(1)
    assert len(archive.recent(1)) == 1


def test_a_user_who_may_only_read_reads_and_is_told_what_writing_needs(
    postgres: PostgresServer, archive: Archive
) -> None:
    archive.append("s", [ENTRY])
    postgres.run(f"DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
    grants = (
        "GRANT USAGE ON SCHEMA triptych TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA triptych TO reader"
    )
    postgres.run(grants, "ledger")
    url = postgres.url("ledger", user="reader", password=PASSWORD)
    assert len(Archive(Postgres(url)).recent(5)) == 1
    assert "grant it" in complaint(url)


def test_a_user_who_may_neither_create_nor_delete_is_enough_once_the_tables_are_there(
    postgres: PostgresServer, archive: Archive
) -> None:
    archive.append("s", [ENTRY])
    postgres.run(f"DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}'")
    grants = (
        "GRANT USAGE ON SCHEMA triptych TO writer; "
        "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA triptych TO writer"
    )
    postgres.run(grants, "ledger")
    writer = Archive(Postgres(postgres.url("ledger", user="writer", password=PASSWORD)))
    assert writer.append("s", [ENTRY, LATER]).added == 1
    writer.close()


def test_a_standby_is_told_from_a_primary(postgres_url: str, archive: Archive) -> None:
    archive.append("s", [ENTRY])
    assert "is read-only" in complaint(f"{postgres_url}&options=-cdefault_transaction_read_only%3Don")


def test_a_database_that_cannot_keep_every_letter_is_refused(postgres: PostgresServer) -> None:
    if not postgres.run("SELECT 1 FROM pg_database WHERE datname = 'ascii'"):
        postgres.run("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
    assert "ENCODING 'UTF8'" in complaint(postgres.url("ascii"))


def test_an_archive_of_a_newer_version_is_refused(postgres: PostgresServer, archive: Archive) -> None:
    archive.append("s", [ENTRY])
    postgres.run("UPDATE triptych.meta SET value = '99' WHERE name = 'version'", "ledger")
    assert "newer Triptych; upgrade" in complaint(postgres.url("ledger"), read=True)


def test_two_archives_that_are_made_at_once_are_one(postgres_url: str) -> None:
    program = (
        "import sys; from orchestrator.store.archive import Archive; "
        "from orchestrator.store.archive.postgres import Postgres; sys.stdin.readline(); "
        f"print(Archive(Postgres({postgres_url!r})).append('s', [{ENTRY!r}]).added)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, text=True) for _ in range(2)
    ]
    added = [process.communicate("go\n", timeout=60)[0].strip() for process in both]
    assert sorted(added) == ["0", "1"]


def test_a_database_is_not_taken_over_what_else_is_in_it_stays(
    postgres: PostgresServer, archive: Archive
) -> None:
    """A team's own tables may have our names; ours are in a schema of their own."""
    postgres.run("DROP TABLE IF EXISTS events; CREATE TABLE events (mine TEXT)", "ledger")
    archive.append("s", [ENTRY])
    assert postgres.run("SELECT * FROM events", "ledger") == []
    assert len(archive.recent(5)) == 1


@pytest.mark.skipif(OPENSSL is None, reason="needs openssl to make certificates")
def test_over_tls_the_servers_certificate_counts_as_sslmode_says(tmp_path: Path) -> None:
    certify(tmp_path / "certificates")
    try:
        server = PostgresServer(certificates=tmp_path / "certificates")
    except NoPostgresError as error:
        pytest.skip(f"no Postgres that speaks TLS: {error}")
    try:
        server.run(f"CREATE ROLE ada LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
        url = f"postgresql://ada:{PASSWORD}@localhost:{server.port}/postgres?sslmode="
        archive = Archive(Postgres(f"{url}verify-full&sslrootcert={tmp_path}/certificates/ca.crt"))
        assert archive.append("s", [ENTRY]).added == 1
        assert server.run(
            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'ada'"
        ) == [(True,)]
        archive.close()
        assert "as sslmode in TRIPTYCH_LEDGER_URL wants it" in complaint(
            f"{url}verify-full&sslrootcert=system"
        )
        assert "refuses the login" in complaint(f"{url}disable")
    finally:
        server.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://u:canary-4d1f@h/d", "must start with postgresql://"),
        ("postgresql+psycopg://u:canary-4d1f@h/d", "must start with postgresql://"),
        ("postgresql://u:canary-4d1f@h:99999/d", "not a URL that can be read"),
        ("postgresql:///ledger", "names no host"),
    ],
)
def test_a_url_that_is_none_is_refused_without_being_quoted(monkeypatch, url, problem) -> None:
    monkeypatch.setenv("TRIPTYCH_LEDGER_URL", url)
    with pytest.raises(InvalidSettings, match="TRIPTYCH_LEDGER_URL") as raised:
        load_settings()
    assert problem in str(raised.value)
    assert PASSWORD not in str(raised.value)


def test_without_its_driver_the_setting_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "orchestrator.store.archive.postgres")
    with pytest.raises(InvalidSettings, match=r"pip install 'triptych\[postgres\]'"):
        archive_of(Settings(ledger_url=SecretStr("postgresql://h/d")))


def test_nobody_without_such_a_url_loads_the_driver() -> None:
    program = (
        "import sys; from orchestrator.settings import Settings; from orchestrator.store.archive import archive_of; "
        "archive_of(Settings()).recent(1); print('psycopg' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
