"""A tutoring turn becomes an MLflow trace with our ids, times, tokens and costs; read back to prove it."""

from decimal import Decimal
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Span, Trace

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.events import EmbeddingCall, LLMCall, RunFact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.deliver.factories import EXPLANATION, full_turn, hex_id, llm_call, small_turn, turn_root
from tests.deliver.readback import calls_of, cost_of, experiment_id, tokens_of


def shipped(journal: Journal, tracking_uri: str, facts: list[RunFact]) -> Trace:
    for fact in facts:
        journal.write(fact)
    report = ship(journal, tracking_uri)
    assert (report.traces, report.refused, report.facts_pending) == (1, 0, 0)
    trace: Trace = MlflowClient(tracking_uri=tracking_uri).get_trace(f"tr-{facts[-1].trace_id}")
    return trace


@pytest.fixture
def trace(journal: Journal, tracking_uri: str, request: pytest.FixtureRequest) -> Trace:
    return shipped(journal, tracking_uri, full_turn(request.node.name))


def spans_named(trace: Trace, *names: str) -> list[Span]:
    by_name = {span.name: span for span in trace.data.spans}
    return [by_name[name] for name in names]


def test_ids_times_and_the_tree_are_the_facts_own(journal: Journal, tracking_uri: str) -> None:
    facts = small_turn(f"tree {tracking_uri}")
    one_fact, two_fact, root_fact = facts
    trace = shipped(journal, tracking_uri, facts)

    root, one, two = trace.data.spans
    assert trace.info.trace_id == f"tr-{root_fact.run_id}"
    assert root.span_id == root_fact.run_id[16:]
    assert (one.span_id, two.span_id) == (one_fact.run_id[16:], two_fact.run_id[16:])
    assert (root.parent_id, one.parent_id, two.parent_id) == (None, root.span_id, root.span_id)
    assert [span.span_type for span in (root, one, two)] == ["CHAIN", "CHAT_MODEL", "CHAT_MODEL"]
    assert trace.info.request_time == 1_768_473_000_000
    assert trace.info.execution_duration == 5000
    assert one.start_time_ns == 1_768_473_001_000_000_000
    assert one.end_time_ns == 1_768_473_001_450_123_000


def test_the_user_the_session_and_the_context_can_be_searched_for(trace: Trace, tracking_uri: str) -> None:
    assert trace.info.trace_metadata["mlflow.trace.user"] == "user_001"
    assert trace.info.trace_metadata["mlflow.trace.session"] == "session_123"
    expected = {
        "question_id": "q_001",
        "task_type": "complex_reasoning",
        "wrong_concept": "정규화",
        "prompt_variant": "v2_friendly",
        "misrouted": "true",
        "mlflow.traceName": "tutor",
    }
    assert expected.items() <= trace.info.tags.items()
    client = MlflowClient(tracking_uri=tracking_uri)
    found = client.search_traces(
        locations=[experiment_id(tracking_uri, "ExamsGraph")],
        filter_string="tags.wrong_concept = '정규화' AND metadata.`mlflow.trace.session` = 'session_123'",
        max_results=500,
    )
    assert trace.info.trace_id in {hit.info.trace_id for hit in found}


def test_korean_text_is_as_it_was(trace: Trace) -> None:
    call = calls_of(trace)["gpt-4o-mini-2024-07-18"]
    assert call.inputs == {"messages": [{"role": "user", "content": "정규화의 목적은?"}], "temperature": 0.2}
    assert call.outputs["choices"][0]["message"] == {
        "role": "assistant",
        "content": "데이터 중복을 제거합니다.",
    }
    assert trace.info.request_preview == '{"question": "정규화의 목적은?"}'
    assert trace.data.spans[0].outputs == EXPLANATION


def test_tokens_and_costs_are_ours_to_the_last_digit(trace: Trace, request: pytest.FixtureRequest) -> None:
    calls = [fact for fact in full_turn(request.node.name) if isinstance(fact, LLMCall)]
    measured = [Meter().measure(call) for call in calls]
    priced = [call.cost_usd for call in measured if call.cost_usd is not None]
    assert len(priced) == 1
    usage = tokens_of(trace)
    assert usage["input_tokens"] == sum(call.input_tokens or 0 for call in measured) == 1515
    assert usage["output_tokens"] == sum(call.output_tokens or 0 for call in measured) == 830
    assert usage["cache_read_input_tokens"] == 1024
    assert cost_of(trace) == float(sum(priced))
    span = calls_of(trace)["gpt-4o-mini-2024-07-18"]
    cost = span.llm_cost or {}
    assert span.attributes["mlflow.llm.provider"] == "openai"
    assert span.attributes["examsgraph.cost_usd"] == str(priced[0])
    assert cost["total_cost"] == float(priced[0])
    # 1,024 of 1,500 tokens were cached: 0.15 and 0.075 USD a million in, 0.60 out
    assert Decimal(str(cost["input_cost"])) == Decimal("0.0001482")
    assert Decimal(str(cost["output_cost"])) == Decimal("0.00048")


