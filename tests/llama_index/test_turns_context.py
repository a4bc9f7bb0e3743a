"""Whose turn it is: tags, blocks and defaults, by which is nearer."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from llama_index.core.schema import QueryBundle
from llama_index_instrumentation.dispatcher import instrument_tags

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.llama_index.models import ScriptedLLM, Shelf, calls, engine, facts


class TestContext:
    def test_tags_beat_the_block_around_which_beats_the_handlers_defaults(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        with ExamsGraphEventHandler(handler.journal, user_id="default", task_type="default") as own:
            handler.detach()
            with tutoring(user_id="block", wrong_concept="정규화"), instrument_tags({"user_id": "tag"}):
                ScriptedLLM().complete("?")
        (call,) = calls(own)
        assert (call.user_id, call.task_type, call.wrong_concept) == ("tag", "default", "정규화")

    def test_a_block_inside_the_turn_is_nearer_than_the_one_outside(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        class Deep(Shelf):
            def _retrieve(self, query_bundle: QueryBundle) -> list[Any]:
                with tutoring(task_type="complex_reasoning"):
                    ScriptedLLM().complete("?")
                return super()._retrieve(query_bundle)

        with tutoring(user_id="user_001", task_type="simple_greeting"):
            engine(ScriptedLLM(), Deep()).query("?")
        inside, outside = calls(handler)
        assert (inside.user_id, inside.task_type) == ("user_001", "complex_reasoning")
        assert (outside.user_id, outside.task_type) == ("user_001", "simple_greeting")

    def test_a_streamed_answer_is_that_of_the_block_in_which_it_was_asked_for(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        with tutoring(user_id="user_001"):
            response: Any = engine(ScriptedLLM(), streaming=True).query("?")
        list(response.response_gen)
        assert {fact.user_id for fact in facts(handler)} == {"user_001"}

    def test_a_thread_that_copied_the_context_is_linked_and_carries_it(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        class Threaded(Shelf):
            def _retrieve(self, query_bundle: QueryBundle) -> list[Any]:
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(copy_context().run, ScriptedLLM().complete, "?").result()
                return super()._retrieve(query_bundle)

        with tutoring(user_id="user_001"):
            Threaded().retrieve("정규화")
        call, retrieval = facts(handler)
        assert (call.parent_run_id, call.user_id) == (retrieval.run_id, "user_001")
