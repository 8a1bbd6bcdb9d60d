"""Processes that die, stop and come back: what becomes of their jobs."""

import pytest

pytest.register_assert_rewrite("tests.faults.cases")
