"""The relevance floor, as a table: what these documents answer, and what they do not."""

import pytest

from orchestrator.contracts import Passage
from orchestrator.corpus import rank_passages

EN = {
    "timeout": "A visibility timeout hides a message from other consumers while one of them works on it. When a task "
    "runs longer than the timeout, Redis delivers it a second time, and the work is done twice.",
    "acks": "With late acknowledgement a worker confirms a message only after the task has ended. A worker that is "
    "killed in the middle leaves the message unacknowledged, so that another worker gets it.",
    "prefetch": "The prefetch multiplier decides how many messages a worker reserves in advance. Long tasks want a "
    "multiplier of one; many short tasks run faster with a higher value.",
    "chord": "A chord runs its callback once every task of the group has finished. If one header task raises an "
    "exception, the callback never runs and the results of the others are lost.",
    "cost": "Running three personas side by side shortens the time to an answer from 29.5 to 25 seconds, but it costs "
    "about 12 % more tokens, since the antithesis cannot read the thesis.",
    "coffee": "The office kitchen has a machine for espresso. Please clean the milk frother after every use and write "
    "your name on anything you leave in the fridge.",
}
KO = {
    "격리": "가시성 제한시간이 지나면 시스템에서는 같은 메시지를 다시 배달한다. "
    "작업이 길어지면 같은 일이 두 번 실행될 수 있다.",
    "지연": "병렬 모드의 평균 지연은 25초이고, 순차 모드는 29.5초이다. "
    "지연을 줄이려면 반박과 정리를 나란히 실행해야 한다.",
    "장애": "워커가 강제로 종료되면 임대가 만료된 뒤 다른 워커가 그 단계를 이어받는다. "
    "복구에는 10초가 넘게 걸리지 않는다.",
    "주방": "사무실 주방의 커피 머신은 사용한 뒤에 닦아 주세요. 냉장고에 넣은 음식에는 이름을 적어 주세요.",
}
PASSAGES = [
    Passage(id=name, source=f"{name}.md", text=text, end=len(text)) for name, text in (EN | KO).items()
]


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("What happens when a task runs longer than the visibility timeout?", "timeout"),
        ("visibility timeout", "timeout"),
        ("Why would a message be delivered twice?", "timeout"),
        ("Should we enable late acknowledgement for our workers?", "acks"),
        ("Which prefetch multiplier is best for long tasks?", "prefetch"),
        ("What happens to the callback of a chord if one task raises?", "chord"),
        ("How many more tokens do personas cost when they run side by side?", "cost"),
        ("Who cleans the espresso machine in the kitchen?", "coffee"),
        ("가시성 제한시간이 지나면 무슨 일이 일어나나요?", "격리"),
        ("시스템", "격리"),
        ("지연", "지연"),
        ("병렬 모드의 지연은 얼마나 되나요?", "지연"),
        ("워커가 종료되면 어떻게 복구하나요?", "장애"),
        ("커피 머신은 누가 닦나요?", "주방"),
        ("Redis는 메시지를 왜 다시 배달하나요?", "격리"),
    ],
)
def test_a_question_the_documents_answer_finds_its_passage_first(question, best):
    hits = rank_passages(PASSAGES, [question], 3)

    assert hits[0].passage.id == best


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Australia?",
        "How long should bread be baked at high temperature?",
        "Which team won the football championship last year?",
        "How do I write a cover letter for a job application?",
        "What is the best way to learn the piano as an adult?",
        "How much does a used electric car cost in winter?",
        "Is it healthy to run every morning before breakfast?",
        "When was the first message sent from the moon?",
        "What time does the shop answer calls?",
        "bread machine",
        "축구 메시지",
        "Which machine translates Sumerian tablets?",
        "호주의 수도는 어디인가요?",
        "빵은 몇 도에서 얼마나 구워야 하나요?",
        "작년 축구 대회에서 어느 팀이 우승했나요?",
        "피아노를 배우는 가장 좋은 방법은 무엇인가요?",
        "제주도 여행에 평균 비용은 얼마나 드나요?",
        "세종대왕은 언제 한글을 만들었나요?",
        "What should I do?",
        "?!",
        "",
    ],
)
def test_a_question_about_something_else_finds_nothing(question):
    assert rank_passages(PASSAGES, [question], 3) == ()


@pytest.mark.parametrize("inflected", ["시스템에서는", "시스템을", "시스템의", "시스템"])
def test_korean_is_found_whatever_particle_hangs_on_either_side(inflected):
    passage = Passage(id="x", source="x.md", text=f"이 {inflected} 재고를 센다.", end=14)

    for asked in ("시스템", "시스템이", "시스템에서"):
        assert rank_passages([passage, *PASSAGES], [asked], 2)[0].passage.id in {"x", "격리"}
        assert rank_passages([passage], [asked], 1)


