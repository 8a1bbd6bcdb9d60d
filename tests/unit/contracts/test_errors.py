"""The exception tree crosses Celery's JSON: positional arguments rebuild the error."""

import json
from typing import Any

import pytest

from orchestrator import errors


def tree(root: type[BaseException]) -> list[type[BaseException]]:
    return [root, *(cls for child in root.__subclasses__() for cls in tree(child))]


ARGS: dict[type, tuple[Any, ...]] = {
    errors.InvalidInput: ("goal", "is empty; ask a question"),
    errors.AdmissionClosed: ("its ledger is full", 30.0),
    errors.ModelError: ("auth", "the endpoint refused the key"),
    errors.RetryableModelError: ("overloaded", "busy", 2.5),
}
TREE = [cls for cls in tree(errors.TriptychError) if cls.__module__ == errors.__name__]


def args_of(cls: type[BaseException]) -> tuple[Any, ...]:
    return next((ARGS[base] for base in cls.__mro__ if base in ARGS), ("what is wrong; what to do",))


@pytest.mark.parametrize("cls", TREE)
def test_every_error_survives_json(cls):
    error = cls(*args_of(cls))
    again = cls(*json.loads(json.dumps(error.args)))
    assert (type(again), again.args, str(again), vars(again)) == (cls, error.args, str(error), vars(error))
    assert str(error)


def test_every_error_is_drawn_in_the_tree():
    assert [cls.__name__ for cls in TREE if cls.__name__ not in (errors.__doc__ or "")] == []


def test_everything_is_somebodys_fault():
    faults = (errors.CallerError, errors.JobError, errors.WorldError)
    assert [cls for cls in TREE[1:] if sum(issubclass(cls, fault) for fault in faults) != 1] == []
