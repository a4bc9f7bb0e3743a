"""A run that MLflow makes long after its answer was waited for in vain does not stand beside the real one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests import ReadTimeout

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.errors import DeliveryError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import comparison, exploration, feedback, turn_root
from tests.deliver.readback import found

ONE_BY_EXPERIMENT: dict[str, Callable[[str], Fact]] = {
    "GraphRAG_Path_Tracing": exploration,
    "User_Feedback": feedback,
    "Prompt_Experimentation": comparison,
}


def hangs_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The next request for a run gets no answer; MLflow carries it out when what this returns is called."""
    create = MlflowClient.create_run
    waiting: list[Callable[[], Any]] = []

    def carry_out() -> None:
        waiting.pop()()

    def hang(*arguments: Any, **options: Any) -> Any:
        waiting.append(partial(create, *arguments, **options))
        monkeypatch.setattr(MlflowClient, "create_run", create)
        raise MlflowException("no answer came") from ReadTimeout("after 120 s")

    monkeypatch.setattr(MlflowClient, "create_run", hang)
    return carry_out


def write(journal: Journal, experiment: str, turn: str) -> None:
    journal.write(ONE_BY_EXPERIMENT[experiment](turn))
    if experiment == "GraphRAG_Path_Tracing":
        journal.write(turn_root(turn))


@pytest.mark.parametrize("experiment", ONE_BY_EXPERIMENT)
def test_a_run_that_was_made_late_goes_with_the_next_delivery(
    experiment: str, journal: Journal, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(journal, experiment, "one")
    carry_out = hangs_once(monkeypatch)
    with pytest.raises(DeliveryError, match="nothing is lost"):
        ship(journal, sqlite_uri)
    ship(journal, sqlite_uri)
    alone = found(sqlite_uri, experiment)

    carry_out()
    assert len(found(sqlite_uri, experiment)) == len(alone) + 1
    write(journal, experiment, "two")
    ship(journal, sqlite_uri)

    assert len(found(sqlite_uri, experiment)) == 2 * len(alone)
    assert {run.info.status for run in found(sqlite_uri, experiment)} == {"FINISHED"}
