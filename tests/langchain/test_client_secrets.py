"""What a client is made with, and sends along, stays with it: keys, headers, queries, bodies, metadata."""

from typing import Any

import pytest
from langchain_core.language_models import BaseLanguageModel
from langchain_core.runnables import RunnableLambda

from tests.langchain.ledger import World
from tests.langchain.test_situations import acall, call
from tests.servers.openai_server import Answer

SECRET = "zebra-7f3a"  # of no form that redaction would know


def secretive(kind: str, the_world: World) -> BaseLanguageModel[Any]:
    about: dict[str, Any] = {
        "api_key": f"{SECRET}-key",
        "default_headers": {"Authorization": f"Basic {SECRET}-header", "X-Team": f"{SECRET}-team"},
    }
    if kind == "claude":
        return the_world.claude(model_kwargs={"extra_headers": {"X-Own": f"{SECRET}-own"}}, **about)
    about |= {
        "default_query": {"token": f"{SECRET}-query"},
        "organization": f"{SECRET}-organization",
        "model_kwargs": {"extra_headers": {"X-Own": f"{SECRET}-own"}, "user": f"{SECRET}-user"},
        "extra_body": {"session": f"{SECRET}-body"},
        "metadata": {"team": f"{SECRET}-metadata"},
    }
    if kind == "completion":
        return the_world.completion(**about)
    return the_world.chat(use_responses_api=kind == "responses", **about)


@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
@pytest.mark.parametrize("kind", ["chat", "responses", "completion", "claude"])
@pytest.mark.parametrize("status", [200, 401])
async def test_nothing_of_it_is_recorded(kind: str, way: str, status: int, the_world: World) -> None:
    the_world.server.default = Answer(status=status)
    chain = RunnableLambda(lambda question: question) | secretive(kind, the_world)
    config = the_world.config | {"metadata": the_world.config["metadata"] | {"own": f"{SECRET}-of-the-run"}}
    failed = None
    try:
        if way.startswith("a"):
            await acall(way, chain, "정규화란?", config)
        else:
            call(way, chain, "정규화란?", config)
    except Exception as error:  # noqa: BLE001 - whatever the client raises
        failed = error
    await the_world.aclose()
    assert (failed is None) == (status == 200)
    written = "".join(segment.read_text() for segment in the_world.handler.journal.segments())
    assert "정규화란?" in written
    assert len(the_world.calls()) == 1
    assert SECRET not in written
