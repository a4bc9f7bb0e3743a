"""Every chat model, and every retriever of graph paths, of this process answered from a recording."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

from examsgraph_callbacks.errors import RecordingError
from examsgraph_callbacks.graph.tap.replacing import Method, Replacement, subclasses, telling_of_subclasses
from examsgraph_callbacks.replay import Player

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever

    from examsgraph_callbacks.langchain.replayed.playing import ChatPlayer

__all__ = ["answer_models", "answer_retrievers", "refuse_completions"]

# called while LangChain is half imported: each function imports no more of it than is there already


def answer_models(player: Player) -> Callable[[], None]:
    """Answer every chat model from `player` until what is returned is called, whatever its class.

    All of a model but its methods that would ask a provider is left as it is: how it binds tools, follows a
    schema and tells its parameters.
    """
    from langchain_core.language_models.chat_models import BaseChatModel

    playing = _Lazily(player)
    replaced = _EverySubclass(
        BaseChatModel,
        {
            "_generate": lambda _own: _generate(playing),
            "_agenerate": lambda _own: _agenerate(playing),
            "_stream": lambda _own: _stream(playing),
            "_astream": lambda _own: _astream(playing),
            # which no model of the providers' has yet: it would ask them past the methods above
            **dict.fromkeys(("_stream_chat_model_events", "_astream_chat_model_events"), _refused),
        },
    )
    return replaced.undo


def refuse_completions() -> Callable[[], None]:
    """Let no completion model ask its provider: their answers are not replayed."""
    from langchain_core.language_models.llms import BaseLLM

    methods = ("_generate", "_agenerate", "_stream", "_astream")
    return _EverySubclass(BaseLLM, dict.fromkeys(methods, _refused)).undo


def answer_retrievers(player: Player) -> Callable[[], None]:
    """Answer retrievers that were recorded with a path from `player`, until what is returned is called.

    Those are this package's and whatever else walked a graph, by their names. All others run as they are.
    """
    from langchain_core.retrievers import BaseRetriever

    replaced = _EverySubclass(
        BaseRetriever,
        {
            "_get_relevant_documents": lambda own: _retrieve(player, own),
            "_aget_relevant_documents": lambda own: _aretrieve(player, own),
        },
    )
    return replaced.undo


class _Lazily:
    """What answers chat models, imported at the first question."""

    def __init__(self, player: Player) -> None:
        self._player = player

    @cached_property
    def playing(self) -> "ChatPlayer":
        from examsgraph_callbacks.langchain.replayed.playing import ChatPlayer

        return ChatPlayer(self._player)


class _EverySubclass:
    """Replaces methods of all classes that derive from `base`, those too that come to be later."""

    def __init__(self, base: type, methods: dict[str, Callable[[Method], Method]]) -> None:
        self._methods = methods
        self._replaced: list[Replacement] = []
        for owner in subclasses(base):
            self._replace_in(owner)
        self._put(telling_of_subclasses(base, self._replace_in))

    def undo(self) -> None:
        """Leave the classes as they were."""
        while self._replaced:
            self._replaced.pop().take_away()

    def _replace_in(self, owner: type) -> None:
        if owner.__module__.startswith("examsgraph_callbacks.langchain.replayed."):
            return
        for name, wrap in self._methods.items():
            method = vars(owner).get(name)
            if method is not None and not getattr(method, "__isabstractmethod__", False):
                self._put(Replacement(owner, name, wrap))

    def _put(self, replacement: Replacement) -> None:
        replacement.put()
        self._replaced.append(replacement)


def _generate(lazily: _Lazily) -> Method:
    def generate(model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:  # noqa: ARG001
        return lazily.playing.generate(model, messages, stop, kwargs)

    return generate


def _agenerate(lazily: _Lazily) -> Method:
    async def agenerate(
        model: Any,
        messages: Any,
        stop: Any = None,
        run_manager: Any = None,  # noqa: ARG001
        **kwargs: Any,
    ) -> Any:
        return await lazily.playing.agenerate(model, messages, stop, kwargs)

    return agenerate


def _stream(lazily: _Lazily) -> Method:
    def stream(
        model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[Any]:
        for chunk in lazily.playing.stream(model, messages, stop, kwargs):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    return stream


def _astream(lazily: _Lazily) -> Method:
    async def astream(
        model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        async for chunk in lazily.playing.astream(model, messages, stop, kwargs):
            if run_manager is not None:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    return astream


def _refused(_own: Method) -> Method:
    def refused(model: object, *_args: Any, **_kwargs: Any) -> Any:
        raise RecordingError(
            f"expected chat models that answer in chunks while a recording is played, found "
            f"{type(model).__name__}, a completion model or one that streams events: it is not replayed",
        )

    return refused


def _retrieve(player: Player, own: Method) -> Method:
    @wraps(own)
    def retrieve(retriever: "BaseRetriever", query: str, **kwargs: Any) -> Any:
        if not player.explores(retriever.get_name()):
            return own(retriever, query, **kwargs)
        from examsgraph_callbacks.langchain.replayed.retriever import documents_of

        found = player.retrieval(query, retriever.get_name())
        return documents_of(found, getattr(kwargs.get("run_manager"), "run_id", None))

    return retrieve


def _aretrieve(player: Player, own: Method) -> Method:
    @wraps(own)
    async def aretrieve(retriever: "BaseRetriever", query: str, **kwargs: Any) -> Any:
        if not player.explores(retriever.get_name()):
            return await own(retriever, query, **kwargs)
        from examsgraph_callbacks.langchain.replayed.retriever import documents_of

        found = player.retrieval(query, retriever.get_name())
        return documents_of(found, getattr(kwargs.get("run_manager"), "run_id", None))

    return aretrieve
