"""The forms of the messages that Celery 5 writes, as far as they are looked at."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.contracts.base import PROTOCOL

QUEUE_PREFIX = f"triptych.v{PROTOCOL}."
MAX_FOLLOWING = 8


class Part(BaseModel):
    """What is not named here is Celery's business, and harmless."""

    model_config = ConfigDict(strict=True, extra="ignore")


Name = Annotated[str, Field(min_length=1, max_length=255)]
Text = Annotated[str, Field(max_length=100_000)]


class Headers(Part):
    """What Celery writes about a task."""

    task: Name
    id: Name
    root_id: Name | None = None
    parent_id: Name | None = None
    group: Name | None = None
    shadow: Text | None = None
    argsrepr: Text | None = None
    kwargsrepr: Text | None = None
    origin: Text | None = None
    eta: Text | None = None
    expires: Text | None = None
    retries: Annotated[int, Field(ge=0, le=1_000)] | None = None
    timelimit: Annotated[list[float | None], Field(min_length=2, max_length=2)] | None = None
    ignore_result: bool | None = None
    stamps: dict[str, Any] | None = None
    stamped_headers: list[str] | None = None
    compression: None = None  # a small message must not become a large one


class DeliveryInfo(Part):
    """Where kombu sent it."""

    exchange: Annotated[str, Field(max_length=255)]
    routing_key: Annotated[str, Field(max_length=255)]


class Properties(Part):
    """What kombu writes about a message."""

    delivery_tag: Name
    delivery_info: DeliveryInfo
    body_encoding: Literal["base64"]
    correlation_id: Name | None = None
    reply_to: Name | None = None


class Envelope(Part):
    """A whole message; its body is base64 of JSON."""

    body: str
    headers: Headers
    properties: Properties
    content_type: Annotated[Literal["application/json"], Field(alias="content-type")]
    content_encoding: Annotated[Literal["utf-8"], Field(alias="content-encoding")]


class Options(Part):
    """Of a step that follows: where it is sent."""

    queue: Annotated[str, Field(pattern=rf"^{re.escape(QUEUE_PREFIX)}[a-z]+$")]
    task_id: Name
    # Each of these would have a worker send something else, or elsewhere, than a job's next step.
    link: None = None
    link_error: None = None
    chain: None = None
    chord: None = None
    exchange: None = None
    routing_key: None = None
    headers: None = None


class Following(Part):
    """What Celery sends when this step ends."""

    task: Annotated[str, Field(pattern=r"^triptych\.[a-z_]+$", max_length=100)]
    args: list[Any]
    keywords: Annotated[dict[str, Any], Field(max_length=0, alias="kwargs")]
    options: Options


class Embed(Part):
    """What of a message's canvas comes with it."""

    callbacks: Annotated[list[Any], Field(max_length=0)] | None = None
    errbacks: Annotated[list[Any], Field(max_length=0)] | None = None
    chain: Annotated[list[Following], Field(max_length=MAX_FOLLOWING)] | None = None
    chord: Following | None = None

    @property
    def following(self) -> list[Following]:
        """All that is sent after this step."""
        return [*(self.chain or ()), *([self.chord] if self.chord else ())]
