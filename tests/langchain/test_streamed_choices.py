"""Of a stream of several choices LangChain joins what each says of itself: it is said once all the same."""

from pathlib import Path

import pytest

from tests.langchain.ledger import agree, world
from tests.servers.openai_server import Answer


@pytest.mark.parametrize("choices", [2, 3])
def test_the_served_model_is_one_and_the_cost_is_the_list_price(choices: int, tmp_path: Path) -> None:
    with world(tmp_path) as the_world:
        the_world.server.will(Answer(choices=choices))
        list(the_world.chat(n=choices).stream("?", the_world.config))
        (call,) = agree(the_world, 1)
        assert (call.served_model, call.finish_reason) == ("gpt-4o-2024-08-06", "stop")


async def test_on_an_event_loop_too(tmp_path: Path) -> None:
    with world(tmp_path) as the_world:
        the_world.server.will(Answer(choices=2))
        _ = [chunk async for chunk in the_world.chat(n=2).astream("?", the_world.config)]
        await the_world.aclose()
        (call,) = agree(the_world, 1)
        assert (call.served_model, call.finish_reason) == ("gpt-4o-2024-08-06", "stop")
