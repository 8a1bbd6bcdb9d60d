"""The RAG call: search the job's documents again, with words that the plan did not think of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from workers.tools.protocol import ToolContext, ToolResult


class RetrieveInput(BaseModel):
    """What to look for."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    query: Annotated[str, Field(min_length=1, max_length=400)]
    limit: Annotated[int, Field(ge=1, le=8)] = 4


class Retrieve:
    """Search over the job's corpus, through the search that the context lends."""

    name = "retrieve"
    description = (
        "Search the job's documents for more passages. Ask with the words that the documents would use, "
        "in their language."
    )
    input_model = RetrieveInput

    def call(self, given: RetrieveInput, context: ToolContext) -> ToolResult:
        """Search once. Finding nothing is a result, not a failure."""
        if context.retrieve is None:
            return ToolResult("This job has no documents to search.", ok=False)
        passages = tuple(context.retrieve([given.query], given.limit))[: given.limit]
        if not passages:
            return ToolResult("Nothing relevant was found.")
        return ToolResult("Found: " + ", ".join(passage.id for passage in passages) + ".", passages)


TOOL = Retrieve()
