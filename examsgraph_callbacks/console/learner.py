"""One learner's data as a person asks for it: handed over, or erased and said so."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from examsgraph_callbacks.alerts import forget_in_alerts
from examsgraph_callbacks.capture import pseudonym
from examsgraph_callbacks.console.amounts import counted
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.deliver import default_tracking_uri, forget_in_mlflow
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.learner import Learner, find_learner
from examsgraph_callbacks.settings import current_settings

__all__ = ["export_learner", "forget_learner"]


def export_learner(journal: Journal, screen: Screen, user_id: str, output: Path | None = None) -> None:
    """Write every fact of a learner as a line of JSON: into `output`, which nobody else may read, or out.

    Raises `InvalidInputError` where there is none.
    """
    learner = _found(journal, user_id)
    if not learner.events:
        raise InvalidInputError(
            f"expected facts of {user_id!r} in {journal.path}, found none: name the user as the "
            "application does, under the EXAMSGRAPH_USER_KEY that they were recorded with",
        )
    facts = (fact for fact in _read(journal) if fact.event_id in learner.events)
    lines = (
        json.dumps(fact.model_dump(mode="json", exclude_none=True), ensure_ascii=False) for fact in facts
    )
    if output is None:
        for line in lines:
            screen.say(line)
        return
    with _private(output) as file:
        file.writelines(f"{line}\n" for line in lines)
    screen.warn(f"{_kinds(learner)} of {user_id} written to {output}")


def forget_learner(
    journal: Journal,
    screen: Screen,
    user_id: str,
    tracking_uri: str | None,
    confirm: Callable[[str], bool],
    *,
    in_mlflow: bool = True,
) -> None:
    """Erase a learner from MLflow, then from the journal and its lake, and say what that was.

    `confirm` is asked with what was found in the journal. Raises `DeliveryError`, and has erased nothing
    of the journal, where MLflow cannot be reached.
    """
    learner = _found(journal, user_id)
    uri = tracking_uri or default_tracking_uri(journal.path)
    where = f"{journal.path}{f' and {uri}' if in_mlflow else ''}"
    if not confirm(f"Erase {_kinds(learner)} of {user_id} from {where}, for good?"):
        screen.warn("Nothing was erased.")
        return

    def erase() -> int:
        erased = forget(journal, learner)
        forget_in_alerts(journal.path, learner.user_ids)
        return erased

    if not in_mlflow:
        screen.say(f"Journal: {counted(erase(), 'fact')} erased ({_kinds(learner)}).")
        return
    forgotten, facts = forget_in_mlflow(journal, learner, uri, erase)
    screen.say(f"Journal: {counted(facts, 'fact')} erased ({_kinds(learner)}).")
    screen.say(
        f"MLflow at {forgotten.tracking_uri}: {counted(forgotten.traces, 'trace')}, "
        f"{counted(forgotten.runs, 'run')} and {counted(forgotten.assessments, 'assessment')} erased."
    )
    if forgotten.dead_letters:
        screen.say(f"Set aside, never delivered: {counted(forgotten.dead_letters, 'fact')} erased.")
    if forgotten.in_trash:
        screen.warn(
            f"{counted(forgotten.in_trash, 'run')}, emptied, in the server's trash: its operator removes "
            "them for good with  mlflow gc"
        )
    screen.say("Day sums of LLM_Cost name nobody and stay.")


def _found(journal: Journal, user_id: str) -> Learner:
    """The learner under the id that the application knows, and under the pseudonym that stands for it."""
    key = current_settings().user_key
    ids = {user_id} if key is None else {user_id, pseudonym(user_id, key.get_secret_value())}
    return find_learner(partial(_read, journal), ids)


def _read(journal: Journal) -> Iterator[Fact]:
    return journal.read(lambda _problem: None)


def _kinds(learner: Learner) -> str:
    counts = [counted(count, kind.replace("_", " ")) for kind, count in sorted(learner.kinds.items())]
    return ", ".join(counts) or "no facts"


@contextmanager
def _private(path: Path) -> Iterator[TextIO]:
    """A new file for its owner's eyes; raises `InvalidInputError` where it cannot be made."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    except OSError as error:
        raise InvalidInputError(f"expected to write {path}, cannot: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yield file
