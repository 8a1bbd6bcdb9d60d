"""The heavy libraries that read documents, imported when the first document needs them."""

from __future__ import annotations

import importlib
from typing import Any

from orchestrator.errors import DocumentError


def extra(module: str, source: str) -> Any:  # noqa: ANN401 - a module, whose attributes no checker can know
    """The module. Raises ``DocumentError`` about ``source`` with what to install where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        problem = (
            f'needs the package {module.partition(".")[0]} to be read; run: pip install "triptych[docs]"'
        )
        raise DocumentError(source, problem) from error
