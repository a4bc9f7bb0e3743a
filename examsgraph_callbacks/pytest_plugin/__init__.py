"""The pytest plugin: a marked test is played from a recording, with no network, or records one.

```python
@pytest.mark.examsgraph_recording("lesson.egrec.jsonl")
def test_lesson(examsgraph_recording):
    tutor.invoke("정규화란?")
    examsgraph_recording.assert_costs(max_usd=0.01)
```
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from examsgraph_callbacks.pytest_plugin.recorded_test import RecordedTest

__all__ = [
    "examsgraph_recording",
    "pytest_addoption",
    "pytest_configure",
    "pytest_itemcollected",
    "pytest_runtest_makereport",
]

_MARKER = "examsgraph_recording"
_FAILED = pytest.StashKey[bool]()

# pytest imports this at its start, whatever is tested: all else is imported by the first marked test


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--examsgraph-record`: whether marked tests record."""
    parser.getgroup("examsgraph").addoption(
        "--examsgraph-record",
        choices=("none", "once", "rewrite"),
        default="none",
        help="Whether tests with the marker examsgraph_recording make their recordings: none plays what is "
        "there (the default, and for CI), once makes what is missing, rewrite makes all anew.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "examsgraph_recording(path, pace=0.0): answer the test's models, embeddings and graph retrievers "
        "from the recording at path, relative to the test's file, with sockets blocked.",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """A marked test is played whether or not it asks for the fixture."""
    names = getattr(item, "fixturenames", None)
    if names is not None and item.get_closest_marker(_MARKER) is not None and _MARKER not in names:
        names.insert(0, _MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what failed: a test that fails records nothing."""
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture
def examsgraph_recording(request: pytest.FixtureRequest) -> Iterator[RecordedTest]:
    """The marked test, played or recorded: its facts, `assert_costs` and `assert_path`."""
    from examsgraph_callbacks.pytest_plugin.recorded_test import playing, recording

    marker = request.node.get_closest_marker(_MARKER)
    if marker is None or len(marker.args) != 1:
        pytest.fail(
            'expected the marker @pytest.mark.examsgraph_recording("lesson.egrec.jsonl") on this test, found '
            f"{'none' if marker is None else marker.args}",
            pytrace=False,
        )
    path = request.path.parent / marker.args[0]
    directory = request.getfixturevalue("tmp_path_factory").mktemp("examsgraph")
    mode = request.config.getoption("--examsgraph-record")
    if mode == "rewrite" or (mode == "once" and not path.exists()):
        with recording(path, directory, lambda: request.node.stash.get(_FAILED, False)) as test:
            yield test
    else:
        with playing(path, directory, pace=float(marker.kwargs.get("pace", 0.0))) as test:
            yield test
