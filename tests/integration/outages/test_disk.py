"""Redis cannot write to its disk: it takes nothing, says why, and what is under way goes on when it can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from orchestrator.client import Client
from orchestrator.errors import StoreRefused
from orchestrator.store import JobRef
from tests.integration.conftest import StartWorker, question
from tests.integration.outages.conftest import Busy
from tests.nodes import wait_for
from tests.servers import Valkey

pytestmark = pytest.mark.integration


@contextmanager
def unwritable(valkey: Valkey, look: redis.Redis) -> Iterator[None]:
    """Snapshots fail in this time, and Redis stops writes because of that."""
    in_the_way = valkey.folder / "dump.rdb"
    in_the_way.mkdir()
    look.config_set("save", "3600 1")
    look.bgsave()
    wait_for("the snapshot to fail", lambda: look.info("persistence")["rdb_last_bgsave_status"] == "err")
    try:
        yield
    finally:
        look.config_set("save", "")


def test_what_is_new_is_refused_and_what_is_under_way_is_kept(
    busy: Busy, start_busy: StartWorker, producer: Client, valkey: Valkey, look: redis.Redis
) -> None:
    worker, spec = start_busy(), question()
    busy.begin(2)
    with unwritable(valkey, look):
        with pytest.raises(StoreRefused, match="cannot write to its disk"):
            producer.submit(spec)
        busy.finish()
        wait_for("the outputs to wait", lambda: worker.logs().count('"redis_away"') >= 4)
    assert not look.exists(JobRef(spec.tenant, spec.task_id).job)
    busy.check(worker, look)
