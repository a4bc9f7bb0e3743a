"""Anthropic says in its usage on which tier it answered: it is kept, and not billed as another."""

from pathlib import Path

from examsgraph_callbacks.measure import Meter
from tests.langchain.ledger import world
from tests.servers.openai_server import Answer


def test_a_tier_without_a_listed_price_is_not_billed_as_the_standard_one(tmp_path: Path) -> None:
    with world(tmp_path) as the_world:
        the_world.server.will(Answer(served_model="claude-haiku-4-5-20251001", service_tier="priority"))
        the_world.claude().invoke("?", the_world.config)
        (call,) = the_world.calls()
        assert call.service_tier == "priority"
        measured = Meter().measure(call)
        assert measured.cost_usd is None
        assert "service tier priority" in str(measured.unpriced_reason)
