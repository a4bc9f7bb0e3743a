"""Many lines as columns: the same facts, in the same order, as line by line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.events import Exploration, Fact, Hop, LLMCall, RetrievalParams, Seed
from examsgraph_callbacks.journal import read_segment
from examsgraph_callbacks.journal.columns import FACT_COLUMNS, columns_of_lines, read_columns
from examsgraph_callbacks.journal.encode import encode_fact
from tests.analytics.facts import answered, document_path, explored, feedback, greeted, resource, silent
from tests.measure.facts import NEW_YEAR, embedding_call

EVERYTHING: list[Fact] = [
    explored(*document_path(), wrong_concept="정규화"),
    embedding_call(),
    answered(user_id="학생 1", stated_cost_usd="0.05", response_quality="good", cache_write_split_open=True),
    silent(),
    greeted(status="cache_hit", usage_source="cache_hit"),
    feedback(understanding_score=2, concept="조인"),
    resource(),
]


def broken(change: Callable[[dict[str, Any]], object], fact: Fact | None = None) -> bytes:
    content = json.loads(encode_fact(fact or answered()))
    change(content)
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def set_to(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.update({name: value})


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.pop(name)


WALKED = explored(*document_path())
BROKEN = {
    "no JSON": b"{nothing\n",
    "no object": b"[1, 2]\n",
    "broken UTF-8": b'{"kind": "\xff\xfe"}\n',
    "broken UTF-8 in an id": broken(set_to("user_id", "QQ")).replace(b"QQ", b"\xff\xfe"),
    "broken UTF-8 in what no column holds": broken(set_to("name", "QQ")).replace(b"QQ", b"\xff\xfe"),
    "nothing but null": b"null\n",
    "a fact and null": broken(set_to("event_id", "x")).replace(b"\n", b"null\n"),
    "two facts and null between": broken(set_to("event_id", "x"))[:-1] + b"null" + encode_fact(answered()),
    "two facts": broken(set_to("event_id", "x"))[:-1] + encode_fact(answered()),
    "nothing but space": b"  \n",
    "a duration of ages": broken(set_to("latency_ms", 1e15)),
    "a duration beyond all numbers": broken(set_to("latency_ms", 1e19)),
    "a duration without a number": broken(set_to("latency_ms", 77.5)).replace(b"77.5", b"NaN"),
    "a duration without an end": broken(set_to("latency_ms", 77.5)).replace(b"77.5", b"Infinity"),
    "a time that is past all years in UTC": broken(set_to("started_at", "9999-12-31T23:59:59-09:00")),
    "a time that is before all years in UTC": broken(set_to("started_at", "0001-01-01T00:00:00+09:00")),
    "a cost that is no number": broken(set_to("stated_cost_usd", "NaN")),
    "a cost that is a word": broken(set_to("stated_cost_usd", "little")),
    "a cost below 0": broken(set_to("stated_cost_usd", "-1")),
    "a cost of 60 digits": broken(set_to("stated_cost_usd", "1" * 60)),
    "unknown kind": broken(set_to("kind", "dream")),
    "no kind": broken(without("kind")),
    "no id": broken(without("event_id")),
    "no time": broken(without("started_at")),
    "a time without a zone": broken(set_to("started_at", "2025-01-01T00:00:00")),
    "a time that is none": broken(set_to("started_at", "yesterday")),
    "no duration": broken(without("latency_ms")),
    "a duration that is none": broken(set_to("latency_ms", "long")),
    "a negative count": broken(set_to("input_tokens", -1)),
    "half a token": broken(set_to("output_tokens", 0.5)),
    "an unknown status": broken(set_to("status", "tired")),
    "a score of 6": broken(set_to("understanding_score", 6), feedback()),
    "a score of 0": broken(set_to("understanding_score", 0), feedback()),
    "an unknown reaction": broken(set_to("feedback_type", "shrug"), feedback()),
    "no reaction": broken(without("feedback_type"), feedback()),
    "an open split that is none": broken(set_to("cache_write_split_open", "perhaps")),
    "a user that is a number": broken(set_to("user_id", 7)),
    "a hop to nowhere": broken(
        lambda content: content["hops"][0].pop("next_node"), explored(*document_path())
    ),
    "a hop of depth 0": broken(
        lambda content: content["hops"][0].update(depth=0), explored(*document_path())
    ),
    "a resource without a place": broken(without("url"), resource()),
}
UNUSUAL = {
    "more than 64 bits": broken(set_to("input_tokens", 2**70)),
    "more than two of which have no sum": broken(set_to("input_tokens", 2**62)),
    "a hop at no depth that anybody reaches": broken(
        lambda content: content["hops"][0].update(depth=10**30), WALKED
    ),
    "a cost in powers of ten": broken(set_to("stated_cost_usd", "5E-5")),
    "a cost as a number": broken(set_to("stated_cost_usd", 0.5)),
    "a time before 1970": broken(set_to("started_at", "1960-01-01T00:00:00Z")),
    "a time in the year 9999": broken(set_to("started_at", "9999-12-31T12:00:00Z")),
    "a duration as text": broken(set_to("latency_ms", "450")),
    "a whole duration": broken(set_to("latency_ms", 450)),
    "a zone beside UTC": broken(set_to("started_at", "2025-01-01T09:00:00.25+09:00")),
    "a newer minor version": broken(set_to("schema_version", "1.9")),
    "a field nobody knows": broken(set_to("mood", {"of": ["the", "day"]})),
    "no status": broken(without("status")),
    "an open split as a number": broken(set_to("cache_write_split_open", 1)),
    "an open split as text": broken(set_to("cache_write_split_open", "true")),
    "hops without verdicts": broken(lambda content: [hop.pop("verdict") for hop in content["hops"]], WALKED),
}


def one_by_one(segment: Path) -> list[Fact]:
    return [fact for _, fact in read_segment(segment, on_problem=lambda _problem: None)]


def written(path: Path, data: bytes) -> Path:
    segment = path / "a.jsonl"
    segment.write_bytes(data)
    return segment


@pytest.mark.parametrize("line", [*BROKEN.values(), *UNUSUAL.values()], ids=[*BROKEN, *UNUSUAL])
def test_a_line_counts_if_and_only_if_it_is_a_fact_line_by_line(line: bytes, tmp_path: Path) -> None:
    around = [encode_fact(fact) for fact in EVERYTHING]
    segment = written(tmp_path, b"".join([*around[:3], line, *around[3:]]))
    expected = one_by_one(segment)
    assert len(expected) in {len(around), len(around) + 1}

    (part,) = read_columns(segment)
    rows = [row for row in part.facts.to_pylist() if row["kind"] is not None]
    assert [row["event_id"] for row in rows] == [fact.event_id for fact in expected]
    assert [row["started_at"] for row in rows] == [fact.started_at for fact in expected]
    for row, fact in zip(rows, expected, strict=True):
        assert row["user_id"] == fact.user_id
        if isinstance(fact, LLMCall):
            assert row["status"] == fact.status
            assert row["latency_ms"] == fact.latency_ms
            tokens = fact.input_tokens
            assert row["input_tokens"] == (tokens if tokens is None or tokens < 2**62 else None)
    assert b"".join(part.facts["line"].to_pylist()) == segment.read_bytes(), "no byte is left out"


def test_every_field_that_is_read_is_as_it_was_recorded() -> None:
    facts = columns_of_lines(b"".join(map(encode_fact, EVERYTHING))).to_pylist()
    for row, fact in zip(facts, EVERYTHING, strict=True):
        for name in FACT_COLUMNS.names:
            value = getattr(fact, name, None)
            if name in {"hops", "seeds", "retrieval_params", "stated_cost_usd"} or value in (None, ()):
                continue
            assert row[name] == value, name
    (hop, *_) = facts[0]["hops"]
    assert (hop["node"], hop["next_node"], hop["similarity_score"], hop["verdict"]) == (
        "정규화",
        "제1정규형",
        0.92,
        "followed",
    )
    assert facts[2]["stated_cost_usd"] == "0.05"


def test_a_torn_last_line_is_left_and_read_on_from_there(tmp_path: Path) -> None:
    first, second = encode_fact(answered(event_id="1")), encode_fact(answered(event_id="2"))
    segment = written(tmp_path, first + second[:-20])
    (part,) = read_columns(segment)
    assert part.end == len(first)
    segment.write_bytes(first + second)
    (rest,) = read_columns(segment, part.end)
    assert rest.facts["event_id"].to_pylist() == ["2"]
    assert rest.facts["position"].to_pylist() == [len(first)]
    assert rest.begin == len(first)


@pytest.mark.parametrize("chunk_bytes", [1, 100, 3000])
def test_in_whatever_pieces_it_is_read_the_facts_are_the_same(chunk_bytes: int, tmp_path: Path) -> None:
    segment = written(tmp_path, b"".join(map(encode_fact, EVERYTHING)) + b"\n\n")
    parts = list(read_columns(segment, chunk_bytes=chunk_bytes))
    ids = [event_id for part in parts for event_id in part.facts["event_id"].to_pylist()]
    assert ids == [fact.event_id for fact in EVERYTHING]
    assert parts[-1].end == segment.stat().st_size


def test_facts_are_as_late_as_the_latest_before_them_in_their_segment() -> None:
    late = answered(started_at=datetime(2025, 1, 2, tzinfo=UTC), latency_ms=0.5)
    early = feedback(started_at=NEW_YEAR)
    lines = encode_fact(late) + b"{nothing\n" + encode_fact(early)
    moments = columns_of_lines(lines)["written_at"].to_pylist()
    assert moments == [datetime(2025, 1, 2, 0, 0, 0, 500, tzinfo=UTC)] * 3
    later = datetime(2026, 1, 1, tzinfo=UTC)
    assert columns_of_lines(lines, written_after=later)["written_at"].to_pylist() == [later] * 3


def test_an_exploration_keeps_what_its_path_is_judged_by() -> None:
    bounded = Exploration.model_validate(
        explored(Hop(node="a", relation="r", next_node="b")).model_dump()
        | {
            "retrieval_params": RetrievalParams(depth=3, similarity_threshold=0.7, max_hops=5),
            "seeds": (Seed(node="a", similarity_score=0.9),),
        }
    )
    (row,) = columns_of_lines(encode_fact(bounded)).to_pylist()
    assert row["retrieval_params"] == {"depth": 3, "similarity_threshold": 0.7, "max_hops": 5}
    assert row["seeds"] == [{"node": "a"}]
