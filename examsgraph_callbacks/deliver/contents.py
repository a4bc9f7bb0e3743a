"""What a span shows, in MLflow's vocabulary: inputs, outputs, tokens, cost, documents and hops."""

import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from examsgraph_callbacks.deliver.measured import CallCost
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import (
    EmbeddingCall,
    Exploration,
    Hop,
    LLMCall,
    Message,
    Retrieval,
    RetrievedDocument,
    RunFact,
    ToolCall,
    Trace,
)
from examsgraph_callbacks.graph import shown_score
from examsgraph_callbacks.measure import MeasuredCall, MeasuredEmbedding

__all__ = ["COST", "answer_text", "call_contents", "embedding_contents", "fact_contents", "level_contents"]

COST = "mlflow.llm.cost"
"""A call's cost for MLflow's Dashboard and the trace's sum, in floats: the exact decimal stands beside it."""

_INPUTS = "mlflow.spanInputs"
_OUTPUTS = "mlflow.spanOutputs"
_MOST_TOKENS = 2**63 - 1

Attributes = dict[str, JsonValue]


def fact_contents(fact: RunFact) -> Attributes:
    """The inputs and outputs of any fact, where its content was recorded."""
    match fact:
        case Trace():
            inputs, outputs = fact.inputs, fact.outputs
        case LLMCall():
            inputs, outputs = _chat_request(fact), _chat_answer(fact)
        case Retrieval():
            inputs, outputs = fact.query, [_document(document) for document in fact.documents]
        case Exploration():
            inputs, outputs = _exploration_inputs(fact), _path(fact)
        case ToolCall():
            inputs, outputs = fact.input, fact.output
        case EmbeddingCall():
            inputs, outputs = {"texts": fact.text_count}, _known(_embedding(fact))
        case _:
            inputs = outputs = None
    contents: Attributes = {_INPUTS: inputs, _OUTPUTS: outputs}
    return _known(contents)


def _embedding(fact: EmbeddingCall) -> Attributes:
    # as outputs, not as MLflow's usage, which is what chat models read and wrote
    return {
        "requested_model": fact.requested_model,
        "served_model": fact.served_model,
        "input_tokens": fact.input_tokens,
    }


def call_contents(measured: MeasuredCall, cost: CallCost | None) -> Attributes:
    """Model, tokens and exact cost of a call.

    A call without a price has an empty `COST`, not none, where MLflow would price it by itself. Raises
    `InvalidInputError` for more tokens than a database counts.
    """
    call = measured.call
    usage = {
        "input_tokens": measured.input_tokens,
        "output_tokens": measured.output_tokens,
        "total_tokens": measured.total_tokens,
        "cache_read_input_tokens": call.cached_tokens,
        "cache_creation_input_tokens": call.cache_write_tokens,
    }
    if max(filter(None, usage.values()), default=0) > _MOST_TOKENS:
        raise InvalidInputError(f"expected fewer than 2^63 tokens, got {_known(usage)}: correct the report")
    contents: Attributes = {
        **_priced(measured, cost),
        "examsgraph.misrouted": measured.misrouted,
        "examsgraph.estimated": measured.estimated,
        "examsgraph.time_to_first_token_ms": call.time_to_first_token_ms,
        "examsgraph.reasoning_tokens": call.reasoning_tokens,
        "examsgraph.cache_write_1h_tokens": call.cache_write_1h_tokens,
        "examsgraph.cache_write_split_open": call.cache_write_split_open,
    }
    if measured.total_tokens is not None:
        contents["mlflow.chat.tokenUsage"] = _known(usage)
        if cost is None:
            contents[COST] = {}
    if call.request is not None and call.request.tools:
        contents["mlflow.chat.tools"] = list(call.request.tools)
    return _known(contents)


def embedding_contents(measured: MeasuredEmbedding, cost: CallCost | None) -> Attributes:
    """Model and cost of an embedding call."""
    return _known(_priced(measured, cost))


def level_contents(exploration: Exploration, hops: Sequence[Hop]) -> Attributes:
    """One level of an exploration: every hop that was looked at, as a document with its score first."""
    return {
        _INPUTS: exploration.query,
        _OUTPUTS: [
            {
                "page_content": _drawn(hop),
                "metadata": {
                    "score": hop.similarity_score,
                    "verdict": hop.verdict,
                    **hop.model_dump(
                        mode="json",
                        exclude_none=True,
                        include={"node", "relation", "next_node", "direction", "edge_similarity"},
                    ),
                },
                "id": hop.next_node,
            }
            for hop in hops
        ],
    }


def answer_text(call: LLMCall) -> str | None:
    """The text of a call's first answer; None where it was not recorded or has no text."""
    content = call.answer[0].content if call.answer else None
    if isinstance(content, list):
        texts = [block.get("text") for block in content if isinstance(block, dict)]
        content = "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) and content else None


def _priced(measured: MeasuredCall | MeasuredEmbedding, cost: CallCost | None) -> Attributes:
    call = measured.call
    return {
        "mlflow.llm.model": call.served_model or call.requested_model,
        "mlflow.llm.provider": call.provider,
        "examsgraph.requested_model": call.requested_model,
        "examsgraph.task_type": call.task_type,
        "examsgraph.cost_usd": None if cost is None else str(cost.total_usd),
        "examsgraph.unpriced_reason": measured.unpriced_reason,
        "examsgraph.price_version": measured.price_version,
    }


def _known(values: Mapping[str, JsonValue]) -> Attributes:
    return {key: value for key, value in values.items() if value is not None}


def _chat_request(call: LLMCall) -> JsonValue:
    if call.request is None:
        return None
    return {"messages": [_message(message) for message in call.request.messages], **call.request.parameters}


def _chat_answer(call: LLMCall) -> JsonValue:
    if call.answer is None:
        return None
    return {
        "choices": [
            {"index": index, "message": _message(message), "finish_reason": call.finish_reason}
            for index, message in enumerate(call.answer)
        ],
    }


def _message(message: Message) -> JsonValue:
    dumped: dict[str, JsonValue] = message.model_dump(mode="json", exclude_none=True, exclude={"tool_calls"})
    if message.tool_calls:
        dumped["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    return dumped


def _tool_call(call: JsonValue) -> JsonValue:
    """LangChain's `{name, args, id}` as OpenAI's form, which MLflow's chat view knows."""
    if not isinstance(call, dict) or "args" not in call:
        return call
    arguments = json.dumps(call["args"], ensure_ascii=False)
    return {
        "id": call.get("id"),
        "type": "function",
        "function": {"name": call.get("name"), "arguments": arguments},
    }


def _document(document: RetrievedDocument) -> JsonValue:
    metadata = {key: value for key, value in document.metadata.items() if key != "score"}
    if document.score is not None:
        metadata = {"score": document.score, **metadata}  # MLflow's UI shows the first key
    return {"page_content": document.content or "", "metadata": metadata, "id": document.id}


def _exploration_inputs(exploration: Exploration) -> JsonValue:
    return exploration.model_dump(
        mode="json",
        exclude_none=True,
        include={"query", "wrong_concept", "retrieval_params", "seeds"},
    )


def _path(exploration: Exploration) -> JsonValue:
    return [_drawn(hop) for hop in exploration.hops if hop.verdict == "followed"]


def _drawn(hop: Hop) -> str:
    arrow = f"-[{hop.relation}]->" if hop.direction == "out" else f"<-[{hop.relation}]-"
    return f"{hop.node} {arrow} {hop.next_node} ({shown_score(hop.similarity_score)})"
