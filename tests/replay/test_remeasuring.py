"""Recorded calls measured again: to the last digit what they cost, and what they would have cost."""

import json
import random
import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import pytest

from examsgraph_callbacks.events import LLMCall, Message, Request
from examsgraph_callbacks.measure import (
    Assumptions,
    CallPair,
    Meter,
    PriceList,
    PriceOverride,
    RoutingPolicy,
)
from examsgraph_callbacks.replay import Flaw, Recording, Remeasured, remeasure, write_recording
from examsgraph_callbacks.replay.lines import numbered_line
from tests.measure.facts import embedding_call, llm_call, show
from tests.measure.recorded import recorded_call, recorded_embedding, recordings


def of_model(result: Remeasured, model: str) -> Any:
    return next(pair for (recorded, _then), pair in result.models.items() if recorded == model)


FLAVORS = {"chat": "chat", "completions": "chat", "responses": "responses", "messages": "default"}


def straight_from_the_list(recording: dict[str, Any], started_at: datetime) -> Decimal:
    """What genai-prices makes of a provider's raw usage."""
    # facts do not count the searches that a provider runs itself
    usage = {key: count for key, count in recording["usage"].items() if key != "server_tool_use"}
    if recording["api"] == "embeddings":
        read = genai_prices.Usage(input_tokens=usage["prompt_tokens"])
        return genai_prices.calc_price(
            read,
            recording["response_model"],
            provider_id=recording["provider"],
            genai_request_timestamp=started_at,
        ).total_price
    extracted = genai_prices.extract_usage(
        {"model": recording["response_model"], "usage": usage},
        provider_id=recording["provider"],
        api_flavor=FLAVORS[recording["api"]],
    )
    return extracted.calc_price(genai_request_timestamp=started_at).total_price


def test_real_answers_cost_in_a_recording_what_the_list_says_of_them_by_model(tmp_path: Path) -> None:
    answers = {one["id"]: one for one in recordings(*FLAVORS, "embeddings")}
    calls = {
        name: (recorded_embedding(one) if one["api"] == "embeddings" else recorded_call(one, reported=True))
        for name, one in answers.items()
    }
    path = tmp_path / "real.egrec.jsonl.gz"
    write_recording([call.model_copy(update={"event_id": name}) for name, call in calls.items()], path)
    pairs: list[CallPair] = []
    result = remeasure(Recording(path), Meter(), Assumptions(), on_call=pairs.append)

    expected: dict[str | None, Decimal] = defaultdict(Decimal)
    for pair in pairs:
        if pair.cost_usd is not None:
            name = pair.event_id
            expected[pair.model] += straight_from_the_list(answers[name], calls[name].started_at)
    by_model = {model: recorded.cost_usd for (model, _), (recorded, _) in result.models.items()}
    assert {model: cost for model, cost in by_model.items() if model in expected} == expected
    assert result.recorded.cost_usd == result.then.cost_usd == sum(expected.values())
    assert len(pairs) == result.recorded.calls == len(answers)
    # models that the list does not know, or whose audio or tier it has no price for
    assert result.recorded.unpriced_calls == 21
    show(
        f"\n{len(pairs)} real calls of {len(by_model)} models, {result.recorded.unpriced_calls} unpriced: "
        f"{result.recorded.cost_usd.normalize()} USD, by genai-prices {sum(expected.values())} USD",
    )


@pytest.mark.parametrize("reported", [True, False])
def test_measuring_again_changes_no_digit(tmp_path: Path, reported: bool) -> None:
    calls = [recorded_call(one, reported=reported) for one in recordings("chat", "messages")]
    write_recording(calls, tmp_path / "real.egrec.jsonl")
    first: list[CallPair] = []
    again: list[CallPair] = []
    remeasure(calls, Meter(), Assumptions(), on_call=first.append)
    remeasure(Recording(tmp_path / "real.egrec.jsonl"), Meter(), Assumptions(), on_call=again.append)
    assert first == again
    one_by_one = [Meter().measure(call) for call in calls]
    assert [pair.cost_usd for pair in first] == [measured.cost_usd for measured in one_by_one]
    assert [pair.input_tokens for pair in first] == [measured.input_tokens for measured in one_by_one]


