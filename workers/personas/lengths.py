"""How long each form's answer may get, as shares of TRIPTYCH_MAX_OUTPUT_TOKENS. Pure.

A share bounds what a part that runs wild can cost in tokens and seconds; it is no wish for length, which the prompts
say. Models that reason first spend part of it on that, so the shares are generous.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.routing.estimate import CRITIC_SHARE
from workers.brief import Brief, Form

LEAST_TOKENS = 64

SHARE: Mapping[Form, float] = {
    "thesis": 1.0,
    "antithesis": 1.0,
    "antithesis_standalone": 1.0,
    "synthesis": 1.0,
    "rebuttal": 0.5,
    "resolution": 0.5,
    "section": 0.6,
    "merge": 0.3,
    "single": 3.0,  # what a sequential job's three calls may write together
}


def longest_answer(brief: Brief, max_output_tokens: int) -> int:
    """Tokens that this brief's answer may take, where a whole persona's may take ``max_output_tokens``."""
    critic = brief.form == "antithesis_standalone" and brief.plan.mode == "pipelined"
    share = CRITIC_SHARE if critic else SHARE[brief.form]
    return max(LEAST_TOKENS, round(share * max_output_tokens))
