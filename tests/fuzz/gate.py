"""``make fuzz``: atheris at the gate's door and at quotes, until the time is up or something breaks.

It looks for three things: an exception that is no ``ValidationError``, a quote that passes though its letters and
digits do not stand in the passage in that order, and an input that takes long (libFuzzer's ``-timeout``).
"""

from __future__ import annotations

import sys
from typing import Any

try:
    import atheris
except ImportError:
    print("atheris does not install here (it has wheels for Linux and some Pythons): nothing was fuzzed")
    sys.exit(0)

with atheris.instrument_imports(include=["orchestrator.evidence", "orchestrator.language"]):
    from pydantic import ValidationError

    from orchestrator.contracts.attributed import AttributedAnswer
    from orchestrator.evidence import judge_answer
    from tests.unit.evidence.test_fuzz import EDITS, SOUND, answer, bare


def one(data: bytes) -> None:
    """Judge what one input says."""
    provider: Any = atheris.FuzzedDataProvider(data)
    if provider.ConsumeBool():
        _door(provider.ConsumeBytes(4_000))
    else:
        _quote(provider)


def _door(raw: bytes) -> None:
    try:
        judge_answer(AttributedAnswer.model_validate_json(raw))
    except ValidationError:
        return


def _quote(provider: Any) -> None:
    text, quote, passage = SOUND[provider.ConsumeIntInRange(0, len(SOUND) - 1)]
    for _ in range(provider.ConsumeIntInRange(1, 6)):
        at = provider.ConsumeIntInRange(0, len(quote))
        cut = provider.ConsumeIntInRange(0, 3)
        edit = EDITS[provider.ConsumeIntInRange(0, len(EDITS) - 1)] if provider.ConsumeBool() else ""
        quote = quote[:at] + (edit or provider.ConsumeUnicodeNoSurrogates(2)) + quote[at + cut :]
    report = judge_answer(answer(text, quote, passage))
    if report.verdict == "pass" and bare(quote) not in bare(passage):
        raise AssertionError(f"passes and is not verbatim: {quote!a}")


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], "-timeout=5", *(sys.argv[1:] or ["-max_total_time=60"])], one)
    atheris.Fuzz()
