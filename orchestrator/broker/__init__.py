"""Celery and kombu as Triptych uses them: the application, its queues, a transport that survives its input."""

from orchestrator.broker.app import (
    ALL_QUEUES,
    JUDGE_QUEUE,
    NEW_WORK,
    PRIORITY,
    QUEUES,
    TASK_PREFIX,
    make_app,
    priority_for,
    queue_for,
)

__all__ = [
    "ALL_QUEUES",
    "JUDGE_QUEUE",
    "NEW_WORK",
    "PRIORITY",
    "QUEUES",
    "TASK_PREFIX",
    "make_app",
    "priority_for",
    "queue_for",
]
