"""``triptych gate``: judge the claims of any answer against its sources, and show what a job's claims rest on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.judge.opinion import Judge, Model, judge_from_options
from orchestrator.cli.shared import asking
from orchestrator.cli.shared.output import emit, pipe_safe, stdout_console
from orchestrator.errors import InvalidInput

if TYPE_CHECKING:
    from pydantic import ValidationError
    from rich.console import Console

    from orchestrator.cli.judge.opinion import AskedJudge
    from orchestrator.contracts import EvalReport, Finding, Result
    from orchestrator.contracts.attributed import AttributedAnswer
    from orchestrator.contracts.report import RepairPass

app = typer.Typer(
    help="Judge claims by their quotes: are they verbatim, and do they cover what is claimed?",
    no_args_is_help=True,
)
EXIT = {"pass": 0, "fail": 1}
MAX_SHOWN = 100
_MAX_PROBLEMS = 5
_PROBLEMS = {"missing": "is missing", "extra_forbidden": "is no field of this form"}

CHECK_HELP = """Judge an answer's claims against their sources, without a model: same input, same verdict.

FILE holds one JSON object, whatever system made the answer:

```json
{"passages": [{"id": "p1", "source": "memo.txt", "text": "Latency fell by 12 % in May."}],
 "claims": [{"id": "c1", "text": "Latency fell by 12 percent.",
             "citations": [{"passage_id": "p1", "quote": "Latency fell by 12 %"}]}],
 "answer": "Yes: it fell."}
```

`answer` may be left out, or be `{"text": ..., "claims": [ids]}`: then no claim may be lost and none invented. A
further field, `question`, holds numbers that the answer may repeat without a source.

- Level 0: the passage is there.
- Level 1: the quote stands in it word for word.
- Level 2: the quotes cover the claim: words, numbers, units, names, negations.
- Level 3: nothing is lost, nothing is invented.
- Level 4: what a wrong quote was probably meant to be, a proposal that never passes anything.

With `--strict` a claim holds only where it says what its quotes say word for word (level 2, `reworded`): level 2 counts
words, and one other word may change what a claim means.

With `--judge` a model is asked about the claims that hold then, and can only take that away (level 2, `judge_refuted`,
`judge_silent`).

What could not be judged is counted apart. Exit codes: 0 pass, 1 fail, 2 bad input.
"""


@app.command("check", help=CHECK_HELP)
@pipe_safe
def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The answer as JSON, or - to read it from stdin.")
    ],
    json_out: Annotated[
        bool, typer.Option("--json", help="Verdict, levels and findings as one JSON object on stdout.")
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Look for quotes that support what failed, once, and judge the answer with those.",
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Let no claim hold that is not whole sentences of one of its quotes, word for word.",
        ),
    ] = False,
    judge: Judge = False,
    model: Model = None,
) -> None:
    """Judge an answer's claims against their sources."""
    from orchestrator.evidence import judge_answer

    second = judge_from_options(judge=judge, model=model)
    report = judge_answer(read_answer(file), repair=repair, strict=strict, second=second)
    if json_out:
        emit(report_json(report, second))
    else:
        print_report(report, stdout_console())
    raise typer.Exit(EXIT[report.verdict])


@app.command("explain")
@pipe_safe
def explain_command(
    job: Annotated[
        str,
        typer.Argument(
            metavar="JOB", help="The job's id; or a file with its result (run --json), or - for stdin."
        ),
    ],
    tenant: asking.TenantName = "default",
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page for a browser instead; it loads nothing."),
    ] = None,
    judge: Judge = False,
    model: Model = None,
) -> None:
    """Show what each claim of JOB's answer rests on: its quotes in their passages, its words that no quote holds."""
    from orchestrator.cli.shared.output import stderr_console, write_file
    from orchestrator.evidence import reconsidered
    from orchestrator.evidence.explain import explain

    second = judge_from_options(judge=judge, model=model, tenant=tenant)
    result = _result(job, tenant)
    if second is not None:
        result = reconsidered(result, second)
    claims = explain(result)
    if html is None:
        from orchestrator.cli.judge.gate_view import print_claims

        print_claims(result, claims, stdout_console())
        return
    from orchestrator.answer.explained import page

    write_file(html, page(result, claims))
    stderr_console().print(f"wrote {html}", soft_wrap=True)


def _result(job: str, tenant: str) -> Result:
    """The result of a job, or the one in a file. Raises ``InvalidInput``, ``StillRunning``, ``JobNotFound``."""
    from pydantic import ValidationError

    from orchestrator.cli.shared.fleet import fleet_client, job_ref
    from orchestrator.contracts import Result
    from orchestrator.errors import StillRunning

    if job == "-" or Path(job).is_file():
        try:
            return Result.from_store(sys.stdin.buffer.read() if job == "-" else Path(job).read_bytes())
        except OSError as error:
            raise InvalidInput(job, f"cannot be read ({error.strerror})") from None
        except ValidationError:
            raise InvalidInput(
                job, "is no result; triptych run --json and triptych result JOB --json print one"
            ) from None
    ref = job_ref(job, tenant)
    with fleet_client() as client:
        found = client.result(ref)
    if found is None:
        raise StillRunning(f"job {ref.task_id!r} has no result yet; triptych watch {ref.task_id}")
    return found


