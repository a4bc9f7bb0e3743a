"""What went into and came out of turns, retrievals, tools and embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from inspect import BoundArguments

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.schema import BaseNode, NodeWithScore, QueryBundle
from llama_index.core.tools import ToolOutput
from llama_index.core.workflow import Event, StopEvent
from pydantic import BaseModel, JsonValue

from examsgraph_callbacks.capture import embedded_texts, packed_vectors, plain, recorded_document
from examsgraph_callbacks.llama_index.kinds import provider_of

__all__ = [
    "embedded_fields",
    "embedding_fields",
    "retrieved_documents",
    "retriever_query",
    "tool_input",
    "tool_output",
    "turn_inputs",
    "turn_outputs",
]


def turn_inputs(arguments: BoundArguments) -> JsonValue:
    """What a turn was asked: its one readable argument, or several by name."""
    start = arguments.arguments.get("start_event")
    if isinstance(start, Event):
        given = dict(start.items())
        return _readable(given.get("user_msg")) or plain(given)
    named = {**arguments.arguments, **arguments.kwargs}
    read = {name: text for name, value in named.items() if (text := _readable(value)) is not None}
    return next(iter(read.values())) if len(read) == 1 else plain(read) if read else None


def turn_outputs(result: object) -> JsonValue:
    """What a turn answered; None for a stream, which nobody has read yet."""
    text = _readable(result)
    if text is not None or isinstance(result, BaseNode | NodeWithScore):
        return text
    if isinstance(result, StopEvent):
        return turn_outputs(result.result)
    if _is_an_answer(result):
        return turn_outputs(getattr(result, "response", None))
    return plain(result) if isinstance(result, BaseModel | Mapping) else None


def retriever_query(arguments: BoundArguments) -> str | None:
    """The query that a retriever was given."""
    return _text(next(iter(arguments.arguments.values()), None))


def retrieved_documents(result: object, limit: int) -> list[dict[str, object]]:
    """`RetrievedDocument` fields of the nodes that a retriever returned, texts cut at `limit` characters."""
    nodes = result if isinstance(result, Sequence) else ()
    return [_document(node, limit) for node in nodes if isinstance(node, NodeWithScore)]


def embedding_fields(
    model: BaseEmbedding, arguments: BoundArguments, *, captures: bool = False
) -> dict[str, object]:
    """`EmbeddingCall` fields: LlamaIndex keeps what the provider says of usage and served model to itself.

    The texts are among them where `captures` asks for them.
    """
    texts = next(iter(arguments.arguments.values()), None)
    return {
        **({"texts": embedded_texts(texts)} if captures else {}),
        "provider": provider_of(type(model)),
        "requested_model": None if model.model_name == "unknown" else model.model_name,
        "text_count": len(texts) if isinstance(texts, Sequence) and not isinstance(texts, str) else 1,
    }


def embedded_fields(result: object) -> dict[str, object]:
    """The vectors that an embedding model returned, one or several, as an `EmbeddingCall` keeps them."""
    if not isinstance(result, Sequence) or not result:
        return {}
    vectors = [result] if isinstance(result[0], float) else result
    return {"vectors": packed_vectors(vectors)}


def tool_input(arguments: BoundArguments) -> JsonValue:
    """What a tool was called with: its arguments by name, as far as they were named."""
    by_position, by_name = arguments.args, arguments.kwargs
    if not by_position:
        return plain(by_name)
    if not by_name and len(by_position) == 1:
        return plain(by_position[0])
    return {"args": plain(by_position), **{name: plain(value) for name, value in by_name.items()}}


def tool_output(result: object) -> JsonValue:
    """What a tool answered, as the model is told it."""
    return result.content if isinstance(result, ToolOutput) else plain(result)


def _document(found: NodeWithScore, limit: int) -> dict[str, object]:
    node = found.node
    document = recorded_document(node.get_content(), node.metadata, node.node_id, limit)
    if found.score is not None:
        document["score"] = float(found.score)
    return document


def _readable(value: object) -> JsonValue:
    if isinstance(value, Sequence) and value and all(isinstance(item, ChatMessage) for item in value):
        return [_text(item) for item in value]
    return _text(value)


def _text(value: object) -> str | None:
    match value:
        case str():
            return value
        case QueryBundle():
            return value.query_str
        case ChatMessage():
            return value.content
        case ChatResponse():
            return value.message.content
        case CompletionResponse():
            return value.text
        case _:
            return None


def _is_an_answer(value: object) -> bool:
    """Whether it is LlamaIndex's Response, AgentChatResponse, AgentOutput or the like."""
    return (
        type(value).__module__.startswith("llama_index.")
        and (is_dataclass(value) or isinstance(value, BaseModel))
        and hasattr(value, "response")
    )
