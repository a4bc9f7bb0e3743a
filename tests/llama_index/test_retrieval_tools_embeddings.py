"""Retrievals with their scores, tools with what they were told, embeddings by their number."""

import asyncio
from typing import Any

import pytest
import xxhash
from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import QueryBundle, TextNode
from llama_index.core.tools import BaseTool, FunctionTool, ToolMetadata, ToolOutput, adapt_to_async_tool
from llama_index_instrumentation import get_dispatcher
from pydantic import ConfigDict

from examsgraph_callbacks.events import EmbeddingCall, Retrieval, ToolCall
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from examsgraph_callbacks.settings import Settings
from tests.llama_index.models import Shelf, facts

VECTOR = [0.0009765625, 0.75]
"""No time, of three decimals, reads like its first number."""


class Vectors(BaseEmbedding):
    """Embeds any text as the same vector."""

    failure: Exception | None = None
    model_config = ConfigDict(arbitrary_types_allowed=True)

    def _get_query_embedding(self, query: str) -> list[float]:
        if self.failure is not None:
            raise self.failure
        return VECTOR

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_query_embedding(text)


class TestRetrieval:
    def test_documents_carry_ids_scores_and_metadata_and_are_cut_with_length_and_hash_kept(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        limit = Settings().document_limit
        Shelf().retrieve("정규화")
        (retrieval,) = facts(handler)
        assert isinstance(retrieval, Retrieval)
        assert (retrieval.name, retrieval.query) == ("Shelf.retrieve", "정규화")
        first, second = retrieval.documents
        assert (first.id, first.score, first.content, first.content_hash) == ("1nf", 0.92, "원자값" * 3, None)
        assert first.metadata == {"concept": "제1정규형"}
        assert (second.score, second.content, second.content_length) == (None, "가" * limit, 5000)
        assert second.content_hash == xxhash.xxh3_128_hexdigest(("가" * 5000).encode("utf-32-le"))

    async def test_an_asynchronous_one_is_the_same(self, handler: ExamsGraphEventHandler) -> None:
        await Shelf().aretrieve(QueryBundle("정규화", embedding=VECTOR))
        (retrieval,) = facts(handler)
        assert isinstance(retrieval, Retrieval)
        assert (retrieval.query, len(retrieval.documents)) == ("정규화", 2)
        assert str(VECTOR[0]) not in handler.journal.segments()[0].read_text()

    def test_a_failing_one_is_an_error(self, handler: ExamsGraphEventHandler) -> None:
        with pytest.raises(ConnectionError):
            Shelf(ConnectionError("neo4j is down")).retrieve("?")
        (retrieval,) = facts(handler)
        assert (retrieval.status, retrieval.error_type) == ("error", "ConnectionError")

    def test_of_vectors_has_the_embedding_of_its_query_below_it(
        self, handler: ExamsGraphEventHandler
    ) -> None:
        index = VectorStoreIndex(
            [TextNode(text="함수 종속성")],
            embed_model=Vectors(model_name="text-embedding-3-small"),
        )
        index.as_retriever().retrieve("정규화")
        of_the_index, embedding, retrieval = facts(handler)
        assert isinstance(of_the_index, EmbeddingCall)
        assert of_the_index.parent_run_id is None
        assert isinstance(embedding, EmbeddingCall)
        assert isinstance(retrieval, Retrieval)
        assert embedding.parent_run_id == retrieval.run_id
        assert retrieval.documents[0].score == pytest.approx(1.0)
        assert str(VECTOR[0]) not in handler.journal.segments()[0].read_text()


class TestEmbeddings:
    async def test_each_way_of_calling_is_one_fact_with_the_number_of_texts(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        model = Vectors(model_name="text-embedding-3-small", embed_batch_size=2)
        model.get_query_embedding("정규화")
        model.get_text_embedding("정규화")
        model.get_text_embedding_batch(["정규화"] * 3)
        await model.aget_query_embedding("정규화")
        await model.aget_text_embedding("정규화")
        await model.aget_text_embedding_batch(["정규화"] * 3)
        recorded = [fact for fact in facts(handler) if isinstance(fact, EmbeddingCall)]
        assert [fact.text_count for fact in recorded] == [1, 1, 3] * 2
        assert {(fact.requested_model, fact.status) for fact in recorded} == {
            ("text-embedding-3-small", "ok")
        }
        # LlamaIndex keeps the provider's usage to itself
        assert {(fact.input_tokens, fact.usage_source) for fact in recorded} == {(None, None)}
        assert len(facts(handler)) == 6
        assert str(VECTOR[0]) not in handler.journal.segments()[0].read_text()

    def test_a_failing_one_is_an_error(self, handler: ExamsGraphEventHandler) -> None:
        with pytest.raises(TimeoutError):
            Vectors(failure=TimeoutError()).get_text_embedding_batch(["정규화"])
        (embedding,) = facts(handler)
        assert isinstance(embedding, EmbeddingCall)
        assert (embedding.status, embedding.text_count, embedding.requested_model) == ("error", 1, None)


class TestTools:
    @pytest.mark.parametrize("way", ["__call__", "call", "acall"])
    async def test_each_way_of_calling_is_one_fact(self, way: str, handler: ExamsGraphEventHandler) -> None:
        def look_up(concept: str) -> str:
            """Look a concept up."""
            return f"{concept}: 분해"

        result = getattr(FunctionTool.from_defaults(look_up), way)(concept="정규화")
        if asyncio.iscoroutine(result):
            await result
        (call,) = facts(handler)
        assert isinstance(call, ToolCall)
        assert (call.name, call.input, call.output) == ("look_up", {"concept": "정규화"}, "정규화: 분해")
        assert handler.open_runs == 0

    async def test_a_synchronous_tool_made_asynchronous_is_one_fact(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        class LookUp(BaseTool):
            @property
            def metadata(self) -> ToolMetadata:
                return ToolMetadata("Look a concept up.", name="look_up")

            def __call__(self, input: Any) -> ToolOutput:  # noqa: A002 - LlamaIndex's own name
                return ToolOutput(
                    tool_name="look_up", content=f"{input}: 분해", raw_input={}, raw_output=None
                )

        await adapt_to_async_tool(LookUp()).acall("정규화")
        (call,) = facts(handler)
        assert isinstance(call, ToolCall)
        assert (call.input, call.output) == ("정규화", "정규화: 분해")

    def test_a_tool_that_calls_another_is_above_it(self, handler: ExamsGraphEventHandler) -> None:
        inner = FunctionTool.from_defaults(lambda concept: concept, name="inner", description="look up")
        outer = FunctionTool.from_defaults(
            lambda concept: str(inner(concept)), name="outer", description="look up"
        )
        outer("정규화")
        below, above = facts(handler)
        assert (below.name, above.name, below.parent_run_id) == ("inner", "outer", above.run_id)

    def test_a_tool_that_leads_to_itself_is_one_fact_each_time(self, handler: ExamsGraphEventHandler) -> None:
        @get_dispatcher().span
        def explain(concept: str) -> str:
            return str(tool(concept.removeprefix("다시 ")))

        def look_up(concept: str) -> str:
            """Look a concept up."""
            return explain(concept) if concept.startswith("다시 ") else concept

        tool = FunctionTool.from_defaults(look_up)
        tool("다시 정규화")
        inner, outer = facts(handler)
        assert isinstance(inner, ToolCall)
        assert isinstance(outer, ToolCall)
        assert (inner.input, outer.input) == ("정규화", "다시 정규화")
        assert inner.parent_run_id == outer.run_id
