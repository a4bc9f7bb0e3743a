"""How long a provider was asked to keep what it wrote to its cache, where its usage does not say."""

from collections.abc import Iterable, Iterator, Mapping

__all__ = ["written_for_an_hour"]

_ONE_HOUR = "1h"
_DEFAULT = "5m"


def written_for_an_hour(written: int, request: object) -> int | None:
    """How many of the `written` tokens are kept for an hour, by the recorded `request`; None if it is open.

    Anthropic splits its writes by lifetime, but of a stream in the first event only, which LangChain and
    LlamaIndex pass over. A request that asks for one lifetime (`cache_control` with the `ttl` "5m", the
    default, or "1h", in messages, tools or for the request as a whole) settles what all its writes are.
    One that asks for both does not.
    """
    lifetimes = set(_lifetimes(request)) if isinstance(request, Mapping) else set()
    if lifetimes == {_ONE_HOUR}:
        return written
    return 0 if lifetimes == {_DEFAULT} else None


def _lifetimes(request: Mapping[str, object]) -> Iterator[object]:
    parameters = request.get("parameters")
    yield from _marked([parameters])
    yield from _marked(request.get("tools"))
    for message in _items(request.get("messages")):
        if isinstance(message, Mapping):
            yield from _marked(message.get("content"))


def _marked(blocks: object) -> Iterator[object]:
    """The lifetimes in blocks of content, and in the blocks within them, which a tool's answer has."""
    for block in _items(blocks):
        if isinstance(block, Mapping):
            mark = block.get("cache_control")
            for each in mark if isinstance(mark, list) else [mark]:
                if isinstance(each, Mapping):
                    yield each.get("ttl") or _DEFAULT
            yield from _marked(block.get("content"))


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list | tuple) else ()
