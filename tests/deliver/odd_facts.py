"""Facts that are shipped between others, and what was set aside of them."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from examsgraph_callbacks.deliver import ShipReport, ship
from examsgraph_callbacks.events import RunFact
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import small_turn
from tests.deliver.readback import trace_of

DEEP = 190  # levels: as deep as a journal is read


def write(journal: Journal, facts: Iterable[RunFact]) -> None:
    for fact in facts:
        journal.write(fact)


def letters(journal: Journal) -> list[dict[str, Any]]:
    """What stands in the file of dead letters."""
    file = journal.path / "shipped" / "dead_letters.jsonl"
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").split("\n") if line]


def as_written(fact: RunFact) -> Any:
    return json.loads(fact.model_dump_json(exclude_none=True))


def shipped_between_others(journal: Journal, uri: str, odd: list[RunFact]) -> ShipReport:
    """Ship `odd` between two turns, and see that those have arrived."""
    before, after = (f"{when} {uri} {odd[-1].trace_id}" for when in ("before", "after"))
    write(journal, [*small_turn(before), *odd, *small_turn(after)])
    report = ship(journal, uri, grace=timedelta(0))
    for turn in (before, after):
        assert len(trace_of(uri, turn).data.spans) == 3
    return report


def nested(depth: int) -> Any:
    value: Any = "정규화"
    for _ in range(depth):
        value = {"안": value}
    return value
