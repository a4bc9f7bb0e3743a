"""A database of PostgreSQL, delivered to directly."""

import builtins
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.deliver import ship, shipping_status
from examsgraph_callbacks.errors import DeliveryError, MissingExtraError
from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.deliver.factories import full_turn
from tests.deliver.readback import cost_of, runs_in, runs_of, trace_of


def test_a_turn_arrives_once_with_its_exploration(
    journal: Journal, postgresql_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # MLflow keeps a database's artifacts in the working directory
    for fact in full_turn("directly"):
        journal.write(fact)
    for _ in range(2):
        assert ship(journal, postgresql_uri).traces == 1
        for checkpoint in (journal.path / "shipped").glob("*.json"):
            checkpoint.unlink()

    trace = trace_of(postgresql_uri, "directly")
    assert len(trace.data.spans) == 10
    meter = Meter()
    costs = [meter.measure(fact).cost_usd for fact in full_turn("directly") if isinstance(fact, LLMCall)]
    assert cost_of(trace) == pytest.approx(float(sum(cost for cost in costs if cost is not None)))
    (run,) = runs_of(postgresql_uri, "directly")
    assert runs_in(postgresql_uri, "tags.wrong_concept = '정규화'")[0].info.run_id == run.info.run_id


def test_a_password_is_never_shown(journal: Journal) -> None:
    for fact in full_turn():
        journal.write(fact)
    uri = "postgresql://teacher:secret@127.0.0.1:9/mlflow"
    with pytest.raises(DeliveryError, match=r"127\.0\.0\.1:9/mlflow") as raised:
        ship(journal, uri)
    assert "secret" not in str(raised.value)
    assert "secret" not in repr(shipping_status(journal, uri))


def test_a_missing_driver_is_told_with_the_extra(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_a_driver(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] in ("psycopg", "psycopg2"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, *arguments, **options)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_a_driver)
    with pytest.raises(MissingExtraError, match=r"examsgraph-callbacks\[postgres\]"):
        ship(journal, "postgresql://127.0.0.1:9/other")
