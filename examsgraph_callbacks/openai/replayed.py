"""OpenAI's embedding calls answered from a recording, whichever framework makes them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from examsgraph_callbacks.openai.embeddings import replace_create

if TYPE_CHECKING:
    from openai.types import CreateEmbeddingResponse, Embedding

    from examsgraph_callbacks.replay import Player

__all__ = ["answer_embeddings"]


def answer_embeddings(player: "Player") -> Callable[[], None]:
    """Answer every embedding call of OpenAI's client from `player` until what is returned is called.

    To be called before they are recorded: what records is to be around what answers.
    """
    from openai.resources.embeddings import AsyncEmbeddings, Embeddings

    def create(_resource: object, **request: Any) -> object:
        return _answer(player, request)

    async def acreate(_resource: object, **request: Any) -> object:
        return _answer(player, request)

    undo = [replace_create(Embeddings, create), replace_create(AsyncEmbeddings, acreate)]

    def stop() -> None:
        for put_back in undo:
            put_back()

    return stop


def _answer(player: "Player", request: dict[str, Any]) -> "CreateEmbeddingResponse":
    from openai.types import CreateEmbeddingResponse
    from openai.types.create_embedding_response import Usage

    from examsgraph_callbacks.capture import embedded_texts
    from examsgraph_callbacks.replay import failure_of

    call = player.embedding(request.get("model"), embedded_texts(request.get("input")))
    failure = failure_of(call)
    if failure is not None:
        raise failure
    packed = request.get("encoding_format") == "base64"
    used = call.input_tokens or 0
    answer = CreateEmbeddingResponse.model_construct(
        object="list",
        model=call.served_model or call.requested_model or "",
        data=[_item(index, vector, packed=packed) for index, vector in enumerate(call.vectors)],
        usage=Usage(prompt_tokens=used, total_tokens=used),
    )
    if call.input_tokens is None:
        # as in the answer of a server that leaves it out
        object.__setattr__(answer, "usage", None)
    return answer


def _item(index: int, vector: str, *, packed: bool) -> "Embedding":
    from openai.types import Embedding

    from examsgraph_callbacks.capture import unpacked_vector

    given: Any = vector if packed else unpacked_vector(vector)
    return Embedding.model_construct(object="embedding", index=index, embedding=given)
