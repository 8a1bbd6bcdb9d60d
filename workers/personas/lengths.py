"""How long each form's answer may get, as shares of TRIPTYCH_MAX_OUTPUT_TOKENS. Pure.

A share bounds what a part that runs wild can cost in tokens and seconds; it is no wish for length, which the prompts
say. Models that reason first spend part of it on that, so the shares are generous.
"""

from __future__ import annotations

from collections.abc import Mapping

from workers.brief import Form

LEAST_TOKENS = 64

SHARE: Mapping[Form, float] = {
    "thesis": 1.0,
    "antithesis": 1.0,
    "antithesis_standalone": 1.0,
    "synthesis": 1.0,
}


def longest_answer(form: Form, max_output_tokens: int) -> int:
    """Tokens that an answer of this form may take, where a whole persona's may take ``max_output_tokens``."""
    return max(LEAST_TOKENS, round(SHARE[form] * max_output_tokens))
