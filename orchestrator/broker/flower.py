"""Flower as Triptych runs it: behind a login, to look and not to touch, each task with its job, mode and persona.

Flower needs the broker and no task. It switches the workers' events on while it runs, so that a fleet without Flower
does not pay for them.
"""

from __future__ import annotations

import ipaddress
import logging
import signal
import time
from typing import Any

from celery.events import EventReceiver
from flower import command
from flower.app import Flower
from flower.events import Events
from flower.options import default_options as options
from tornado.ioloop import IOLoop
from tornado.log import enable_pretty_logging

from orchestrator.broker import TASK_PREFIX, make_app
from orchestrator.broker.addresses import broker_url
from orchestrator.errors import InvalidInput, InvalidSettings
from orchestrator.settings import Settings

COLUMNS = ("name", "uuid", "state", "result", "kwargs", "received", "runtime", "worker")
"""Of the table of tasks. The labels of a message (job, mode, persona) are what Flower calls its ``kwargs``."""
OURS: dict[str, Any] = {
    "address": "127.0.0.1",
    "tasks_columns": ",".join(COLUMNS),
    # To look, not to touch: a task that Celery revokes is lost to its job. `triptych cancel` is the way.
    "read_only": True,
    "max_tasks": 10_000,
    "purge_offline_workers": 300,
}
"""Where Flower's own options are left at something else than its defaults; a ``FLOWER_*`` variable is stronger."""

AGAIN_S = 2.0
TEN_YEARS_S = 10 * 365 * 86_400

log = logging.getLogger(__name__)


def prepare(
    settings: Settings, *, host: str | None, port: int | None, url_prefix: str | None, login: bool
) -> Flower:
    """Set Flower up; nothing is open and nothing is connected yet. Arguments are stronger than ``FLOWER_*`` variables.

    Raises ``InvalidSettings`` without a Redis, without a login where one is wanted, and for a variable that Flower
    cannot read; ``InvalidInput`` where it would be open to other machines without a login.
    """
    app = make_app(settings)
    url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    # Flower knows Redis by kombu's own name for it, and consumes no queue: there is nothing to screen.
    # Nor is it to put anybody's messages back: what is in them is none of its business (orchestrator.acl).
    never = {**app.conf.broker_transport_options, "visibility_timeout": TEN_YEARS_S}
    app.conf.update(broker_url=broker_url(url), broker_transport=None, broker_transport_options=never)
    for name, value in OURS.items():
        setattr(options, name, value)
    try:
        command.apply_env_options()
    except (ValueError, KeyError) as error:
        raise InvalidSettings(
            "FLOWER_*", f"holds what Flower cannot read ({error}); see its options"
        ) from None
    for name, given in (("address", host), ("port", port), ("url_prefix", url_prefix)):
        if given is not None:
            setattr(options, name, given)
    _lock(settings, login=login)
    options.logging = settings.log_level.lower()
    command.extract_settings()
    loop = IOLoop.current()
    events = _Events(
        app,
        io_loop=loop,
        db=options.db,
        persistent=options.persistent,
        state_save_interval=options.state_save_interval,
        enable_events=options.enable_events,
        max_workers_in_memory=options.max_workers,
        max_tasks_in_memory=options.max_tasks,
    )
    return Flower(capp=app, options=options, events=events, io_loop=loop, **command.settings)


def serve(flower: Flower) -> None:
    """Look until told to stop."""
    enable_pretty_logging(options)
    command.setup_logging()
    signal.signal(signal.SIGTERM, command.sigterm_handler)
    try:
        flower.start()
    finally:
        flower.stop()


def _lock(settings: Settings, *, login: bool) -> None:
    if not login:
        if not _is_loopback(options.address):
            raise InvalidInput(
                "--no-login", f"opens this machine's own address alone, not {options.address!r}"
            )
        options.basic_auth = []
        return
    if settings.flower_login is not None:
        options.basic_auth = settings.flower_login.get_secret_value().split(",")
    if not (options.basic_auth or options.auth):
        raise InvalidSettings(
            "TRIPTYCH_FLOWER_LOGIN",
            "is not set; put USER:PASSWORD there, or say --no-login to have Flower on this machine alone without one",
        )


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class _Events(Events):  # type: ignore[misc]  # Flower publishes no types
    """Flower's ear and memory."""

    def run(self) -> None:
        """Listen for ever. Flower's own loop doubles its pause without end: long deaf after a long outage."""
        while True:
            try:
                with self.capp.connection() as connection:
                    receiver = EventReceiver(connection, handlers={"*": self.on_event}, app=self.capp)
                    receiver.capture(limit=None, timeout=None, wakeup=True)
            except Exception as error:  # noqa: BLE001 - whatever it was, a deaf Flower looks like an idle fleet
                log.warning("No events: %s. Trying again in %g s.", error, AGAIN_S)
                time.sleep(AGAIN_S)

    def on_event(self, event: dict[str, Any]) -> None:
        """Record one event. Workers show labels; the ``task-sent`` of a producer's own Celery, the question itself."""
        if event["type"] == "task-sent" and str(event.get("name", "")).startswith(TASK_PREFIX):
            event = {name: value for name, value in event.items() if name not in ("args", "kwargs")}
        super().on_event(event)
