"""How long a provider was asked to keep what it wrote to its cache, where its usage does not say."""

from collections.abc import Iterable, Iterator, Mapping

__all__ = ["cache_write_split"]

_ONE_HOUR = "1h"
_DEFAULT = "5m"


def cache_write_split(call: Mapping[str, object]) -> dict[str, object]:
    """What the request says of a call's cache writes where its usage does not: fields to add to its others.

    Anthropic splits its writes by lifetime, but of a stream in the first event only, which LangChain and
    LlamaIndex pass over. A request that asks for one lifetime (`cache_control` with the `ttl` "5m", the
    default, or "1h", in messages, tools or for the request as a whole) settles what all its writes are.
    One that asks for both, or for one that is not known here, leaves it open. One that asks for none says
    nothing.
    """
    written, request = call.get("cache_write_tokens"), call.get("request")
    is_told = call.get("cache_write_1h_tokens") is not None or call.get("cache_write_split_open") is not None
    if not written or is_told or not isinstance(request, Mapping):
        return {}
    lifetimes = set(_lifetimes(request))
    if not lifetimes:
        return {}
    if lifetimes == {_ONE_HOUR}:
        return {"cache_write_1h_tokens": written}
    return {"cache_write_1h_tokens": 0} if lifetimes == {_DEFAULT} else {"cache_write_split_open": True}


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
