"""Plays a recording under an application: its models, embeddings and graph retrievers answer from it."""

from __future__ import annotations

import sys

from examsgraph_callbacks.autolog.imports import ImportWatch

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from examsgraph_callbacks.replay import Player

    Stop = Callable[[], None]

__all__ = ["answer_from", "answer_from_environment"]


def answer_from(player: Player) -> Stop:
    """Answer from `player` until what is returned is called, whether a library is imported already or later.

    Every chat model of LangChain's, the retrievers that were recorded with a path, and every embedding call
    of OpenAI's client; completion models are refused. To be called before `autolog()`, so that this records
    what is answered.
    """
    return _answer(lambda: player)


def answer_from_environment(place: str) -> Stop:
    """The same for an application that does not call it; the recording is read when it is first needed.

    A recording that cannot be read ends the import that needs it: the application must not go on with the
    network in its place. What was missed is told at the end, on standard error.
    """
    players: list[Player] = []

    def player() -> Player:
        if not players:
            from examsgraph_callbacks.replay import Player

            players.append(Player(place))
            _tell_at_exit(players[0])
        return players[0]

    return _answer(player)


def _answer(player: Callable[[], Player]) -> Stop:
    stops: list[Stop] = []

    def put(answers: Callable[[Callable[[], Player]], Stop]) -> Callable[[], None]:
        return lambda: stops.append(answers(player))

    watch = ImportWatch({module: put(answers) for module, answers in _ANSWERS.items()})
    watch.start()

    def stop() -> None:
        watch.stop()
        while stops:
            stops.pop()()

    return stop


def _chat_models(player: Callable[[], Player]) -> Stop:
    from examsgraph_callbacks.langchain.replayed.everywhere import answer_models

    return answer_models(player())


def _completions(_player: Callable[[], Player]) -> Stop:
    from examsgraph_callbacks.langchain.replayed.everywhere import refuse_completions

    return refuse_completions()


def _retrievers(player: Callable[[], Player]) -> Stop:
    from examsgraph_callbacks.langchain.replayed.everywhere import answer_retrievers

    return answer_retrievers(player())


def _embeddings(player: Callable[[], Player]) -> Stop:
    from examsgraph_callbacks.openai import answer_embeddings

    return answer_embeddings(player())


_ANSWERS: Mapping[str, Callable[[Callable[[], Player]], Stop]] = {
    "langchain_core.language_models.chat_models": _chat_models,
    "langchain_core.language_models.llms": _completions,
    "langchain_core.retrievers": _retrievers,
    "openai.resources.embeddings": _embeddings,
}


def _tell_at_exit(player: Player) -> None:
    import atexit

    def tell() -> None:
        if player.misses:
            count = len(player.misses)
            sys.stderr.write(f"examsgraph: {count} not answered from the recording; the first: ")
            sys.stderr.write(f"{player.misses[0]}\n")

    atexit.register(tell)