def test_the_cost_of_many_calls_is_the_sum_of_ours_to_the_last_digit(
    journal: Journal, tracking_uri: str
) -> None:
    for turn in range(20):
        name = f"many calls {turn} {tracking_uri}"
        calls = [
            llm_call(name, str(number), input_tokens=17 * (turn + number), output_tokens=7 + number * turn)
            for number in range(7)
        ]
        trace = shipped(journal, tracking_uri, [*calls, turn_root(name)])

        costs = [Meter().measure(call).cost_usd or Decimal(0) for call in calls]
        assert cost_of(trace) == float(sum(costs)), turn
        # the exact decimals stand on the spans, and what MLflow shows is as good as they
        spans = {span.span_id: span for span in trace.data.spans}
        for call, cost in zip(calls, costs, strict=True):
            span = spans[call.run_id[16:]]
            assert span.attributes["examsgraph.cost_usd"] == str(cost)
            assert (span.llm_cost or {})["total_cost"] == pytest.approx(float(cost), rel=1e-12)


@pytest.mark.parametrize(
    "outer", [{}, {"provider": "자체", "served_model": "우리모델-7b"}], ids=["priced", "not"]
)
def test_a_call_within_a_call_costs_too(outer: dict[str, Any], journal: Journal, tracking_uri: str) -> None:
    name = f"{outer} {tracking_uri}"
    above = llm_call(name, "above", **outer)
    within = llm_call(name, "within", parent_run_id=above.run_id, input_tokens=1500)
    trace = shipped(journal, tracking_uri, [within, above, turn_root(name)])

    costs = [Meter().measure(call).cost_usd or Decimal(0) for call in (above, within)]
    assert cost_of(trace) == float(sum(costs))
    assert tokens_of(trace)["input_tokens"] == 1515


def test_an_unpriced_call_has_no_cost_and_says_why(trace: Trace) -> None:
    span = calls_of(trace)["우리모델-7b"]
    assert span.attributes["mlflow.chat.tokenUsage"]["total_tokens"] == 45
    assert span.llm_cost == {}
    assert "examsgraph.cost_usd" not in span.attributes
    assert "우리모델-7b" in span.attributes["examsgraph.unpriced_reason"]
    assert "우리모델-7b" in trace.info.tags["unpriced"]


def test_a_turn_without_any_price_costs_nothing_known_and_not_zero(
    journal: Journal, tracking_uri: str
) -> None:
    name = f"unpriced {tracking_uri}"
    # a model that MLflow would price by itself, of a provider whose prices nobody knows
    call = llm_call(name, provider="사내", served_model=None, requested_model="gpt-4o", service_tier="전용")
    assert Meter().measure(call).cost_usd is None

    trace = shipped(journal, tracking_uri, [call, turn_root(name)])

    assert cost_of(trace) is None
    assert tokens_of(trace)["total_tokens"] == 45
    assert trace.info.state.value == "OK"
    assert trace.info.execution_duration == 5000


def test_a_failed_call_is_an_error_of_its_type(trace: Trace) -> None:
    span = calls_of(trace)["gpt-4o-mini"]
    assert span.status.status_code.value == "ERROR"
    assert span.status.description == "RateLimitError: 429: 잠시 후 다시"
    (event,) = span.events
    assert event.attributes == {
        "exception.type": "RateLimitError",
        "exception.message": "429: 잠시 후 다시",
    }
    assert trace.info.state.value == "OK"


def test_retrieved_documents_show_their_score_first(trace: Trace) -> None:
    retriever, tool = spans_named(trace, "ConceptRetriever", "문제은행")
    assert retriever.span_type == "RETRIEVER"
    first, second = retriever.outputs
    assert first == {
        "page_content": "원자값만 갖는다.",
        "metadata": {"score": 0.92, "source": "교재"},
        "id": "제1정규형",
    }
    assert next(iter(first["metadata"])) == "score"
    assert second["metadata"] == {}
    assert (tool.span_type, tool.inputs, tool.outputs) == ("TOOL", {"question_id": "q_001"}, "제2정규형")


