"""What an ended job counts for, and that counting it in the store or from the ledger comes to the same."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.contracts.base import SMOKE_TENANT
from orchestrator.rollout.tally import ArmTally, Fold, StageTally, counted, tallies_from
from tests.unit.rollout.cases import ID, because, end


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ArmTally(jobs=1, measured=1, ms=25_000, ms2=625_000_000)),
        ({"evidence_ok": False}, ArmTally(1, failures=1, measured=1, ms=25_000, ms2=625_000_000)),
        (
            {"status": "degraded", "evidence_ok": False, "reasons": because("evidence_failed")},
            ArmTally(1, failures=1, degraded=1, measured=1, ms=25_000, ms2=625_000_000),
        ),
        # One that lost a persona is not fast.
        ({"status": "degraded", "reasons": because("persona_lost")}, ArmTally(1, failures=1, degraded=1)),
        ({"status": "failed", "reasons": because("deadline")}, ArmTally(1, failures=1, failed=1)),
    ],
)
@pytest.mark.parametrize(("draw", "side"), [(4.99, "canary"), (5.0, "control")])
def test_a_job_fails_where_it_is_failed_degraded_or_its_evidence_does_not_hold(fields, expected, draw, side):
    found = counted(end(1, draw=draw, **fields))
    assert found is not None
    other = {"canary": "control", "control": "canary"}[side]
    assert tallies_from(found.amounts) == {5.0: StageTally(**{side: expected, other: ArmTally()})}


@pytest.mark.parametrize(
    "job",
    [
        end(1, rollout=None),
        end(1, assignment=None),
        end(1, tenant=SMOKE_TENANT),
        end(1, status="failed", reasons=because("cancelled")),
    ],
)
def test_what_counts_nowhere(job):
    assert counted(job) is None


def test_a_fold_of_the_ledger_in_any_order_and_twice_is_what_the_store_adds_up():
    jobs = [end(n, draw=n % 100, share=[5.0, 25.0][n % 2], evidence_ok=n % 7 > 0) for n in range(60)]
    stored: Counter[str] = Counter()
    for job in jobs:
        found = counted(job)
        assert found is not None
        stored.update(found.amounts)
    fold = Fold(ID)
    fold.add([*reversed(jobs), *jobs, end(99, rollout="rffffffffffff")])
    assert fold.tallies == tallies_from(stored)
    assert {share: both.canary.jobs + both.control.jobs for share, both in fold.tallies.items()} == {
        5: 30,
        25: 30,
    }


def test_fields_that_are_no_tallys_are_passed_over():
    assert tallies_from({"counted": 3, "5:canary:jobs": 2, "5:nobody:jobs": 1, "5:canary:else": 1}) == {
        5.0: StageTally(canary=ArmTally(jobs=2))
    }