def read_answer(file: Path) -> AttributedAnswer:
    """Read the answer to judge, from stdin for ``-``. Raises ``InvalidInput`` that says what is wrong and where."""
    from pydantic import ValidationError

    from orchestrator.contracts.attributed import MAX_BYTES, AttributedAnswer

    stdin = str(file) == "-"
    name = "stdin" if stdin else str(file)
    try:
        if stdin:
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with file.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(name, f"cannot be read ({error.strerror}); name a file, or -") from None
    if len(raw) > MAX_BYTES:
        raise InvalidInput(name, f"is over {MAX_BYTES:,} bytes; judge the answer in parts")
    try:
        return AttributedAnswer.model_validate_json(raw.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        raise InvalidInput(name, _problems(error)) from None


def _problems(error: ValidationError) -> str:
    """The first problems, each with the place that it is in: ``claims[0].citations[2].quote``."""
    problems = [
        f"{_place(item['loc'])}{_PROBLEMS.get(item['type'], item['msg'].removeprefix('Value error, '))}"
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    more = f"; and {len(problems) - _MAX_PROBLEMS} more" if len(problems) > _MAX_PROBLEMS else ""
    return "; ".join(problems[:_MAX_PROBLEMS]) + more + " (triptych gate check --help shows the form)"


def _place(loc: tuple[int | str, ...]) -> str:
    from orchestrator.plaintext import one_line

    path = "".join(f"[{part}]" if isinstance(part, int) else f".{one_line(part, 80)}" for part in loc)
    return f"{path.lstrip('.')}: " if path else ""


def report_json(report: EvalReport, second: AskedJudge | None = None) -> str:
    """The report as one JSON object: ``verdict``, ``evidence_ok``, ``quality``, ``levels`` with rates, ..."""
    import json

    body: dict[str, Any] = {
        "verdict": report.verdict,
        "evidence_ok": report.evidence_ok,
        "quality": report.quality,
        "levels": [{**level.model_dump(), "rate": level.rate} for level in report.levels],
        "claims": [claim.model_dump() for claim in report.claims],
        "findings": [finding.model_dump() for finding in report.findings],
        "repair": report.repair and report.repair.model_dump(),
        "judge": second and second.as_json(),
    }
    return json.dumps(body, ensure_ascii=False)


def print_report(report: EvalReport, console: Console) -> None:
    """Print the levels as rates, the findings level by level, and the verdict last."""
    for level in report.levels:
        rate = "-" if level.rate is None else f"{level.rate:.1%}"
        apart = f", {level.not_judged} not judged" if level.not_judged else ""
        counts = f"{level.passed} of {level.checked}{apart}"
        console.print(f"level {level.level}  {level.name:<30} {rate:>7}  {counts}")
    findings = sorted(report.findings, key=lambda finding: finding.level)
    for finding in findings[:MAX_SHOWN]:
        console.print(_told(finding), style="" if finding.judged else "dim", soft_wrap=True)
    if len(findings) > MAX_SHOWN:
        console.print(f"and {len(findings) - MAX_SHOWN:,} more: --json has all of them")
    if report.repair:
        console.print(*_repaired(report.repair), sep="\n", soft_wrap=True)
    if upheld := [claim for claim in report.claims if claim.upheld]:
        literal = sum(claim.word_for_word for claim in upheld)
        console.print(f"{len(upheld)} of {len(report.claims)} claims hold, {literal} of them word for word")
    console.print(f"verdict: {report.verdict}", style="bold")


def _repaired(repair: RepairPass) -> Iterator[str]:
    from orchestrator.plaintext import one_line

    for each in repair.repairs[:MAX_SHOWN]:
        yield f"repaired claim {one_line(each.claim_id or '')}"
        for citation in (c for c in each.now if c not in each.was):
            yield f"         now: {one_line(citation.passage_id)}: “{one_line(citation.quote)}”"
    yield (
        f"repair pass: {len(repair.repairs)} repaired, {len(repair.settled)} of {repair.findings_before} findings "
        f"settled; verdict before: {repair.verdict_before}"
    )


def _told(finding: Finding) -> str:
    from orchestrator.plaintext import one_line

    subject = [f"claim {finding.claim_id}"] if finding.claim_id else ["the answer"]
    if finding.citation is not None:
        subject.append(f"citation {finding.citation}")
    head = f"level {finding.level}  {', '.join(subject)}: {finding.reason}"
    lines = [one_line(f"{head} - {finding.detail}" if finding.detail else head)]
    if not finding.judged:
        lines[0] += " (not judged)"
    if finding.repair:
        lines.append(
            f"         repair: {one_line(finding.repair_passage or '')}: “{one_line(finding.repair)}”"
        )
    return "\n".join(lines)
