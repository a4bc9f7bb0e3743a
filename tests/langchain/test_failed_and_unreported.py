"""Calls that fail, break off or report nothing: over HTTP, in each way of calling.

What was billed and not reported is estimated and flagged; what nobody knows is None, and never 0.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.runnables import Runnable

from examsgraph_callbacks.measure import Meter, PriceList, PriceOverride
from tests.langchain.ledger import World, agree, is_estimated, only_call
from tests.langchain.test_situations import CLAUDE, KEPT, acall, call
from tests.servers.openai_server import Answer
from tests.servers.prices import list_price

WAYS = ("invoke", "stream", "ainvoke", "astream", "astream_events")
STREAMS = ("stream", "astream", "astream_events")
QUESTION = "정규화란 무엇인가요?"
KEPT_FOR_AN_HOUR = [("system", [KEPT]), ("user", QUESTION)]
FOR_MINUTES = {"type": "ephemeral"}


async def drive(way: str, runnable: Runnable[Any, Any], the_world: World, question: Any = QUESTION) -> None:
    try:
        if way.startswith("a"):
            await acall(way, runnable, question, the_world.config)
        else:
            call(way, runnable, question, the_world.config)
    finally:
        await the_world.aclose()


class TestUsageThatIsNotReported:
    @pytest.mark.parametrize("way", STREAMS)
    async def test_of_a_stream_is_estimated_and_flagged(self, way: str, the_world: World) -> None:
        # a base_url of one's own makes ChatOpenAI leave the usage out
        await drive(way, the_world.chat(stream_usage=False), the_world)
        recorded = only_call(the_world)
        assert (recorded.status, recorded.streamed) == ("ok", True)
        assert (recorded.input_tokens, recorded.output_tokens, recorded.usage_source) == (None, None, None)
        is_estimated(recorded)

    @pytest.mark.parametrize("way", ["invoke", "ainvoke"])
    async def test_of_a_server_that_keeps_it_to_itself_is_estimated(self, way: str, the_world: World) -> None:
        the_world.server.default = Answer(report_usage=False)
        await drive(way, the_world.chat(), the_world)
        recorded = only_call(the_world)
        assert (recorded.input_tokens, recorded.usage_source, recorded.streamed) == (None, None, False)
        is_estimated(recorded)

    @pytest.mark.parametrize("way", [way for way in WAYS if way != "astream_events"])
    async def test_of_a_streaming_completion_is_not_free(self, way: str, the_world: World) -> None:
        await drive(way, the_world.completion(streaming=True), the_world)
        recorded = only_call(the_world)
        assert (recorded.input_tokens, recorded.usage_source) == (None, None)
        is_estimated(recorded)

    @pytest.mark.parametrize("way", STREAMS)
    async def test_of_claudes_input_that_was_said_first_only_is_estimated_and_its_output_kept(
        self, way: str, the_world: World
    ) -> None:
        the_world.server.default = Answer(
            served_model=CLAUDE.served_model,
            input_tokens=1000,
            cached_tokens=400,
            cache_write_tokens=300,
            input_in_first_event_only=True,
        )
        await drive(way, the_world.claude(), the_world)
        recorded = only_call(the_world)
        assert (recorded.served_model, recorded.input_tokens) == (CLAUDE.served_model, None)
        assert recorded.output_tokens == 20
        is_estimated(recorded)
        assert Meter().measure(recorded).output_tokens == 20


class TestClaudesCacheWritesOfBothLifetimes:
    @pytest.mark.parametrize("asks", ["by each call", "by the model"])
    @pytest.mark.parametrize("way", STREAMS)
    async def test_are_not_told_apart_in_a_stream_which_is_unpriced_and_says_what_to_do(
        self, way: str, asks: str, the_world: World
    ) -> None:
        the_world.server.default = replace(CLAUDE, cache_write_1h_tokens=200)
        minutes = {"cache_control": FOR_MINUTES}
        model = (
            the_world.claude(model_kwargs=minutes)
            if asks == "by the model"
            else the_world.claude().bind(**minutes)
        )
        await drive(way, model, the_world, KEPT_FOR_AN_HOUR)
        (sent,) = the_world.server.requests
        assert sent["cache_control"] == FOR_MINUTES
        recorded = only_call(the_world)
        (bill,) = the_world.server.ledger
        written = (recorded.cache_write_tokens, recorded.cache_write_1h_tokens)
        assert (*written, recorded.cache_write_split_open) == (bill.cache_write_tokens, None, True)
        measured = Meter().measure(recorded)
        assert (measured.cost_usd, measured.price_version) == (None, None)
        assert "ask for one of them, or do not stream the answer" in str(measured.unpriced_reason)

    @pytest.mark.parametrize("way", STREAMS)
    async def test_cost_what_they_cost_at_one_price_for_both(self, way: str, the_world: World) -> None:
        the_world.server.default = replace(CLAUDE, cache_write_1h_tokens=200)
        await drive(way, the_world.claude().bind(cache_control=FOR_MINUTES), the_world, KEPT_FOR_AN_HOUR)
        flat = PriceOverride(model="claude-*", input=Decimal(1), output=Decimal(5), cache_write=Decimal(2))
        measured = Meter(PriceList([flat])).measure(only_call(the_world))
        # 1,000 in, of these 300 written, and 20 out
        assert measured.cost_usd == (700 * Decimal(1) + 300 * Decimal(2) + 20 * Decimal(5)) / 1_000_000

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("written", [0, 300])
    async def test_are_said_to_be_open_only_where_they_are(
        self, written: int, way: str, the_world: World
    ) -> None:
        the_world.server.default = replace(CLAUDE, cache_write_tokens=written, cache_write_1h_tokens=written)
        # what was written was asked for with one lifetime, or nothing was
        marks = {} if written else {"cache_control": FOR_MINUTES}
        await drive(way, the_world.claude().bind(**marks), the_world, KEPT_FOR_AN_HOUR)
        recorded = only_call(the_world)
        (bill,) = the_world.server.ledger
        assert recorded.cache_write_split_open is None
        assert Meter().measure(recorded).cost_usd == list_price(bill)
        (segment,) = the_world.handler.journal.segments()
        assert "cache_write_split_open" not in segment.read_text()


class TestModelsThatNoPriceListKnows:
    @pytest.mark.parametrize("way", ["invoke", "ainvoke"])
    async def test_are_unpriced_with_a_reason_and_never_free(self, way: str, the_world: World) -> None:
        await drive(way, the_world.chat("kt-mi-deum-2.0"), the_world)
        recorded = only_call(the_world)
        measured = Meter().measure(recorded)
        assert (measured.cost_usd, measured.input_tokens, measured.output_tokens) == (None, 100, 20)
        assert "kt-mi-deum-2.0" in str(measured.unpriced_reason)

    def test_are_priced_by_an_override_to_the_last_digit(self, the_world: World) -> None:
        the_world.chat("kt-mi-deum-2.0").invoke(QUESTION, the_world.config)
        override = PriceOverride(model="kt-mi-deum-*", input=Decimal("0.7"), output=Decimal("2.1"))
        measured = Meter(PriceList([override])).measure(only_call(the_world))
        assert measured.cost_usd == (100 * Decimal("0.7") + 20 * Decimal("2.1")) / 1_000_000

    async def test_an_azure_deployment_of_one_is_priced_by_its_own_name(self, the_world: World) -> None:
        the_world.server.default = Answer(served_model="kt-mi-deum-2.0")
        await drive("astream", the_world.azure(), the_world)
        override = PriceOverride(
            model="tutor-eastus", provider="azure", input=Decimal("0.7"), output=Decimal("2.1")
        )
        measured = Meter(PriceList([override])).measure(only_call(the_world))
        assert measured.cost_usd == (100 * Decimal("0.7") + 20 * Decimal("2.1")) / 1_000_000


class TestALangChainCache:
    @pytest.fixture(params=["of the model", "of the process"])
    def cached(self, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
        if request.param == "of the model":
            yield {"cache": InMemoryCache()}
        else:
            set_llm_cache(InMemoryCache())
            yield {}
            set_llm_cache(None)

    @pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
    @pytest.mark.parametrize("way", ["invoke", "ainvoke"])
    async def test_hit_is_billed_nothing_and_keeps_what_it_saved(
        self, way: str, responses: bool, cached: dict[str, Any], the_world: World
    ) -> None:
        model = the_world.chat(use_responses_api=responses, **cached)
        for _ in range(2):
            if way == "invoke":
                model.invoke("?", the_world.config)
            else:
                await model.ainvoke("?", the_world.config)
        await the_world.aclose()
        (bill,) = the_world.server.ledger
        first, second = the_world.calls()
        assert (first.status, first.usage_source) == ("ok", "reported")
        assert (second.status, second.usage_source) == ("cache_hit", "cache_hit")
        assert (second.input_tokens, second.output_tokens) == (bill.input_tokens, bill.output_tokens)
        assert second.served_model == first.served_model
        costs = [Meter().measure(fact).cost_usd for fact in (first, second)]
        assert costs == [list_price(bill), 0]


class TestSeveralPromptsInOneRequest:
    def check(self, the_world: World) -> None:
        calls, (bill,) = the_world.calls(), the_world.server.ledger
        assert sorted(fact.input_tokens or 0 for fact in calls) == [0, 0, 300]
        assert sum(fact.output_tokens or 0 for fact in calls) == bill.output_tokens
        assert {fact.usage_source for fact in calls} == {"reported"}
        asked = [fact.request.messages[0].content for fact in calls if fact.request is not None]
        assert sorted(map(str, asked)) == ["둘", "셋", "하나"]
        costs = [Meter().measure(fact).cost_usd for fact in calls]
        assert all(cost is not None for cost in costs)
        assert sum(cost for cost in costs if cost is not None) == list_price(bill)
        assert the_world.handler.open_runs == 0

    def test_generated_the_first_carries_the_usage(self, the_world: World) -> None:
        the_world.completion().generate(["하나", "둘", "셋"], callbacks=the_world.config["callbacks"])
        self.check(the_world)

    async def test_on_an_event_loop_too(self, the_world: World) -> None:
        await the_world.completion().agenerate(["하나", "둘", "셋"], callbacks=the_world.config["callbacks"])
        await the_world.aclose()
        self.check(the_world)

    def test_in_a_batch_too(self, the_world: World) -> None:
        the_world.completion().batch(["하나", "둘", "셋"], the_world.config)
        self.check(the_world)

    async def test_in_an_asynchronous_batch_too(self, the_world: World) -> None:
        await the_world.completion().abatch(["하나", "둘", "셋"], the_world.config)
        await the_world.aclose()
        self.check(the_world)


class TestFailures:
    @pytest.mark.parametrize("way", ["invoke", "ainvoke"])
    async def test_each_retry_is_a_fact_and_the_last_is_what_was_billed(
        self, way: str, the_world: World
    ) -> None:
        the_world.server.will(Answer(status=500), Answer(status=500))
        retrying = the_world.chat().with_retry(stop_after_attempt=3, wait_exponential_jitter=False)
        await drive(way, retrying, the_world)
        assert [fact.status for fact in the_world.calls()] == ["error", "error", "ok"]
        agree(the_world, 1, failed=2)

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
    async def test_an_http_error_is_an_error_whose_usage_is_unknown(
        self, status: int, way: str, the_world: World
    ) -> None:
        the_world.server.default = Answer(status=status)
        with pytest.raises(Exception, match=str(status)):
            await drive(way, the_world.chat(), the_world)
        recorded = only_call(the_world)
        assert (recorded.status, recorded.input_tokens, recorded.usage_source) == ("error", None, None)
        assert recorded.error_type
        assert str(status) in str(recorded.error_message)
        assert Meter().measure(recorded).cost_usd is None

    @pytest.mark.parametrize("model", ["chat", "claude"])
    @pytest.mark.parametrize("way", STREAMS)
    async def test_a_stream_that_breaks_off_is_partial_and_estimated(
        self, way: str, model: str, the_world: World
    ) -> None:
        the_world.server.default = Answer(cut_after=4, served_model=CLAUDE.served_model)
        with pytest.raises(httpx.RemoteProtocolError):
            await drive(way, getattr(the_world, model)(), the_world)
        recorded = only_call(the_world)
        assert (recorded.status, recorded.error_type) == ("partial", "RemoteProtocolError")
        assert recorded.answer is not None
        assert str(recorded.answer[0].content).startswith("정규화는")
        assert Meter().measure(recorded).estimated
