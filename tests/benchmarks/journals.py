"""Journals of millions of facts: turns of a year, as lines that a handler would have written."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.measure.facts import show

__all__ = ["FACTS_A_TURN", "grown", "write_segment"]

FACTS_A_TURN = 6.4
"""A trace, two LLM calls, an embedding call, a retrieval, an exploration, and feedback on two in five."""

_TURNS_A_SEGMENT = 100_000
_USERS = 20_000
_QUESTIONS = 500
_CONCEPTS = [f"개념 {number}" for number in range(400)]
_RELATIONS = ("포함", "해결", "관련", "선행")
_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
_ANSWER = (
    "정규화는 데이터의 중복을 없애고 이상 현상을 막는 과정입니다. "
    "제2정규형에서는 부분 함수 종속성을 제거합니다."
)


def grown(place: Path, facts: int) -> Journal:
    """The journal of so many facts that was made there before, else a new one, whose progress is printed."""
    journal, whole = Journal(place), place / "whole"
    if whole.exists():
        return journal
    assert not (place / "lake").exists(), f"{place} is part of a journal, broken off: remove it"
    begun, cpu, done = time.perf_counter(), time.process_time(), 0
    for compacted in _grow(journal, facts):
        done += compacted
        seconds, busy = time.perf_counter() - begun, time.process_time() - cpu
        show(f"{done:,} of {facts:,} facts written and compacted, {seconds:,.0f} s, {busy:,.0f} s of CPU")
    whole.touch()
    return journal


def _grow(journal: Journal, facts: int) -> Iterator[int]:
    """Write `facts` facts of a year's turns, segment by segment, each compacted and then removed.

    Yields how many facts each compaction took up.
    """
    year = round(facts / FACTS_A_TURN)
    for begin in range(0, year, _TURNS_A_SEGMENT):
        count = min(_TURNS_A_SEGMENT, year - begin)
        write_segment(journal.path / f"{begin:012d}.jsonl", begin, count, year)
        done = compact(journal, Meter(), is_delivered=lambda _segment, _size: True, grace=timedelta(0))
        yield done.facts
    compact(journal, Meter(), is_delivered=lambda _segment, _size: True, grace=timedelta(days=-1))


def write_segment(segment: Path, first_turn: int, turns: int, year: int) -> None:
    """Write `turns` turns, the first of which is number `first_turn` of the `year` that there are in all."""
    segment.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(first_turn)
    ids = random.bytes(16 * 8 * turns).hex()
    draws = random.integers(0, 1 << 30, (turns, 40)).tolist()
    with segment.open("w", encoding="utf-8", buffering=1 << 20) as file:
        for turn in range(turns):
            seconds = 365 * 24 * 3600 * (first_turn + turn) / year
            unique = ids[turn * 256 : turn * 256 + 256]
            file.write(_turn(_BEGIN + timedelta(seconds=seconds), unique, draws[turn], first_turn + turn))


def _turn(began: datetime, unique: str, draws: list[int], number: int) -> str:
    """One turn's lines: its parts in the order in which they end, then the trace, then perhaps feedback."""
    moment = f"{began:%Y-%m-%dT%H:%M:%S.%f}Z"
    trace = unique[:32]
    concept = _CONCEPTS[min(draws[0] % 400, draws[1] % 400)]
    question, user = f"q_{draws[2] % _QUESTIONS:03d}", f"user_{draws[3] % _USERS:05d}"
    about = (
        f'"schema_version":"1.0","started_at":"{moment}","trace_id":"{trace}","user_id":"{user}",'
        f'"session_id":"session_{number // 6}_{draws[3] % _USERS}","question_id":"{question}",'
        f'"wrong_concept":"{concept}"'
    )
    misrouted = draws[4] % 20 == 0
    cheap = "gpt-4o-2024-08-06" if misrouted else "gpt-4o-mini-2024-07-18"
    unpriced = draws[5] % 200 == 0
    dear = "tutor-ko-7b" if unpriced else "gpt-4o-2024-08-06"
    embedding, exploration, retrieval = (_run(unique[at : at + 32], trace) for at in (32, 64, 96))
    lines = []
    lines.append(
        f'{{"kind":"embedding_call",{embedding},{about},"status":"ok",'
        f'"latency_ms":{20 + draws[6] % 90},"provider":"openai","requested_model":"text-embedding-3-small",'
        f'"served_model":"text-embedding-3-small","input_tokens":{10 + draws[7] % 60},'
        '"usage_source":"reported","text_count":1}\n'
        f'{{"kind":"exploration",{exploration},{about},"status":"ok","latency_ms":{5 + draws[8] % 60},'
        f'"source":"explorer","query":"{concept}?",'
        '"retrieval_params":{"depth":3,"similarity_threshold":0.7,"max_hops":5},'
        f'"seeds":[{{"node":"{concept}","similarity_score":0.91}}],"hops":[{_hops(concept, draws)}],'
        '"similarity_scale":"(1+cos)/2","backend":"neo4j","round_trips":4}\n'
        f'{{"kind":"retrieval",{retrieval},{about},"status":"ok","latency_ms":{8 + draws[8] % 60},'
        f'"query":"{concept}?","documents":[{{"content":"{_ANSWER}","content_length":60}}]}}'
    )
    for at, task, asked, served in (
        (128, "simple_greeting", "gpt-4o-mini", cheap),
        (160, "complex_reasoning", "gpt-4o", dear),
    ):
        lines.append(
            _call(_run(unique[at : at + 32], trace), about, (task, asked, served), draws[at // 14 :])
        )
    root = f'"event_id":"{unique[192:224]}","run_id":"{trace}"'
    lines.append(f'{{"kind":"trace",{root},{about},"status":"ok","latency_ms":{3000 + draws[19] % 4000}}}')
    if draws[20] % 5 < 2:
        lines.append(_feedback(unique[224:256], trace, began, (user, question), number, draws))
    return "\n".join(lines) + "\n"


def _hops(concept: str, draws: list[int]) -> str:
    node, told = concept, []
    for depth in (1, 2, 3):
        following = _CONCEPTS[draws[21 + depth] % 400]
        for place in (0, 1):
            score = 0.6 + (draws[24 + depth + 3 * place] % 300) / 1000
            verdict = "followed" if place == 0 else "beam" if score >= 0.7 else "below_threshold"
            target = following if place == 0 else _CONCEPTS[draws[30 + depth] % 400]
            relation = _RELATIONS[draws[33 + depth] % 4]
            told.append(
                f'{{"node":"{node}","relation":"{relation}","next_node":"{target}",'
                f'"similarity_score":{score:.3f},"edge_similarity":{score + 0.05:.3f},"direction":"out",'
                f'"depth":{depth},"verdict":"{verdict}"}}'
            )
        node = following
    return ",".join(told)


def _run(event: str, trace: str) -> str:
    return f'"event_id":"{event}","run_id":"{event}","parent_run_id":"{trace}"'


def _call(run: str, about: str, route: tuple[str, str, str], draws: list[int]) -> str:
    task, asked, served = route
    failed = draws[0] % 100 == 0
    usage = (
        ""
        if failed
        else (
            f'"input_tokens":{200 + draws[1] % 2500},"output_tokens":{20 + draws[2] % 900},'
            f'"cached_tokens":{draws[3] % 200},"usage_source":"reported",'
        )
    )
    outcome = '"status":"error","error_type":"RateLimitError",' if failed else '"status":"ok",'
    return (
        f'{{"kind":"llm_call",{run},{about},{outcome}"task_type":"{task}",'
        f'"latency_ms":{400 + draws[4] % 5000}.{draws[1] % 1000:03d},"provider":"openai",'
        f'"requested_model":"{asked}","served_model":"{served}",{usage}"streamed":true,'
        f'"time_to_first_token_ms":{100 + draws[2] % 700}.5,"finish_reason":"stop",'
        f'"request":{{"messages":[{{"role":"user","content":"{_ANSWER}"}}]}},'
        f'"answer":[{{"role":"assistant","content":"{_ANSWER}"}}]}}'
    )


def _feedback(  # noqa: PLR0917
    event: str, trace: str, began: datetime, whose: tuple[str, str], number: int, draws: list[int]
) -> str:
    """Half of it names its turn, the others say only whose question it was; some name the concept."""
    user, question = whose
    moment = f"{began + timedelta(seconds=30):%Y-%m-%dT%H:%M:%S.%f}Z"
    kind = ("thumbs_up", "thumbs_down", "followup_question")[draws[37] % 3]
    score = f',"understanding_score":{1 + draws[38] % 5}' if draws[38] % 7 else ""
    turn = f',"trace_id":"{trace}"' if draws[39] % 2 else ""
    concept = f',"concept":"{_CONCEPTS[draws[39] % 400]}"' if draws[36] % 4 == 0 else ""
    return (
        f'{{"kind":"feedback","schema_version":"1.0","event_id":"{event}","started_at":"{moment}",'
        f'"user_id":"{user}","session_id":"session_{number // 6}_{draws[3] % _USERS}",'
        f'"question_id":"{question}","feedback_type":"{kind}"{score}{turn}{concept}}}'
    )