def test_a_latin_name_is_found_under_a_korean_particle():
    passage = Passage(id="x", source="x.md", text="Celery에서 체인을 쓴다.", end=15)

    assert rank_passages([passage, *PASSAGES], ["Celery"], 1)[0].passage.id == "x"


def test_one_passage_alone_is_judged_as_among_many():
    (timeout,) = [p for p in PASSAGES if p.id == "timeout"]

    assert rank_passages([timeout], ["What is the visibility timeout of a message?"], 1)
    assert not rank_passages([timeout], ["What is the capital of Australia?"], 1)


def test_a_long_brief_is_not_asked_to_stand_in_one_passage_whole():
    brief = (
        "Our payment department has forty engineers in Lisbon and Porto who maintain ledgers, invoices, refunds, "
        "chargebacks and reconciliation jobs overnight. Auditors complained that refunds were booked twice. Decide "
        "whether the visibility timeout of Redis explains why messages were delivered twice while a task ran long, "
        "and whether consumers must become idempotent before the Christmas season."
    )

    assert rank_passages(PASSAGES, [brief], 3)[0].passage.id == "timeout"


def test_every_query_is_heard_and_says_what_matched():
    hits = rank_passages(PASSAGES, ["visibility timeout", "prefetch multiplier"], 2)

    assert {hit.passage.id: hit.matched for hit in hits} == {
        "timeout": ("visibility", "timeout"),
        "prefetch": ("prefetch", "multiplier"),
    }
    assert all(0 < hit.score <= 1 and 0 < hit.coverage <= 1 for hit in hits)


def alike(count: int) -> list[Passage]:
    """A folder whose files all speak of one thing in the same words."""
    texts = [f"Team {n} moved {n % 5} procedures to dbt in week {n}." for n in range(1, count + 1)]
    return [Passage(id=f"n{n}", source=f"n{n}.txt", text=t, end=len(t)) for n, t in enumerate(texts, start=1)]


MIGRATION = [
    Passage(id=f"m{n}", source=f"m{n}.md", text=text, end=len(text))
    for n, text in enumerate(
        (
            "We estimate 40 engineer-weeks for the migration of the stored procedures to dbt.",
            "The pilot moved 23 stored procedures to dbt; two could not be migrated.",
            "Security approves the migration of the finance mart.",
            "I do not think we should migrate all procedures to dbt.",
            "If the migration needs 85 engineer-weeks, it must be cut to the marts that matter most.",
            "The close must not be put at risk in the last two weeks of a quarter.",
        ),
        start=1,
    )
]


@pytest.mark.parametrize("count", [6, 300])
@pytest.mark.parametrize(
    "question", ["dbt procedures", "migrate procedures to dbt", "Should we migrate the procedures to dbt?"]
)
def test_words_that_every_document_holds_are_what_the_documents_are_about(question, count):
    assert len(rank_passages(alike(count), [question], 12)) == min(count, 12)


@pytest.mark.parametrize("question", ["Is the migration safe?", "Who opposes the migration?"])
def test_one_word_that_no_document_holds_does_not_empty_a_question_on_their_subject(question):
    assert len(rank_passages(MIGRATION, [question], 12)) >= 3


@pytest.mark.parametrize(
    "question",
    [
        "Which glacier feeds the Rhone?",
        "Which migration route do Siberian cranes take over the Himalaya?",
        "Which football team won the cup last week?",
        "How many weeks does a broken arm need?",
        "라인강은 어느 빙하에서 시작되나요?",
    ],
)
@pytest.mark.parametrize("folder", [alike(300), MIGRATION], ids=["alike", "migration"])
def test_a_question_that_shares_generic_words_or_one_of_many_still_finds_nothing(question, folder):
    assert rank_passages(folder, [question], 12) == ()


def test_a_latin_name_in_a_korean_question_finds_what_is_written_in_latin_script():
    found = rank_passages([*MIGRATION, *PASSAGES], ["저장 프로시저를 dbt로 옮겨야 하는가?"], 12)

    assert {hit.passage.id for hit in found} >= {"m1", "m2", "m4"}
    assert not {hit.passage.id for hit in found} & PASSAGES_IDS


def test_a_word_that_a_few_of_many_passages_hold_is_not_what_they_are_about():
    assert rank_passages([*MIGRATION, *PASSAGES], ["bread mart"], 12) == ()


PASSAGES_IDS = {passage.id for passage in PASSAGES}


def test_what_says_most_of_a_question_comes_first_among_passages_that_share_its_words():
    best = rank_passages(MIGRATION, ["Should we migrate all stored procedures to dbt?"], 1)[0]

    assert best.passage.id in {"m1", "m2", "m4"}
    assert best.score > 0.3
