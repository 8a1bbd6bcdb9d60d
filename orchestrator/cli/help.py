"""How ``--help`` looks: a flag takes no value, so none is shown beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from typer.core import TyperGroup, TyperOption


class Commands(TyperGroup):
    """The commands of ``triptych``, their options shown without the types that typer would print for flags."""

    def get_params(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own types are private
        """Give the options of ``triptych`` itself."""
        return _bare(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - see above
        """Find a command by its name."""
        command = super().get_command(ctx, cmd_name)
        _bare(_options(command, ctx))
        return command


def _bare(parameters: Iterable[Any]) -> list[Any]:
    parameters = list(parameters)
    for option in parameters:
        if isinstance(option, TyperOption) and option.is_flag:
            option.metavar = ""
    return parameters


def _options(command: Any, ctx: Any) -> Iterator[TyperOption]:  # noqa: ANN401 - see above
    """All options of a command and of those below it; ``--help`` is among what it gives only when it is asked."""
    for parameter in command.get_params(ctx) if command else ():
        if isinstance(parameter, TyperOption):
            yield parameter
    for below in getattr(command, "commands", {}).values():
        yield from _options(below, ctx)