def test_an_exploration_shows_each_level_with_the_hops_that_were_not_followed(trace: Trace) -> None:
    explored, one, two, three = spans_named(trace, "GraphPathRetriever", "depth 1", "depth 2", "depth 3")
    assert explored.outputs[-1] == "이상현상 -[관련]-> SQL 문법 (0.45)"
    assert {span.parent_id for span in (one, two, three)} == {explored.span_id}
    names = [span.name for span in trace.data.spans]
    assert [name for name in names if name.startswith("depth")] == ["depth 1", "depth 2", "depth 3"]
    assert [hop["metadata"]["verdict"] for hop in one.outputs] == ["followed", "below_threshold"]
    assert next(iter(one.outputs[0]["metadata"])) == "score"


def test_a_call_with_nothing_above_it_is_a_trace_of_its_own(journal: Journal, tracking_uri: str) -> None:
    name = f"bare {tracking_uri}"
    call = llm_call(name, run_id=hex_id(name), parent_run_id=None)
    trace = shipped(journal, tracking_uri, [call])

    (span,) = trace.data.spans
    assert (span.span_type, span.parent_id) == ("CHAT_MODEL", None)
    assert trace.info.trace_metadata["mlflow.trace.user"] == "user_001"
    assert tokens_of(trace)["total_tokens"] == 45


def test_a_run_whose_parent_was_never_written_hangs_on_the_root(journal: Journal, tracking_uri: str) -> None:
    name = f"orphan {tracking_uri}"
    orphan = llm_call(name, parent_run_id=hex_id("never written"))
    trace = shipped(journal, tracking_uri, [orphan, turn_root(name)])

    root, call = trace.data.spans
    assert call.parent_id == root.span_id


def test_delivering_again_changes_nothing(
    journal: Journal, tracking_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    facts = full_turn(f"again {tracking_uri}")
    before = shipped(journal, tracking_uri, facts).to_dict()
    copy = Journal(tmp_path_factory.mktemp("copy"))

    assert shipped(copy, tracking_uri, facts).to_dict() == before


def embedded(root: RunFact, **fields: object) -> EmbeddingCall:
    """An embedding call of that turn: 1,500 tokens of text-embedding-3-small."""
    defaults = {
        "event_id": hex_id(f"{root.trace_id} embedding event"),
        "run_id": hex_id(f"{root.trace_id} embedding run"),
        "trace_id": root.trace_id,
        "parent_run_id": root.run_id,
        "started_at": root.started_at,
        "latency_ms": 20,
        "name": "embeddings.create",
        "provider": "openai",
        "requested_model": "text-embedding-3-small",
        "served_model": "text-embedding-3-small",
        "input_tokens": 1500,
        "usage_source": "reported",
        "text_count": 1,
    }
    return EmbeddingCall.model_validate(defaults | fields)


def test_an_embedding_call_costs_what_it_cost_and_the_turn_that_much_more(
    journal: Journal,
    tracking_uri: str,
) -> None:
    *calls, root = small_turn(f"embedding {tracking_uri}")
    trace = shipped(journal, tracking_uri, [*calls, embedded(root), root])

    (span,) = spans_named(trace, "embeddings.create")
    assert (span.span_type, span.inputs) == ("EMBEDDING", {"texts": 1})
    assert span.outputs["input_tokens"] == 1500
    assert span.attributes["mlflow.llm.model"] == "text-embedding-3-small"
    # 1,500 at 0.02 USD a million
    assert span.attributes["examsgraph.cost_usd"] == "0.00003"
    assert span.llm_cost == {"input_cost": 0.00003, "output_cost": 0.0, "total_cost": 0.00003}
    answers = [Meter().measure(call).cost_usd for call in calls if isinstance(call, LLMCall)]
    assert cost_of(trace) == pytest.approx(float(sum(filter(None, answers), Decimal("0.00003"))), abs=1e-12)
    # what chat models read and wrote
    assert tokens_of(trace)["input_tokens"] == sum(
        call.input_tokens or 0 for call in calls if isinstance(call, LLMCall)
    )


def test_a_turn_that_only_embeds_costs_what_that_costs(journal: Journal, tracking_uri: str) -> None:
    root = turn_root(f"only embeds {tracking_uri}")
    assert cost_of(shipped(journal, tracking_uri, [embedded(root), root])) == 0.00003


def test_an_embedding_call_without_usage_has_no_cost_and_says_why(
    journal: Journal,
    tracking_uri: str,
) -> None:
    root = turn_root(f"embeds silently {tracking_uri}")
    trace = shipped(journal, tracking_uri, [embedded(root, input_tokens=None, usage_source=None), root])

    (span,) = spans_named(trace, "embeddings.create")
    assert span.llm_cost is None
    assert "reported no usage" in span.attributes["examsgraph.unpriced_reason"]
    assert "reported no usage" in trace.info.tags["unpriced"]
    assert cost_of(trace) is None
