"""``triptych doctor``: what is wrong with this set-up, and what to do. Exit codes: 0 fine, 1 warnings, 2 errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.shared.output import emit, pipe_safe, stdout_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from orchestrator.doctor import Finding
    from orchestrator.settings import Settings

_MARKS = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "error": ("✗", "bold red"),
    "skipped": ("-", "dim"),
}


@pipe_safe
def command(
    job: Annotated[bool, typer.Option("--job", help="Also send a smoke job through the fleet.")] = False,
    model: Annotated[
        bool,
        typer.Option("--model", help="Also ask the models' endpoints, from this machine; costs no tokens."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check settings, home, Redis, workers, clocks and load, and say what to do. Exit: 0, 1 warnings, 2 errors."""
    from orchestrator.doctor import exit_code
    from orchestrator.settings import load_settings

    findings: list[Finding] = []
    console = stdout_console()
    for finding in _findings(load_settings(), job=job, model=model):
        findings.append(finding)
        if not as_json:
            show(finding, console)
    if as_json:
        said = ",".join(finding.model_dump_json() for finding in findings)
        emit(f'{{"exit_code":{exit_code(findings)},"findings":[{said}]}}')
    raise SystemExit(exit_code(findings))


def _findings(settings: Settings, *, job: bool, model: bool) -> Iterator[Finding]:
    from orchestrator.doctor import examine

    if job and settings.redis_url is None:
        from orchestrator.errors import InvalidInput

        raise InvalidInput("--job", "needs a fleet: set REDIS_URL, or try a private one with `make demo`")
    yield from examine(settings)
    if model:
        from orchestrator.doctor.endpoint import examine_models

        yield from examine_models(settings)
    if job:
        from orchestrator.client import Client
        from orchestrator.doctor.job import run_smoke_job

        client = Client(settings)
        try:
            yield from run_smoke_job(client)
        finally:
            client.close()


def show(finding: Finding, console: Console) -> None:
    """Print one finding, and below it what to do."""
    from rich.text import Text

    from orchestrator.plaintext import one_line

    mark, style = _MARKS[finding.level]
    console.print(
        Text.assemble(
            (f"{mark} ", style), (f"{one_line(finding.check, 40)}: ", "bold"), one_line(finding.what, 400)
        ),
        soft_wrap=True,
    )
    if finding.do:
        console.print(Text(f"    {one_line(finding.do, 300)}"), soft_wrap=True)
