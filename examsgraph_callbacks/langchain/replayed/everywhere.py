"""Every chat model, and every retriever of graph paths, of this process answered from a recording."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from typing import Any, cast

from langchain_core.language_models import BaseChatModel, BaseLLM
from langchain_core.retrievers import BaseRetriever

from examsgraph_callbacks.errors import RecordingError
from examsgraph_callbacks.graph.tap.replacing import Method, Replacement
from examsgraph_callbacks.replay import Player

__all__ = ["answer_models", "answer_retrievers"]

# imported by a process that is replayed when LangChain is: what answers is imported at the first question


def answer_models(player: Player) -> Callable[[], None]:
    """Answer every chat model from `player` until what is returned is called, whatever its class.

    All of a model but its methods that would ask a provider is left as it is: how it binds tools, follows a
    schema and tells its parameters. Completion models are not answered, but refused.
    """
    from examsgraph_callbacks.langchain.replayed.playing import ChatPlayer

    playing = ChatPlayer(player)
    replaced = [
        _EverySubclass(
            BaseChatModel,
            {
                "_generate": lambda _own: _generate(playing),
                "_agenerate": lambda _own: _agenerate(playing),
                "_stream": lambda _own: _stream(playing),
                "_astream": lambda _own: _astream(playing),
            },
        ),
        _EverySubclass(BaseLLM, dict.fromkeys(("_generate", "_agenerate", "_stream", "_astream"), _refused)),
    ]
    return lambda: _undo(replaced)


def answer_retrievers(player: Player) -> Callable[[], None]:
    """Answer retrievers that were recorded with a path from `player`, until what is returned is called.

    Those are this package's and whatever else walked a graph, by their names. All others run as they are.
    """
    replaced = [
        _EverySubclass(
            BaseRetriever,
            {
                "_get_relevant_documents": lambda own: _retrieve(player, own),
                "_aget_relevant_documents": lambda own: _aretrieve(player, own),
            },
        ),
    ]
    return lambda: _undo(replaced)


class _EverySubclass:
    """Replaces methods of all classes that derive from `base`, those too that come to be later."""

    def __init__(self, base: type, methods: dict[str, Callable[[Method], Method]]) -> None:
        self._base = base
        self._methods = methods
        self._replaced: list[Replacement] = []
        for owner in _subclasses(base):
            self._replace_in(owner)
        self._put(Replacement(base, "__init_subclass__", self._telling_of_subclasses))

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

    def _telling_of_subclasses(self, _init_subclass: Method) -> Method:
        base: Any = self._base
        own = vars(base).get("__init_subclass__")

        def init_subclass(owner: Any, /, **kwargs: Any) -> None:
            inherited = super(base, owner).__init_subclass__ if own is None else own.__get__(None, owner)
            inherited(**kwargs)
            self._replace_in(owner)

        return cast("Method", classmethod(init_subclass))


def _undo(replaced: list[_EverySubclass]) -> None:
    for classes in replaced:
        classes.undo()


def _subclasses(base: type) -> Iterator[type]:
    seen: set[type] = set()
    waiting: list[type] = base.__subclasses__()
    while waiting:
        owner = waiting.pop()
        if owner not in seen:
            seen.add(owner)
            waiting.extend(owner.__subclasses__())
            yield owner


def _generate(playing: Any) -> Method:
    def generate(model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:  # noqa: ARG001
        return playing.generate(model, messages, stop, kwargs)

    return generate


def _agenerate(playing: Any) -> Method:
    async def agenerate(
        model: Any,
        messages: Any,
        stop: Any = None,
        run_manager: Any = None,  # noqa: ARG001
        **kwargs: Any,
    ) -> Any:
        return await playing.agenerate(model, messages, stop, kwargs)

    return agenerate


def _stream(playing: Any) -> Method:
    def stream(
        model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[Any]:
        for chunk in playing.stream(model, messages, stop, kwargs):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    return stream


def _astream(playing: Any) -> Method:
    async def astream(
        model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        async for chunk in playing.astream(model, messages, stop, kwargs):
            if run_manager is not None:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    return astream


def _refused(_own: Method) -> Method:
    def refused(model: object, *_args: Any, **_kwargs: Any) -> Any:
        raise RecordingError(
            f"expected chat models only while a recording is played, found {type(model).__name__}, a "
            "completion model, whose answers are not replayed",
        )

    return refused


def _retrieve(player: Player, own: Method) -> Method:
    @wraps(own)
    def retrieve(retriever: BaseRetriever, query: str, **kwargs: Any) -> Any:
        if not player.explores(retriever.get_name()):
            return own(retriever, query, **kwargs)
        from examsgraph_callbacks.langchain.replayed.retriever import documents_of

        found = player.retrieval(query, retriever.get_name())
        return documents_of(found, getattr(kwargs.get("run_manager"), "run_id", None))

    return retrieve


def _aretrieve(player: Player, own: Method) -> Method:
    @wraps(own)
    async def aretrieve(retriever: BaseRetriever, query: str, **kwargs: Any) -> Any:
        if not player.explores(retriever.get_name()):
            return await own(retriever, query, **kwargs)
        from examsgraph_callbacks.langchain.replayed.retriever import documents_of

        found = player.retrieval(query, retriever.get_name())
        return documents_of(found, getattr(kwargs.get("run_manager"), "run_id", None))

    return aretrieve
