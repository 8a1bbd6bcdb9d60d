"""A staged rollout at work: what operators ask for, what every tick does, and what the next plan is told.

``orchestrator.rollout`` decides; this reads, decides, and stores the decision where nothing has changed meanwhile.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import redis

from orchestrator.contracts import ArguedMode
from orchestrator.contracts.events import RolloutMoved, RolloutStarted
from orchestrator.contracts.rollout import Move, RolloutSpec, RolloutStatus, Stage
from orchestrator.errors import InvalidInput, RecordUnreadable, StoreUnavailable
from orchestrator.rollout.decide import UNDER_WAY, Transition, decide, read
from orchestrator.rollout.moving import begun, moved, share_in_force, steering
from orchestrator.routing.modes import Policy, Steering
from orchestrator.routing.outlook import Terms
from orchestrator.settings import Settings
from orchestrator.store import keys
from orchestrator.store.connection import time_ms, translated
from orchestrator.store.rollouts import Rollout, RolloutStore, parsed
from orchestrator.switch import SWITCH, Switch, read_switch

TRIES = 20
"""How often a change is decided anew in one go, because a job ended or somebody moved it while it was decided."""
ITSELF = "triptych"
"""Who moves a rollout, where its jobs do."""
UNREADABLE = Steering("sequential", "parallel", 0.0)
"""What stands in for a rollout that cannot be read: all jobs that are left to the score run sequential."""


@dataclass(frozen=True)
class Orders:
    """What the operators say of modes: the switch, and a rollout's share."""

    switch: Switch | None = None
    steering: Steering | None = None


def orders(client: redis.Redis) -> Orders:
    """Read the switch and the rollout in one round trip; every plan does. Raises ``StoreUnavailable``."""
    with translated():
        pipeline = client.pipeline(transaction=False)
        pipeline.get(SWITCH)
        pipeline.hmget(keys.ROLLOUT, "spec", "status")
        switch, (spec, status) = pipeline.execute()
    try:
        found = parsed(spec, status)
    except RecordUnreadable:
        return Orders(read_switch(switch), UNREADABLE)
    return Orders(read_switch(switch), steering(*found) if found else None)


def policy_of(settings: Settings, said: Orders) -> Policy:
    """What decides a job's mode here: the deployment's settings, and what the operators say over them."""
    switch = said.switch
    return Policy(
        default=settings.parallel_mode,
        boundary=settings.complexity_boundary,
        share=settings.parallel_share,
        override=switch.mode if switch else None,
        force=bool(switch and switch.force),
        steering=said.steering,
        explore=settings.auto_explore,
        terms=Terms(allowed=settings.auto_pipelined, ceiling=settings.auto_cost_ceiling),
    )


def new_spec(
    *, from_mode: ArguedMode, to_mode: ArguedMode, stages: tuple[Stage, ...], margin: float, slower: float
) -> RolloutSpec:
    """Give a wish an id of its own. Raises pydantic's ``ValidationError``."""
    return RolloutSpec(
        id=f"r{uuid.uuid4().hex[:12]}",
        from_mode=from_mode,
        to_mode=to_mode,
        stages=stages,
        margin=margin,
        slower=slower,
    )


def start(client: redis.Redis, spec: RolloutSpec, *, who: str, why: str) -> Rollout:
    """Begin a rollout at its first stage, in the place of one that has ended.

    Raises ``InvalidInput`` where one is under way or ``why`` is empty, ``StoreUnavailable``.
    """
    if not why.strip():
        raise InvalidInput("--why", "is empty; say why, for whoever finds jobs in another mode than expected")
    store = RolloutStore(client)
    before = store.load()
    if before and before.status.phase in UNDER_WAY:
        raise InvalidInput(
            "rollout",
            f"{before.spec.id} is under way; triptych rollout status shows it, triptych rollout abort ends it",
        )
    now_ms = time_ms(client)
    status = begun(now_ms=now_ms, who=who, why=why.strip())
    event = RolloutStarted(
        event_id=uuid.uuid4().hex, who=status.who, why=status.why, spec=spec, decided_ms=now_ms
    )
    store.change(before.place if before else "", event, (spec, status), fresh=True)
    current = store.load()
    if current is None or current.spec.id != spec.id:
        raise InvalidInput("rollout", "was started by somebody else meanwhile; see triptych rollout status")
    return current


def ask(client: redis.Redis, move: Move, *, who: str, why: str) -> Rollout:
    """Make a person's move. Raises ``InvalidInput`` where it cannot be made, ``StoreUnavailable``."""
    store = RolloutStore(client)
    for _ in range(TRIES):
        current = store.load()
        if current is None:
            raise InvalidInput("rollout", "there is none; triptych rollout start begins one")
        status = moved(current.spec, current.status, move, now_ms=current.now_ms, who=who, why=why.strip())
        if _stored(store, current, status, move):
            return Rollout(current.spec, status, current.tallies, current.counted, current.now_ms)
    raise StoreUnavailable("the rollout moved again and again meanwhile; try again")


def clear(client: redis.Redis, *, who: str, why: str = "") -> bool:
    """Let the settings decide again, once a rollout has ended; False where there is none.

    One that cannot be read goes as well. Raises ``InvalidInput`` while one is under way, ``StoreUnavailable``.
    """
    store = RolloutStore(client)
    try:
        current = store.load()
    except RecordUnreadable:
        with translated():
            client.delete(keys.ROLLOUT, keys.ROLLOUT_TALLY, keys.ROLLOUT_HISTORY)
        return True
    if current is None:
        return False
    if current.status.phase in UNDER_WAY:
        raise InvalidInput("rollout", "is under way; triptych rollout abort ends it")
    status = current.status.model_copy(update={"who": who[:200], "why": why.strip()[:500]})
    store.change(current.place, _event(current, status, "clear"), None)
    return True


def tick(client: redis.Redis) -> Transition | None:
    """Look once, and make the move that the jobs call for; ``None`` where it holds or somebody else has moved it.

    Raises ``StoreUnavailable``, and ``RecordUnreadable`` for a rollout that cannot be read.
    """
    store = RolloutStore(client)
    for _ in range(TRIES):
        current = store.load()
        if current is None:
            return None
        found = decide(current.spec, current.status, current.tallies, current.now_ms)
        if not isinstance(found, Transition):
            return None
        status = moved(
            current.spec, current.status, found.move, now_ms=current.now_ms, who=ITSELF, why=found.why
        )
        if _stored(store, current, status, found.move, counted=current.counted):
            return found
    return None  # so many jobs end that none of these moments stood still; the next tick is a second away


def _stored(
    store: RolloutStore, current: Rollout, status: RolloutStatus, move: Move, *, counted: int | None = None
) -> bool:
    event = _event(current, status, move)
    stored = store.change(current.place, event, (current.spec, status), counted=counted)
    if stored == "moved":  # by ourselves, where the reply to a first try was lost
        return event.event_id in [told.event_id for told in store.history()]
    return stored == "done"


def _event(current: Rollout, status: RolloutStatus, move: Move) -> RolloutMoved:
    return RolloutMoved(
        event_id=uuid.uuid4().hex,
        who=status.who,
        why=status.why,
        rollout=current.spec.id,
        move=move,
        phase=status.phase,
        stage=status.stage,
        share=share_in_force(current.spec, status),
        evidence=read(current.spec, current.status.stage, current.tallies).evidence,
        decided_ms=current.now_ms,
    )
