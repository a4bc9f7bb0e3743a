"""One odd fact stops no other: it is set aside with the reason, and everything else arrives."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.deliver import path_runs, ship
from examsgraph_callbacks.deliver.path_runs import Explained
from examsgraph_callbacks.deliver.runs import RunContent
from examsgraph_callbacks.errors import DeliveryError, ExamsGraphError
from examsgraph_callbacks.events import EmbeddingCall, LLMCall, Message, Request
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import MeasuredCall, MeasuredEmbedding, Meter
from tests.deliver.factories import exploration, hex_id, llm_call, small_turn, turn_root
from tests.deliver.odd_facts import DEEP, as_written, letters, nested, shipped_between_others, write
from tests.deliver.readback import runs_of, trace_of


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"started_at": datetime(1, 1, 1, tzinfo=UTC)}, "expected a run between 1970 and 2262"),
        ({"started_at": datetime(9999, 12, 31, tzinfo=UTC)}, "expected a run between 1970 and 2262"),
        ({"latency_ms": 1e13}, "expected a run between 1970 and 2262"),
        ({"input_tokens": 10**30}, "expected fewer than 2^63 tokens"),
        ({"run_id": "not-an-id"}, "expected an id of 32 hexadecimal digits"),
    ],
    ids=str,
)
def test_a_fact_that_cannot_be_a_span_is_set_aside_and_the_rest_of_its_turn_arrives(
    odd: dict[str, Any], why: str, journal: Journal, tracking_uri: str
) -> None:
    turn = f"{odd} {tracking_uri}"
    one, two, root = small_turn(turn)
    strange = one.model_copy(update=odd)
    failed_before = failures.counts().get("delivering a fact to MLflow", 0)

    report = shipped_between_others(journal, tracking_uri, [strange, two, root])

    assert (report.traces, report.refused, report.set_aside, report.facts_pending) == (3, 0, 1, 0)
    assert [span.span_id for span in trace_of(tracking_uri, turn).data.spans] == [
        root.run_id[16:],
        two.run_id[16:],
    ]
    (letter,) = letters(journal)
    assert why in letter["error"]
    assert letter["destination"] == report.tracking_uri
    assert letter["fact"] == as_written(strange)
    assert failures.counts()["delivering a fact to MLflow"] == failed_before + 1


def test_a_turn_whose_root_cannot_be_a_span_is_set_aside_whole(journal: Journal, tracking_uri: str) -> None:
    one, two, root = small_turn(f"odd root {tracking_uri}")
    odd = [one, two, root.model_copy(update={"started_at": datetime(1, 1, 1, tzinfo=UTC)})]

    report = shipped_between_others(journal, tracking_uri, odd)

    assert (report.traces, report.refused, report.set_aside) == (2, 1, 3)
    assert [letter["fact"] for letter in letters(journal)] == [as_written(fact) for fact in odd]


def test_a_turn_with_an_id_that_is_none_is_set_aside(journal: Journal, tracking_uri: str) -> None:
    odd = turn_root(run_id="not-an-id", trace_id="not-an-id")
    report = shipped_between_others(journal, tracking_uri, [odd])
    assert (report.traces, report.refused, report.set_aside) == (2, 1, 1)


def test_an_unfinished_turn_with_an_id_that_is_none_is_set_aside(journal: Journal, tracking_uri: str) -> None:
    odd = llm_call(trace_id="no/id", run_id="no/id")
    report = shipped_between_others(journal, tracking_uri, [odd])
    assert (report.traces, report.incomplete, report.refused, report.set_aside) == (2, 0, 1, 1)


def test_what_is_nested_too_deeply_for_mlflow_arrives_as_text_from_there_on(
    journal: Journal, tracking_uri: str
) -> None:
    turn = f"deep {tracking_uri}"
    report = shipped_between_others(journal, tracking_uri, [turn_root(turn, outputs=nested(DEEP))])

    assert (report.traces, report.set_aside) == (3, 0)
    outputs, depth = trace_of(tracking_uri, turn).data.spans[0].outputs, 0
    while isinstance(outputs, dict):
        outputs, depth = outputs["안"], depth + 1
    assert json.loads(outputs) == nested(DEEP - depth)


def test_huge_content_arrives(journal: Journal, tracking_uri: str) -> None:
    turn = f"huge {tracking_uri}"
    huge = "정" * 3_000_000
    report = shipped_between_others(journal, tracking_uri, [turn_root(turn, outputs=huge)])

    assert (report.traces, report.set_aside) == (3, 0)
    assert trace_of(tracking_uri, turn).data.spans[0].outputs == huge


def test_a_million_blanks_are_estimated(journal: Journal, sqlite_uri: str) -> None:
    # on which tiktoken itself panics
    blank = llm_call(
        run_id=hex_id("blank"),
        parent_run_id=None,
        trace_id=hex_id("blank"),
        input_tokens=None,
        request=Request(messages=(Message(role="user", content=" " * 1_000_000),)),
    )
    report = shipped_between_others(journal, sqlite_uri, [blank])
    assert (report.traces, report.set_aside) == (3, 0)


class OddMeter(Meter):
    """Fails on the calls that a task type names."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def measure(self, call: Any) -> Any:
        if call.task_type == "odd":
            raise self._error
        measured: MeasuredCall | MeasuredEmbedding = super().measure(call)
        return measured


