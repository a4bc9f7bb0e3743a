"""Record with real clients of the local server, play offline, and compare what was recorded both times."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from examsgraph_callbacks.autolog.replaying import answer_from
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from examsgraph_callbacks.replay import Player, write_recording

__all__ = ["NOWHERE", "chat", "cut", "no_sockets", "played", "recorded_by", "the_same"]

NOWHERE = "http://127.0.0.1:9/v1"
"""Where nobody listens; and no socket would connect anyway."""

_ASIDES = {"id", "response_metadata", "additional_kwargs"}
_NONE_KEPT = httpx.Limits(max_keepalive_connections=0)
_IDS_AND_TIMES = {
    *("event_id", "run_id", "trace_id", "parent_run_id"),
    *("started_at", "latency_ms", "time_to_first_token_ms"),
}


def chat(url: str = NOWHERE, **more: Any) -> ChatOpenAI:
    """A real client, which will not look at the proxies and certificates of the machine."""
    return ChatOpenAI(
        **{
            "model": "gpt-4o",
            "base_url": url,
            "api_key": SecretStr("not-a-key"),
            "max_retries": 0,
            "stream_usage": True,
            "http_client": httpx.Client(verify=False, limits=_NONE_KEPT),
            "http_async_client": httpx.AsyncClient(verify=False, limits=_NONE_KEPT),
            **more,
        },
    )


def recorded_by(journal: Path) -> Any:
    """The config of a chain that is recorded there."""
    return {"callbacks": [ExamsGraphCallbackHandler(journal)]}


def cut(journal: Path, path: Path) -> Path:
    """The journal's recording."""
    write_recording(Journal(journal).read(), path)
    return path


@contextmanager
def played(recording: Path) -> Iterator[Player]:
    """Every model and graph retriever is answered from the recording, and no socket connects."""
    player = Player(recording)
    stop = answer_from(player)
    try:
        with no_sockets():
            yield player
    finally:
        stop()


@contextmanager
def no_sockets() -> Iterator[None]:
    """Whoever connects fails the test."""

    def refuse(*_args: object) -> None:
        raise AssertionError("a socket was to be connected")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, refuse)
        yield


def the_same(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Facts without their ids and times, in an order of their own."""
    shown = [
        {
            name: _but_asides(value) if name in {"inputs", "outputs"} else value
            for name, value in fact.model_dump(mode="json").items()
            if name not in _IDS_AND_TIMES
        }
        for fact in facts
    ]
    return sorted(shown, key=repr)


def _but_asides(value: Any) -> Any:
    """A turn's messages without their ids, and what a provider says that a call's fact does not keep."""
    if isinstance(value, list):
        return [_but_asides(item) for item in value]
    if isinstance(value, dict):
        return {name: _but_asides(item) for name, item in value.items() if name not in _ASIDES}
    return value
