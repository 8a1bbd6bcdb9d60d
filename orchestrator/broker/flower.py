"""Flower's door: ``celery --app orchestrator.broker.flower flower``. It reads the settings, so nothing imports it.

Flower needs the broker and no task. It switches the workers' events on while it runs, so that a fleet without Flower
does not pay for them.
"""

from __future__ import annotations

from orchestrator.broker import make_app
from orchestrator.settings import Settings, load_settings
from orchestrator.store.connection import broker_url


def _broker_url(settings: Settings) -> str:
    return broker_url(settings.redis_url.get_secret_value()) if settings.redis_url else ""


_settings = load_settings()
app = make_app(_settings)
# Flower knows Redis by kombu's own name for it, and consumes no queue: there is nothing to screen.
app.conf.update(broker_url=_broker_url(_settings), broker_transport=None)