def test_a_call_that_cannot_be_measured_is_set_aside_and_the_rest_of_its_turn_arrives(
    journal: Journal, tracking_uri: str
) -> None:
    turn = f"odd measure {tracking_uri}"
    one, two, root = small_turn(turn)
    odd = one.model_copy(update={"task_type": "odd"})
    write(journal, [odd, two, root, *small_turn(f"after {turn}")])

    report = ship(journal, tracking_uri, meter=OddMeter(ArithmeticError("0 / 0")))

    assert (report.traces, report.refused, report.set_aside) == (2, 0, 1)
    assert len(trace_of(tracking_uri, turn).data.spans) == 2
    (letter,) = letters(journal)
    assert (letter["error"], letter["fact"]) == ("ArithmeticError: 0 / 0", as_written(odd))


def test_what_is_wrong_with_the_installation_is_no_facts_fault(journal: Journal, sqlite_uri: str) -> None:
    write(journal, [llm_call(task_type="odd"), turn_root()])
    with pytest.raises(ExamsGraphError, match="reinstall"):
        ship(journal, sqlite_uri, meter=OddMeter(ExamsGraphError("reinstall examsgraph-callbacks")))

    assert letters(journal) == []
    assert ship(journal, sqlite_uri).traces == 1


def test_a_fact_stands_among_the_dead_letters_once_for_each_destination(
    journal: Journal, mlflow_server: str, sqlite_uri: str
) -> None:
    odd = turn_root(run_id="not-an-id", trace_id="not-an-id", outputs="한 줄\u2028두 줄")
    write(journal, [odd])
    for uri in (mlflow_server, sqlite_uri):
        assert ship(journal, uri).set_aside == 1
        for checkpoint in (journal.path / "shipped").glob("*.json"):
            checkpoint.unlink()
        assert ship(journal, uri).set_aside == 1

    assert [letter["destination"] for letter in letters(journal)] == [mlflow_server, sqlite_uri]


def test_a_line_that_a_full_disk_tore_spoils_no_other(journal: Journal, sqlite_uri: str) -> None:
    write(journal, [turn_root(run_id="not-an-id", trace_id="not-an-id")])
    file = journal.path / "shipped" / "dead_letters.jsonl"
    file.parent.mkdir()
    file.write_text('{"destination": "sql', "utf-8")
    ship(journal, sqlite_uri)

    torn, whole = file.read_text("utf-8").splitlines()
    assert torn == '{"destination": "sql'
    assert json.loads(whole)["fact"]["run_id"] == "not-an-id"


def test_where_a_dead_letter_cannot_be_kept_nothing_is_passed_over(journal: Journal, sqlite_uri: str) -> None:
    write(journal, [turn_root(run_id="not-an-id", trace_id="not-an-id")])
    file = journal.path / "shipped" / "dead_letters.jsonl"
    file.mkdir(parents=True)
    with pytest.raises(DeliveryError, match="what cannot be delivered, cannot write there"):
        ship(journal, sqlite_uri)

    file.rmdir()
    assert ship(journal, sqlite_uri).set_aside == 1


def test_an_exploration_that_cannot_be_a_run_is_set_aside_and_the_others_arrive(
    journal: Journal, tracking_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [f"{number} of 3 {tracking_uri}" for number in range(3)]
    for turn in turns:
        write(journal, [exploration(turn, query=turn), turn_root(turn)])
    path_run = path_runs.path_run

    def odd_run(odd: Explained) -> RunContent:
        if odd.fact.query == turns[1]:
            raise TypeError("an odd exploration")
        return path_run(odd)

    monkeypatch.setattr(path_runs, "path_run", odd_run)
    report = ship(journal, tracking_uri)

    assert (report.traces, report.runs, report.refused, report.set_aside) == (3, 2, 1, 1)
    (letter,) = letters(journal)
    assert letter["error"] == "TypeError: an odd exploration"
    assert "final_explanation" not in letter["fact"], "it is the fact as it was written"
    assert runs_of(tracking_uri, turns[2])[0].info.status == "FINISHED"


def test_prices_may_fail_for_an_embedding_too(journal: Journal, sqlite_uri: str) -> None:
    root = turn_root()
    odd = EmbeddingCall(
        event_id="odd",
        run_id=hex_id("odd"),
        trace_id=root.trace_id,
        parent_run_id=root.run_id,
        started_at=root.started_at,
        latency_ms=1,
        task_type="odd",
    )
    write(journal, [odd, root])
    report = ship(journal, sqlite_uri, meter=OddMeter(KeyError("정규화")))
    assert (report.traces, report.set_aside) == (1, 1)


def test_a_journal_without_odd_facts_has_no_dead_letters(journal: Journal, sqlite_uri: str) -> None:
    write(journal, small_turn("turn"))
    report = ship(journal, sqlite_uri)
    assert (report.set_aside, letters(journal)) == (0, [])
    assert report.dead_letters == Path(journal.path, "shipped", "dead_letters.jsonl")
    assert not report.dead_letters.exists()


def test_calls_of_the_turn_keep_their_cost_when_one_is_set_aside(journal: Journal, tracking_uri: str) -> None:
    turn = f"costs {tracking_uri}"
    one, two, root = small_turn(turn)
    write(journal, [one.model_copy(update={"latency_ms": 1e13}), two, root])
    assert ship(journal, tracking_uri).set_aside == 1
    assert isinstance(two, LLMCall)
    cost = Meter().measure(two).cost_usd
    assert cost is not None
    assert (trace_of(tracking_uri, turn).info.cost or {})["total_cost"] == float(cost)
