"""Fixtures and report lines that all tests share."""

import json
import os
from collections.abc import Callable, Iterator, Mapping

import pytest
from pydantic import TypeAdapter, ValidationError

from examsgraph_callbacks.events import AnyFact, Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.encode import encode_fields
from tests.bytecode import keep_bytecode
from tests.certificates import read_one_certificate
from tests.parallel import (
    pytest_collection,
    pytest_collection_modifyitems,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)
from tests.servers.neo4j_server import (
    arcadedb_server,
    latest_neo4j_server,
    neo4j_server,
    restartable_neo4j,
)

__all__ = [
    "arcadedb_server",
    "every_fact_is_valid",
    "latest_neo4j_server",
    "neo4j_server",
    "pytest_collection",
    "pytest_collection_modifyitems",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
    "restartable_neo4j",
]

# a test that is about shipping by itself says so; no other leaves a process behind
os.environ["EXAMSGRAPH_SHIP"] = "off"


def pytest_configure(config: pytest.Config) -> None:
    """What is set in the environment is for subprocesses too."""
    keep_bytecode(config)
    read_one_certificate()


_ANY_FACT: TypeAdapter[Fact] = TypeAdapter(AnyFact)


@pytest.fixture(autouse=True)
def every_fact_is_valid(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Capture writes facts without validating them: here each is validated, whatever the test is about."""
    invalid: list[str] = []
    if request.node.get_closest_marker("benchmark") is None:
        for write in (Journal.write_fields, Journal.insist_on_fields):

            def validated(
                journal: Journal,
                fields: Mapping[str, object],
                write: Callable[[Journal, Mapping[str, object]], None] = write,
            ) -> None:
                invalid.extend(_what_is_wrong(fields))
                write(journal, fields)

            monkeypatch.setattr(Journal, write.__name__, validated)
    yield
    assert not invalid


def _what_is_wrong(fields: Mapping[str, object]) -> Iterator[str]:
    line = encode_fields(fields)
    try:
        # not validate_json, which keeps a megabyte of strings that it has seen
        fact = _ANY_FACT.validate_python(json.loads(line))
    except ValidationError as error:
        yield f"{error}\nin {line.decode()}"
    else:
        if unknown := set(fields) - set(type(fact).model_fields):
            yield f"{fact.kind} has no {sorted(unknown)}"
