"""A small argument that passes the gate, in two languages; tests break one thing at a time."""

from orchestrator.contracts import Citation, Claim, EvalReport, Passage, PersonaOutput
from orchestrator.evidence import judge

PASSAGES = {
    "en": (
        Passage(
            id="p1",
            source="cache.md",
            text="Overview. The Redis cache reduced median latency by 12 % in May 2024. "
            "It did not lower memory use on the workers. Costs rose to 3 million dollars.",
        ),
        Passage(
            id="p2",
            source="queue.md",
            text="The Kafka queue kept 4,500 messages for 30 seconds without losing any order.",
        ),
    ),
    "ko": (
        Passage(
            id="p1",
            source="cache.md",
            text="개요. Redis 캐시는 중앙값 지연을 12 % 줄였다. "
            "그러나 작업자의 메모리 사용량은 낮추지 않았다. "
            "비용은 300만 원으로 늘었다.",
        ),
        Passage(
            id="p2",
            source="queue.md",
            text="Kafka 큐는 메시지 4,500개를 30초 동안 순서를 잃지 않고 보관했다.",
        ),
    ),
}

QUOTES = {
    "en": (
        "The Redis cache reduced median latency by 12 % in May 2024.",
        "It did not lower memory use on the workers.",
        "kept 4,500 messages for 30 seconds",
    ),
    "ko": (
        "Redis 캐시는 중앙값 지연을 12 % 줄였다.",
        "작업자의 메모리 사용량은 낮추지 않았다.",
        "메시지 4,500개를 30초 동안 순서를 잃지 않고 보관했다.",
    ),
}
TEXTS = {
    "en": (
        "The Redis cache reduced median latency by 12 percent in May 2024.",
        "It does not lower memory use on workers.",
        "The queue kept 4,500 messages for 30 s.",
    ),
    "ko": (
        "Redis 캐시가 중앙값 지연을 12% 줄였다.",
        "작업자의 메모리 사용량을 낮추지 않는다.",
        "큐는 메시지 4500개를 30초 보관했다.",
    ),
}
SOURCES = ("p1", "p1", "p2")


def claims(language: str = "en", prefix: str = "s", about: tuple[str, ...] = ()) -> list[Claim]:
    kind = {"t": "position", "a": "objection", "s": "consensus"}[prefix]
    return [
        Claim.model_validate(
            {
                "id": f"{prefix}{n}",
                "text": text,
                "citations": [Citation(passage_id=source, quote=quote)],
                "about": about,
                "kind": kind,
            }
        )
        for n, (text, quote, source) in enumerate(
            zip(TEXTS[language], QUOTES[language], SOURCES, strict=True), start=1
        )
    ]


def outputs(synthesis: list[Claim], language: str = "en") -> list[PersonaOutput]:
    return [
        PersonaOutput(
            task_id="job",
            persona="thesis",
            step="thesis",
            summary="Yes.",
            claims=tuple(claims(language, "t")),
        ),
        PersonaOutput(
            task_id="job",
            persona="antithesis",
            step="antithesis",
            summary="No.",
            claims=tuple(claims(language, "a", ("t1",))),
        ),
        PersonaOutput(
            task_id="job", persona="synthesis", step="synthesis", summary="So.", claims=tuple(synthesis)
        ),
    ]


ALL = ("t1", "t2", "t3", "a1", "a2", "a3")


def judged(language: str = "en", **changes: object) -> EvalReport:
    """Judge the good argument with the first synthesis claim changed."""
    first, *rest = claims(language, "s", ALL)
    return judge(
        "job",
        PASSAGES[language],
        outputs([first.model_copy(update=changes), *rest], language),
        evidence_required=True,
    )


def reasons(report: EvalReport) -> set[str]:
    return {f.reason for f in report.findings if f.judged}