def test_what_is_no_call_costs_itself_alone(tmp_path: Path) -> None:
    good = llm_call(**CALL, **REPORTED).model_dump(mode="json", exclude_none=True)
    bad = [{**good, "input_tokens": -1}, {**good, "started_at": "noon"}, {**good, "kind": "dream"}]
    facts = [json.dumps(one).encode() for one in [good, *bad, good]]
    lines = [numbered_line(number, "fact", fact) for number, fact in enumerate(facts, 1)]
    (tmp_path / "some.egrec.jsonl").write_bytes(b'{"egrec":{"format":1}}\n' + b"".join(lines))
    flaws: list[Flaw] = []
    result = remeasure(Recording(tmp_path / "some.egrec.jsonl"), Meter(), Assumptions(), on_flaw=flaws.append)
    assert (result.recorded.calls, result.recorded.cost_usd) == (2, Decimal("0.007"))
    # that it has no end is seen first
    assert [flaw.line for flaw in flaws] == [None, 3, 4, 5]
    assert "greater than or equal to 0" in str(flaws[1])


CALL = {"provider": "openai", "requested_model": "gpt-4o", "served_model": "gpt-4o-2024-08-06"}
REPORTED = {"input_tokens": 1000, "output_tokens": 100, "usage_source": "reported"}


def test_another_model_is_priced_for_the_same_tokens_and_counted_as_swapped() -> None:
    calls = [
        llm_call(**CALL, **REPORTED, task_type="simple_greeting"),
        llm_call(provider="openai", served_model="gpt-4.1", **REPORTED),
    ]
    result = remeasure(calls, Meter(), Assumptions({"gpt-4o": "gpt-4o-mini"}))
    recorded, then = of_model(result, "gpt-4o-2024-08-06")
    assert recorded.cost_usd == Decimal("0.0035")
    assert then.cost_usd == Decimal("0.00021")
    assert (recorded.misrouted, then.misrouted) == (1, 0)
    assert result.swapped == 1
    assert of_model(result, "gpt-4.1")[0] == of_model(result, "gpt-4.1")[1]
    snapshot = remeasure(calls, Meter(), Assumptions({"gpt-4o-2024-08-06": "anthropic/claude-haiku-4-5"}))
    assert of_model(snapshot, "gpt-4o-2024-08-06")[1].cost_usd == Decimal("0.0015")


def test_another_day_other_prices_and_another_policy() -> None:
    calls = [llm_call(**CALL, **REPORTED, task_type="grading", started_at=datetime(2024, 6, 1, tzinfo=UTC))]
    contract = PriceList([PriceOverride(model="gpt-4o", input=Decimal(1), output=Decimal(2))])
    policy = RoutingPolicy({"grading": ("gpt-4o-mini",)})
    result = remeasure(calls, Meter(contract, policy), Assumptions())
    assert result.then.cost_usd == Decimal("0.0012")
    assert result.then.price_versions == {"override"}
    assert (result.recorded.misrouted, result.then.misrouted) == (0, 1)

    deepseek = llm_call(
        provider="openai", served_model="o3", started_at=datetime(2025, 6, 1, 9, tzinfo=UTC), **REPORTED
    )
    fallen = remeasure([deepseek], Meter(), Assumptions(as_of=date(2025, 7, 1)))
    # o3 fell from 10 and 40 to 2 and 8 USD a million on 10 June 2025
    assert (fallen.recorded.cost_usd, fallen.then.cost_usd) == (Decimal("0.014"), Decimal("0.0028"))


