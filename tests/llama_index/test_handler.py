"""The handler is attached and detached at will, breaks nothing and keeps nothing."""

import gc
import logging
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index_instrumentation import get_dispatcher
from pydantic import BaseModel

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import LLMCall, Retrieval, Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from examsgraph_callbacks.llama_index.kinds import provider_of, run_id_of
from tests.llama_index.models import ANSWER, USAGE, ScriptedLLM, Shelf, WrappingLLM, calls, facts


class TestAttaching:
    def test_twice_is_once(self, handler: ExamsGraphEventHandler) -> None:
        assert handler.attach() is handler
        ScriptedLLM().complete("?")
        assert len(calls(handler)) == 1

    def test_a_detached_handler_hears_nothing_and_is_let_go_of(self, handler: ExamsGraphEventHandler) -> None:
        root = get_dispatcher()
        listening = len(root.event_handlers), len(root.span_handlers)
        handler.detach()
        handler.detach()
        assert (len(root.event_handlers), len(root.span_handlers)) == (listening[0] - 1, listening[1] - 1)
        ScriptedLLM().complete("?")
        assert facts(handler) == []

    def test_two_handlers_each_keep_their_own_journal(
        self,
        handler: ExamsGraphEventHandler,
        tmp_path: Path,
    ) -> None:
        with ExamsGraphEventHandler(tmp_path / "other") as other:
            ScriptedLLM().complete("?")
        ScriptedLLM().complete("?")
        assert (len(calls(handler)), len(calls(other))) == (2, 1)

    def test_two_handlers_of_one_journal_record_each_run_once(self, handler: ExamsGraphEventHandler) -> None:
        with ExamsGraphEventHandler(handler.journal, task_type="inner") as other:
            ScriptedLLM().complete("?")
            WrappingLLM(inner=ScriptedLLM()).complete("?")
            response: Any = RetrieverQueryEngine.from_args(Shelf(), llm=ScriptedLLM(), streaming=True).query(
                "?"
            )
            list(response.response_gen)
        recorded = [type(fact) for fact in facts(handler)]
        assert recorded == [LLMCall, LLMCall, Trace, Retrieval, LLMCall, Trace]
        turn = facts(handler)[2]
        assert isinstance(turn, Trace)
        assert turn.inputs is not None
        assert (handler.open_runs, other.open_runs) == (0, 0)

    def test_in_the_middle_of_a_turn_records_what_begins_from_then_on(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        handler.detach()

        class Attaching(Shelf):
            def _retrieve(self, query_bundle: Any) -> Any:
                handler.attach()
                return super()._retrieve(query_bundle)

        RetrieverQueryEngine.from_args(Attaching(), llm=ScriptedLLM(usage=USAGE)).query("?")
        (call,) = facts(handler)
        assert isinstance(call, LLMCall)
        assert call.parent_run_id is None
        assert handler.open_runs == 0

    def test_a_default_that_is_not_text_is_refused_by_name(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInputError, match="expected text for user_id, got int 7"):
            ExamsGraphEventHandler(tmp_path, user_id=7)  # type: ignore[arg-type]


class TestTheHostIsNeverBroken:
    def test_a_failure_of_ours_is_logged_and_the_application_goes_on(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail(*_args: object) -> None:
            raise RuntimeError("a bug of ours")

        with ExamsGraphEventHandler(tmp_path) as handler, caplog.at_level(logging.WARNING):
            monkeypatch.setattr(handler.journal, "write_fields", fail)
            assert ScriptedLLM().complete("?").text == ANSWER
            stream = ScriptedLLM().stream_complete("?")
            del stream
            gc.collect()
        # the dispatcher would have swallowed it in silence
        assert "a bug of ours" in caplog.text

    def test_an_llm_that_knows_no_metadata_is_recorded_all_the_same(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        class Unknown(ScriptedLLM):
            @property
            def metadata(self) -> Any:
                raise ValueError("Unknown model 'gpt-7'")

        with pytest.raises(ValueError, match="Unknown model"):
            Unknown(model="gpt-7").complete("?")
        (call,) = facts(handler)
        assert isinstance(call, LLMCall)
        assert (call.status, call.error_type, call.requested_model) == ("error", "ValueError", "gpt-7")

    def test_secrets_in_what_was_asked_do_not_reach_the_disk(self, handler: ExamsGraphEventHandler) -> None:
        ScriptedLLM().complete("제 메일은 someone@example.com 입니다")
        assert "someone@example.com" not in handler.journal.segments()[0].read_text(encoding="utf-8")


def bytes_left(work: Callable[[int], None], repetitions: int) -> int:
    """What the work leaves in memory."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    work(repetitions)
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before


class TestNothingGrows:
    def test_a_thousand_calls_streams_and_turns_leave_nothing_in_memory(self, tmp_path: Path) -> None:
        llm = ScriptedLLM(usage=USAGE)
        engine = RetrieverQueryEngine.from_args(Shelf(), llm=llm, streaming=True)

        def work(repetitions: int) -> None:
            for number in range(repetitions):
                llm.complete("?")
                list(llm.stream_chat([ChatMessage("?")]))
                stream = llm.stream_chat([ChatMessage("?")])
                next(stream)
                stream.close()
                if number % 10 == 0:
                    response: Any = engine.query("?")
                    list(response.response_gen)

        with ExamsGraphEventHandler(tmp_path) as handler:
            tracemalloc.start()
            try:
                work(100)  # fills what is remembered of a bounded number
                # twice: what others allocate meanwhile, on threads of earlier tests, they do not both times
                left = min(bytes_left(work, 200), bytes_left(work, 200))
            finally:
                tracemalloc.stop()
        assert handler.open_runs == 0
        span_handler = handler._span_handler
        assert (span_handler.open_spans, span_handler.completed_spans, span_handler.dropped_spans) == (
            {},
            [],
            [],
        )
        assert left < 25_000, f"{left} bytes are left of 620 calls"
        assert len(calls(handler)) == 500 * 3 + 50

    def test_answers_that_are_kept_after_they_were_read_keep_no_run_open(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        engine = RetrieverQueryEngine.from_args(Shelf(), llm=ScriptedLLM(), streaming=True)
        kept: list[Any] = [engine.query("?") for _ in range(3)]
        assert handler.open_runs > 0
        for response in kept:
            list(response.response_gen)
        assert handler.open_runs == 0


class TestProvider:
    def test_is_the_integration_that_the_class_comes_from(self) -> None:
        class Base:
            """Stands for llama_index.llms.azure_openai's own class."""

        Base.__module__ = "llama_index.llms.azure_openai.base"

        class Mine(Base):
            """An application's subclass."""

        assert provider_of(Mine) == "azure"
        assert provider_of(ScriptedLLM) is None
        assert provider_of(BaseModel) is None


def test_a_span_id_without_a_uuid_has_a_run_id_all_the_same() -> None:
    assert run_id_of("step-1") == run_id_of("step-1")
    assert run_id_of("step-1") != run_id_of("step-2")
    assert run_id_of("A.b-12345678-1234-5678-1234-567812345678").hex == "12345678123456781234567812345678"


def test_without_llama_index_the_error_names_the_extra() -> None:
    code = """
import sys
sys.modules["llama_index"] = sys.modules["llama_index.core"] = None
from examsgraph_callbacks.errors import MissingExtraError
try:
    import examsgraph_callbacks.llama_index
except MissingExtraError as error:
    print(error)
"""
    root = Path(__file__).resolve().parents[2]
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert "pip install 'examsgraph-callbacks[llama-index]'" in printed


def test_the_handler_brings_in_nothing_that_only_delivery_or_measuring_needs() -> None:
    heavy = ["mlflow", "neo4j", "genai_prices", "langchain_core"]
    code = (
        "import sys; from examsgraph_callbacks.llama_index import ExamsGraphEventHandler;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"
