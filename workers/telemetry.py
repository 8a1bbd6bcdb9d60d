"""Logs: structured, one line each, on standard error; ids and figures only, never task text or model output."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from pathlib import Path

import structlog
from celery.exceptions import CPendingDeprecationWarning

PER_MESSAGE = ("celery.worker.strategy", "celery.app.trace")
"""Celery writes two lines for each message. The ledger says it better, so they are written at DEBUG only."""


def configure_logging(level: str) -> None:
    """Send structlog and the standard library's loggers through one formatter."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # At every lost connection Celery warns of what its next major may do, and describes what does not happen here.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    for name in PER_MESSAGE:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else max(root.level, logging.WARNING))


def whereabouts(error: BaseException) -> str:
    """Where an error was raised, innermost last: what a log may say of one whose text may quote a document."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}" for frame in frames)