def test_reported_estimated_cached_and_unpriced_stay_apart() -> None:
    request = Request(messages=(Message(role="user", content="정규화가 뭐예요?"),))
    answer = (Message(role="assistant", content="중복을 없애는 과정입니다."),)
    calls = [
        llm_call(**CALL, **REPORTED, cached_tokens=600),
        llm_call(**CALL, request=request, answer=answer),
        llm_call(**CALL, input_tokens=50, output_tokens=5, status="cache_hit", usage_source="cache_hit"),
        llm_call(**CALL, status="error", error_type="RateLimitError"),
        llm_call(served_model="our-own-model", **REPORTED),
        embedding_call(),
    ]
    figures = remeasure(calls, Meter(), Assumptions()).recorded
    assert (figures.calls, figures.reported, figures.estimated, figures.cache_hits, figures.unknown) == (
        6,
        3,
        1,
        1,
        1,
    )
    assert figures.cached_tokens == 600
    # 400 plain and 600 cached tokens in, 100 out; 1,500 tokens embedded
    assert figures.reported_usd == Decimal("0.00275") + Decimal("0.00003")
    estimated = Meter().measure(calls[1]).cost_usd  # type: ignore[call-overload]
    assert figures.estimated_usd == estimated > 0
    assert figures.cost_usd == figures.reported_usd + figures.estimated_usd
    assert figures.unpriced_calls == 2
    assert sorted(figures.unpriced.values()) == [1, 1]


def test_tokens_are_estimated_for_the_model_that_answered_and_not_again_for_another() -> None:
    request = Request(messages=(Message(role="user", content="정규화가 뭐예요?"),))
    call = llm_call(
        provider="openai",
        served_model="gpt-4-0613",  # of another encoding
        request=request,
        answer=(Message(role="assistant", content="중복을 없애는 과정입니다."),),
    )
    pairs: list[CallPair] = []
    remeasure([call], Meter(), Assumptions({"gpt-4": "gpt-4o-mini"}), on_call=pairs.append)
    measured = Meter().measure(call)
    assert (pairs[0].usage, pairs[0].input_tokens) == ("estimated", measured.input_tokens)
    assert measured.input_tokens is not None
    assert measured.output_tokens is not None
    in_usd = Decimal("0.15") * measured.input_tokens + Decimal("0.60") * measured.output_tokens
    assert pairs[0].then_cost_usd == in_usd / 1_000_000


def a_month(count: int) -> Iterator[LLMCall]:
    """So many calls of a month, each like no other."""
    chance = random.Random(7)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    models = ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "gpt-4.1-2025-04-14")
    for number in range(count):
        inputs = chance.randrange(200, 6000)
        yield llm_call(
            event_id=f"{number:032x}",
            run_id=f"{number:032x}",
            trace_id=f"{number:032x}",
            started_at=begin + timedelta(seconds=number * 2.6),
            provider="openai",
            requested_model="gpt-4o",
            served_model=chance.choice(models),
            task_type=chance.choice(("simple_greeting", "complex_reasoning")),
            user_id=f"user_{number % 500:03}",
            input_tokens=inputs,
            cached_tokens=chance.randrange(inputs),
            output_tokens=chance.randrange(20, 900),
            usage_source="reported",
        )


@pytest.mark.benchmark
@pytest.mark.timeout(1200)
def test_a_month_of_a_million_calls_is_priced_again_fast_and_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "month.egrec.jsonl"
    write_recording(a_month(1_000_000), path)
    assumptions = Assumptions({"gpt-4o": "gpt-4o-mini"})
    # what is loaded once
    remeasure(a_month(10_000), Meter(), assumptions)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, began_cpu = time.perf_counter(), time.process_time()
    result = remeasure(Recording(path), Meter(), assumptions)
    seconds, own_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    show(
        f"\n1,000,000 calls from a recording of {path.stat().st_size / 1e6:.0f} MB in {seconds:.1f} s, "
        f"{own_seconds:.1f} s of its own: {1_000_000 / own_seconds:,.0f} calls/s, {grown_mb:.0f} MB more "
        f"memory at the most, {result.recorded.cost_usd} USD, then {result.then.cost_usd} USD",
    )
    assert result.recorded.calls == 1_000_000
    assert grown_mb < 100
    # of its own time: other processes may share the processors
    assert 1_000_000 / own_seconds > 50_000
