"""The Celery application that producers, workers and the sweep share: names, queues, priorities, settings.

Messages carry ids and nothing else. Queue names carry the protocol's major number, so that an older worker never
sees a newer message. Each setting below that differs from Celery's default says why.
"""

from __future__ import annotations

from celery import Celery

from orchestrator.broker.addresses import celery_settings, transport_options
from orchestrator.contracts import PROTOCOL
from orchestrator.errors import InvalidSettings
from orchestrator.routing.flow import REBUTTAL, RESOLUTION, SECTION, SYNTHESIS, name_of, persona_of
from orchestrator.settings import Settings
from orchestrator.store.connection import CONNECT_TIMEOUT_S, TIMEOUT_S
from orchestrator.store.keys import PRIORITY_STEPS

TASK_PREFIX = "triptych."
PRIORITY = {SYNTHESIS: 0, SECTION: 3, RESOLUTION: 3, REBUTTAL: 6}
"""Finish before you start: 0 is taken first. What is not named is new work, and comes last."""
NEW_WORK = 9
QUEUES = ("plan", "thesis", "antithesis", "synthesis")
"""One queue per persona, so that they scale apart; all forms of one share its queue."""
JUDGE_QUEUE = "judge"
"""Of questions to an LLM judge: part of no job, so no job waits where nobody takes them."""
ALL_QUEUES = (*QUEUES, JUDGE_QUEUE)
"""What a worker takes unless it is told otherwise."""
LONGEST_STEP_S = 3_600
VISIBILITY_S = 120
"""When a message that nobody acknowledged comes back. For jobs on their way in: a step's is dropped where it has an
owner or an output, and the sweep is sooner where it has neither."""


def queue_for(step: str) -> str:
    """The queue that a step's messages wait in: its persona's. The plan, which none speaks, has its own."""
    return f"triptych.v{PROTOCOL}.{persona_of(step)}"


def priority_for(step: str) -> int:
    """The Redis transport's priority of a step: lower is sooner."""
    return PRIORITY.get(name_of(step), NEW_WORK)


def make_app(settings: Settings) -> Celery:
    """A Celery application for this deployment. Nothing is connected until something is sent."""
    if settings.redis_url is None:
        raise InvalidSettings("REDIS_URL", "is not set; name the Redis that the workers use")
    url = settings.redis_url.get_secret_value()
    app = Celery("triptych", set_as_current=False)
    app.conf.update(
        **celery_settings(url),
        # JSON only: nothing that arrives is ever unpickled.
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        # A message is done when its step is: a killed worker's message comes back (the sweep is sooner).
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        # Outputs are read from the record; storing results too opens two windows in which a chord hangs.
        task_ignore_result=True,
        result_expires=LONGEST_STEP_S,
        result_backend_thread_safe=True,
        redis_max_connections=3_000,
        redis_socket_timeout=TIMEOUT_S,
        redis_socket_connect_timeout=CONNECT_TIMEOUT_S,
        redis_retry_on_timeout=True,
        redis_backend_health_check_interval=25,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_S,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "max_connections": 3_000,
            "queue_order_strategy": "priority",
            "priority_steps": list(PRIORITY_STEPS),
            "sep": ":",
            "socket_timeout": TIMEOUT_S,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_keepalive": not url.startswith("unix:"),
            # A half-open connection is noticed after twice this and the second that a read blocks.
            "health_check_interval": 5,
            **transport_options(url),
        },
        task_default_priority=NEW_WORK,
        # However long Redis is away, a worker comes back by itself.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # What a server refuses (it became a replica, say, or is full) is a reason to connect anew, not to die.
        broker_channel_error_retry=True,
        # The messages in flight are counted across connections (taken.Taken), so once.
        worker_enable_prefetch_count_reduction=False,
        # A producer must hear at once that Redis is away; its caller decides whether to try again.
        task_publish_retry=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        enable_utc=True,
        task_create_missing_queues=True,
        task_default_queue=queue_for("plan"),
    )
    return app
