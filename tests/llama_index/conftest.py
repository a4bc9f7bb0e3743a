"""An attached handler, as an application has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.langchain.models import StepClock


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[ExamsGraphEventHandler]:
    before = failures.counts()
    with ExamsGraphEventHandler(tmp_path, clock=StepClock().clock()) as attached:
        yield attached
    assert failures.counts() == before, "a handler that fails in silence would pass many a test"
