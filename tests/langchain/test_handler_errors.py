"""What failed is recorded as it failed, and a failure of ours is none of the chain's."""

import logging
from typing import Any
from uuid import uuid4

import pytest
import xxhash
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda, RunnableParallel

from examsgraph_callbacks.events import LLMCall, Retrieval, Trace
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import USAGE, ScriptedModel, Shelf, call_of, config, facts, tutor

EVENTS = ("start", "end", "error")
CALLBACKS = [
    "on_chat_model_start",
    *(f"on_{kind}_{event}" for kind in ("llm", "chain", "retriever", "tool") for event in EVENTS),
]


class TestErrors:
    def test_a_failing_call_is_an_error_with_its_type_and_the_chain_sees_it_too(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        with pytest.raises(TimeoutError):
            tutor(ScriptedModel(failure=TimeoutError("too slow"))).invoke("?", config(handler))
        _, call, trace = facts(handler)
        assert isinstance(call, LLMCall)
        assert isinstance(trace, Trace)
        for fact in (call, trace):
            assert (fact.status, fact.error_type, fact.error_message) == (
                "error",
                "TimeoutError",
                "too slow",
            )
        assert (call.input_tokens, call.usage_source, call.answer) == (None, None, None)
        assert handler.open_runs == 0

    def test_an_error_in_mid_stream_keeps_what_had_come(self, handler: ExamsGraphCallbackHandler) -> None:
        model = ScriptedModel(failure=ConnectionError("cut"), fail_after=2)
        with pytest.raises(ConnectionError):
            list(model.stream("?", config(handler)))
        call = call_of(handler)
        assert (call.status, call.error_type) == ("partial", "ConnectionError")
        assert call.answer is not None
        assert call.answer[0].content == "정규화는 중복을 "

    def test_a_failed_attempt_before_a_fallback_is_a_fact_too(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        first = ScriptedModel(model_name="gpt-4o", failure=RuntimeError("overloaded"))
        first.with_fallbacks([ScriptedModel(model_name="gpt-4o-mini", usage=USAGE)]).invoke(
            "?",
            config(handler),
        )
        statuses = [(f.requested_model, f.status) for f in facts(handler) if isinstance(f, LLMCall)]
        assert statuses == [("gpt-4o", "error"), ("gpt-4o-mini", "ok")]

    def test_a_failing_retriever_is_an_error(self, handler: ExamsGraphCallbackHandler) -> None:
        with pytest.raises(ConnectionError):
            Shelf(failure=ConnectionError("neo4j is down")).invoke("?", config(handler))
        (retrieval,) = facts(handler)
        assert isinstance(retrieval, Retrieval)
        assert (retrieval.status, retrieval.error_type) == ("error", "ConnectionError")


class TestTheHostIsNeverBroken:
    def test_a_failure_of_ours_is_logged_and_the_chain_goes_on(
        self,
        handler: ExamsGraphCallbackHandler,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail(*_args: object) -> None:
            raise RuntimeError("a bug of ours")

        monkeypatch.setattr(handler.journal, "write_fields", fail)
        with caplog.at_level(logging.WARNING):
            assert isinstance(ScriptedModel().invoke("?", config(handler)), AIMessage)
        assert "a bug of ours" in caplog.text

    @pytest.mark.parametrize("callback", CALLBACKS)
    def test_no_callback_lets_a_failure_of_ours_out(
        self,
        callback: str,
        handler: ExamsGraphCallbackHandler,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Called as LangChain calls it, and without the net that LangChain itself has below it."""
        monkeypatch.setattr(handler, "_recorder", None)
        monkeypatch.setattr(handler, "_open_run", None)
        given: list[object] = [None, []] if callback.endswith("_start") else [None]
        name = f"ExamsGraphCallbackHandler.{callback}"
        before = failures.counts().get(name, 0)
        getattr(handler, callback)(*given, run_id=uuid4())
        assert failures.counts()[name] == before + 1

    def test_an_end_without_a_beginning_is_passed_over(self, handler: ExamsGraphCallbackHandler) -> None:
        inner = ExamsGraphCallbackHandler(handler.journal)
        model = ScriptedModel()

        def step(question: str) -> Any:
            return model.invoke(question, config(inner))

        # attached below a chain that it does not see, a call is its own trace
        RunnableLambda(step).invoke("?")
        (call,) = facts(inner)
        assert call.model_dump()["parent_run_id"] is None

    def test_objects_that_are_no_json_do_not_stop_a_trace(self, handler: ExamsGraphCallbackHandler) -> None:
        class Opaque:
            pass

        nested: list[Any] = []
        nested.append(nested)
        given = {"object": Opaque(), "bytes": b"\x00", "set": {1}, "nested": nested, "nan": float("nan")}
        RunnableParallel(kept=RunnableLambda(lambda given: given)).invoke(given, config(handler))
        (trace,) = facts(handler)
        assert isinstance(trace, Trace)
        assert isinstance(trace.inputs, dict)
        assert (trace.inputs["object"], trace.inputs["bytes"], trace.inputs["nan"]) == (
            "<Opaque>",
            f"<bytes of 1, {xxhash.xxh3_128_hexdigest(bytes(1))}>",
            None,
        )
