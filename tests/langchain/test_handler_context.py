"""Whose run it is: metadata, blocks and defaults, by which is nearer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Trace
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import ScriptedModel, call_of, config, facts, tutor


class TestContext:
    def test_metadata_beats_the_block_around_which_beats_the_handlers_defaults(self, tmp_path: Path) -> None:
        handler = ExamsGraphCallbackHandler(tmp_path, user_id="default", session_id="default", task_type="d")
        with tutoring(user_id="block", session_id="block", wrong_concept="정규화"):
            ScriptedModel().invoke("?", config(handler, metadata={"user_id": "metadata"}))
        call = call_of(handler)
        assert (call.user_id, call.session_id, call.task_type) == ("metadata", "block", "d")
        assert call.wrong_concept == "정규화"

    def test_a_block_inside_the_chain_is_nearer_than_the_metadata_outside(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        def step(question: str) -> Any:
            with tutoring(task_type="complex_reasoning"):
                return ScriptedModel().invoke(question)

        with tutoring(user_id="outer"):
            RunnableLambda(step).invoke(
                "?",
                config(handler, metadata={"task_type": "simple_greeting", "user_id": "metadata"}),
            )
        call = call_of(handler)
        # the block inside said nothing of the user: it does not carry the outer block's over the metadata
        assert (call.task_type, call.user_id) == ("complex_reasoning", "metadata")

    def test_metadata_on_an_inner_call_is_nearer_than_all(self, handler: ExamsGraphCallbackHandler) -> None:
        def step(question: str) -> Any:
            with tutoring(question_id="q_block"):
                return ScriptedModel().invoke(question, {"metadata": {"question_id": "q_inner"}})

        RunnableLambda(step).invoke("?", config(handler, metadata={"question_id": "q_outer"}))
        assert call_of(handler).question_id == "q_inner"

    async def test_concurrent_learners_are_not_mixed_up(self, handler: ExamsGraphCallbackHandler) -> None:
        async def turn(number: int) -> None:
            with tutoring(user_id=f"user_{number}"):
                await tutor(ScriptedModel()).ainvoke(f"{number}", config(handler))

        await asyncio.gather(*(turn(number) for number in range(40)))
        traces = [fact for fact in facts(handler) if isinstance(fact, Trace)]
        assert {(trace.inputs, trace.user_id) for trace in traces} == {
            (f"{number}", f"user_{number}") for number in range(40)
        }
        for fact in facts(handler):
            (trace,) = [trace for trace in traces if trace.trace_id == fact.trace_id]
            assert fact.user_id == trace.user_id

    def test_a_thread_that_copied_the_context_is_linked_and_carries_it(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        def step(question: str) -> Any:
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(copy_context().run, ScriptedModel().invoke, question).result()

        with tutoring(user_id="user_001"):
            RunnableLambda(step).invoke("?", config(handler))
        call, trace = facts(handler)
        assert (call.trace_id, call.user_id) == (trace.run_id, "user_001")  # type: ignore[attr-defined]

    def test_own_tags_are_kept_and_langchains_step_numbers_are_not(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        tutor(ScriptedModel()).invoke("?", config(handler, tags=["lesson-3"]))
        assert {fact.tags for fact in facts(handler)} == {("lesson-3",)}

    def test_a_value_that_is_not_text_is_refused_by_name(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInputError, match="expected text for user_id, got int 7"):
            ExamsGraphCallbackHandler(tmp_path, user_id=7)  # type: ignore[arg-type]
        with (
            pytest.raises(InvalidInputError, match="expected text for question_id"),
            tutoring(
                question_id=3,  # type: ignore[arg-type]
            ),
        ):
            pass
