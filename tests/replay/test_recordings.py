"""Recordings: what a file holds, what is told of a damaged one, and that old ones can still be read."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from examsgraph_callbacks.errors import RecordingError, SchemaError
from examsgraph_callbacks.events import EmbeddingCall, Fact, LLMCall, Message, Request, ToolCall
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Assumptions, Meter, PriceList, PriceOverride
from examsgraph_callbacks.replay import (
    Flaw,
    Player,
    Recording,
    chosen,
    remeasure,
    verify,
    write_recording,
)
from examsgraph_callbacks.replay import lines as file_format
from tests.replay.facts import SYSTEM, asked

METER = Meter(
    PriceList(
        [
            PriceOverride(model="gpt-4o*", input=Decimal("2.5"), output=Decimal(10), cached=Decimal("1.25")),
            PriceOverride(model="text-embedding-3-small", input=Decimal("0.02"), output=Decimal(0)),
        ],
    ),
)
FIXTURES = Path(__file__).parent / "fixtures"


def read(path: Path) -> tuple[list[Fact], list[str]]:
    flaws: list[Flaw] = []
    facts = list(Recording(path).facts(flaws.append))
    return facts, [str(flaw) for flaw in flaws]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "lesson.egrec.jsonl"
    write_recording([asked(f"질문 {number}") for number in range(4)], path)
    return path


@pytest.mark.parametrize("name", ["lesson.egrec.jsonl", "lesson.egrec.jsonl.gz"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    call = ToolCall(
        event_id="e",
        run_id="r",
        started_at=datetime(2026, 1, 15, tzinfo=UTC),
        latency_ms=1.0,
        input={"$text": 1, "긴 글": ["가" * 500], "half": "\ud55c"},
        output={"$text": 7},
    )
    facts = [asked("정규화란?"), call, asked("정규화란?"), asked("SQL이란?")]
    write_recording(facts, tmp_path / name)
    assert read(tmp_path / name) == (facts, [])


def test_a_prompt_that_calls_share_stands_in_the_file_once(recording: Path) -> None:
    assert recording.read_text(encoding="utf-8").count(SYSTEM) == 1


def test_the_same_facts_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.egrec.jsonl.gz", "b.egrec.jsonl.gz"):
        write_recording([asked("정규화란?")], tmp_path / name)
    assert (tmp_path / "a.egrec.jsonl.gz").read_bytes() == (tmp_path / "b.egrec.jsonl.gz").read_bytes()


def test_the_header_says_what_wrote_it_and_by_which_rules_secrets_were_taken_out(recording: Path) -> None:
    header = Recording(recording).header
    assert (header.format, header.schema_version, header.redaction) == (1, "1.3", "2")
    assert "langchain-core" in header.libraries


def test_traces_and_times_choose_what_is_recorded() -> None:
    facts = [
        asked("하나", trace_id="aa11"),
        asked("둘", trace_id="bb22", started_at=datetime(2026, 1, 16, tzinfo=UTC)),
        asked("셋", trace_id=None),
    ]
    assert list(chosen(facts, ["aa"])) == facts[:1]
    assert list(chosen(facts, since=datetime(2026, 1, 16, tzinfo=UTC))) == facts[1:2]
    assert list(chosen(facts, until=datetime(2026, 1, 16, tzinfo=UTC))) == [facts[0], facts[2]]


def test_a_journal_is_a_recording_too(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    facts = [asked("정규화란?"), asked("SQL이란?")]
    for fact in facts:
        journal.write(fact)
    assert read(tmp_path / "journal") == (facts, [])
    assert verify(Recording(tmp_path / "journal")).is_sound


def test_a_recording_that_cannot_be_written_leaves_what_was_there(recording: Path) -> None:
    before = recording.read_bytes()
    with pytest.raises(RecordingError, match="found none"):
        write_recording([], recording)
    assert recording.read_bytes() == before
    with pytest.raises(RecordingError, match="could not"):
        write_recording([asked("?")], recording.parent / "nowhere" / "lesson.egrec.jsonl")
    assert sorted(path.name for path in recording.parent.iterdir()) == [recording.name]


def changed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[3].replace("질문".encode(), "질물".encode()), *lines[4:]]


def torn(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[3][:40]]


def reordered(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def without_a_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], *lines[4:]]


def without_the_shared_text(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[2:]]


def with_garbage(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], b"\xff\xfe not a line\n", *lines[3:]]


def of_another_header(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b'"redaction":"2"', b'"redaction":"3"'), *lines[1:]]


def with_more_behind(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[2]]


@pytest.mark.parametrize(
    ("damage", "read_still", "told"),
    [
        (changed, 3, ["line 4: it was changed: its hash is another"]),
        (torn, 1, ["line 4: it is cut off", "it is cut off: what follows line 4 is missing"]),
        (
            reordered,
            4,
            [
                "line 4: expected number 3 here, found 4: lines are missing or out of order",
                "line 5: expected number 5 here, found 3: lines are missing or out of order",
                "line 6: expected number 4 here, found 5: lines are missing or out of order",
            ],
        ),
        (without_a_line, 3, ["line 4: expected number 3 here, found 4: lines are missing or out of order"]),
        (
            without_the_shared_text,
            0,
            [
                "line 2: expected number 1 here, found 2: lines are missing or out of order",
                *(f"line {line}: text 1, which it refers to, was not read before it" for line in range(2, 6)),
            ],
        ),
        (
            with_garbage,
            4,
            [
                "line 4: it is no line of a recording",
                "line 5: expected number 4 here, found 3: lines are missing or out of order",
            ],
        ),
        (of_another_header, 4, ["it is not as it was exported: its SHA-256 is another"]),
        (with_more_behind, 4, ["line 8: it stands behind the end"]),
    ],
)
def test_a_damaged_recording_tells_where_and_gives_what_can_be_read(
    recording: Path, damage: Callable[[list[bytes]], list[bytes]], read_still: int, told: list[str]
) -> None:
    recording.write_bytes(b"".join(damage(recording.read_bytes().splitlines(keepends=True))))
    facts, flaws = read(recording)
    assert (len(facts), flaws) == (read_still, told)
    assert not verify(Recording(recording)).is_sound


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
def test_of_a_compressed_recording_that_was_cut_off_the_beginning_is_read(
    tmp_path: Path, kept: float
) -> None:
    path = tmp_path / "lesson.egrec.jsonl.gz"
    write_recording([asked(f"질문 {number}", "답" * number) for number in range(300)], path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    facts, flaws = read(path)
    assert len(facts) < 300 or kept > 0.9
    assert "damaged or cut off" in flaws[0]
    assert "it is cut off" in flaws[-1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "found an empty file"),
        (b"\n", "found something else"),
        (b"hello", "found something else"),
        (b'{"kind": "trace"}\n', "found something else"),
        (b'{"egrec": 7}\n', "found something else"),
        (b'{"egrec":{"format":2}}\n', "found format 2 .* upgrade"),
        (b"\x1f\x8b\x08\x00 broken", "damaged compressed file"),
        (gzip.compress(b"", mtime=0), "found an empty file"),
    ],
)
def test_what_is_no_recording_is_told_in_a_sentence(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "lesson.egrec.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=told):
        Recording(path)


def test_where_there_is_nothing_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="found nothing: make one with  examsgraph recording export"):
        Recording(tmp_path / "lesson.egrec.jsonl")


def test_a_newer_major_schema_is_refused_and_a_newer_minor_one_read(tmp_path: Path) -> None:
    path = tmp_path / "lesson.egrec.jsonl"
    path.write_bytes(b'{"egrec":{"format":1,"schema_version":"2.0"}}\n')
    with pytest.raises(SchemaError, match=r"found schema 2.0.*pip install -U"):
        Recording(path)

    known = json.dumps({**asked("?").model_dump(mode="json"), "schema_version": "1.9", "mood": "good"})
    unknown = json.dumps({"kind": "dream", "schema_version": "1.9"})
    path.write_bytes(
        b'{"egrec":{"format":1,"schema_version":"1.9","and":"more"}}\n'
        + file_format.numbered_line(1, "fact", known.encode())
        + file_format.numbered_line(2, "fact", unknown.encode()),
    )
    facts, flaws = read(path)
    assert [fact.kind for fact in facts] == ["llm_call"]
    assert flaws[0] == "line 3: a kind of fact that this version does not know: a newer one may"


@pytest.mark.parametrize("name", ["journal-1.0", "schema-1.0.egrec.jsonl"])
def test_a_recording_of_schema_1_0_is_read_played_and_measured_as_then(name: str) -> None:
    facts, flaws = read(FIXTURES / name)
    assert not flaws
    assert [fact.kind for fact in facts] == ["exploration", "retrieval", "llm_call", "trace", "feedback"]
    call = facts[2]
    assert isinstance(call, LLMCall)
    assert call.request is not None
    player = Player(FIXTURES / name)
    assert player.call("gpt-4o", call.request.model_dump()).answer == call.answer
    found = player.retrieval("부분 함수 종속을 제거한 정규형은?", "GraphPathRetriever")
    assert len(found.explorations) == 1
    # 199 tokens in, 118 out
    assert remeasure(facts, METER, Assumptions()).then.cost_usd == Decimal("0.0016775")


def test_a_recording_of_schema_1_2_is_read_played_and_measured_as_then() -> None:
    facts, flaws = read(FIXTURES / "schema-1.2.egrec.jsonl")
    assert not flaws
    (call,) = facts
    # a stream for which cache writes of both lifetimes were asked, and nothing could say that yet
    assert isinstance(call, LLMCall)
    assert (call.cache_write_tokens, call.cache_write_1h_tokens) == (300, None)
    assert call.cache_write_split_open is None
    player = Player(FIXTURES / "schema-1.2.egrec.jsonl")
    assert call.request is not None
    played = player.call("claude-haiku-4-5", call.request.model_dump(), any_sampling=True)
    assert played.answer == (Message(role="assistant", content="정규화는 중복을 제거합니다."),)
    # 300 at 1, 400 at 0.10, 300 at 1.25 and 20 at 5 USD a million, as of five minutes
    assert remeasure(facts, METER, Assumptions()).then.cost_usd == Decimal("0.000815")


def test_a_recording_of_schema_1_1_is_read_played_and_measured_as_then() -> None:
    facts, flaws = read(FIXTURES / "schema-1.1.egrec.jsonl")
    assert not flaws
    assert [fact.kind for fact in facts] == ["embedding_call", "llm_call", "trace"]
    player = Player(FIXTURES / "schema-1.1.egrec.jsonl")
    assert player.vector("text-embedding-3-small", "정규화란?") == [0.5, 0.5, 0.5, 0.5]
    request = Request(messages=(Message(role="user", content="정규화란?"),))
    played = player.call("gpt-4o", request.model_dump(), any_sampling=True)
    assert played.answer == (Message(role="assistant", content="정규화는 중복을 제거합니다."),)
    embedding = facts[0]
    assert isinstance(embedding, EmbeddingCall)
    # 5 tokens embedded; 30 in, of these 8 cached, and 12 out
    assert remeasure(facts, METER, Assumptions()).then.cost_usd == Decimal("0.0001851")
