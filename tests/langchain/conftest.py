"""The world of a test, and helpers whose assertions explain themselves as those of tests do."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import StepClock

if TYPE_CHECKING:
    from tests.langchain.ledger import World

pytest.register_assert_rewrite("tests.langchain.ledger")


@pytest.fixture
def the_world(tmp_path: Path) -> "Iterator[World]":
    """Real clients of a provider that keeps a ledger, recorded."""
    # imported once it is to be rewritten
    from tests.langchain.ledger import world

    with world(tmp_path) as the_world:
        yield the_world


@pytest.fixture
def handler(tmp_path: Path) -> ExamsGraphCallbackHandler:
    return ExamsGraphCallbackHandler(tmp_path, clock=StepClock().clock())
