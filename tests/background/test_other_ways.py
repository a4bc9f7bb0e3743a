"""How a journal is shipped is for the settings to say, and where no helper can live none is started."""

import sys
from pathlib import Path

import pytest

from examsgraph_callbacks.background import helper, starting
from examsgraph_callbacks.deliver import shipping_status
from examsgraph_callbacks.journal import Journal
from tests.background.place import LONGEST_SECONDS, Place, eventually
from tests.deliver.conftest import MLFLOW_WARNING
from tests.deliver.readback import cost_of

pytestmark = [pytest.mark.filterwarnings(MLFLOW_WARNING), pytest.mark.timeout(3 * LONGEST_SECONDS)]

WRITES_A_TURN = """
    from examsgraph_callbacks import Journal
    from tests.deliver.factories import llm_call, turn_root
    journal = Journal()
    for fact in (llm_call(task_type="simple_greeting"), turn_root()):
        journal.write(fact)
"""


def test_the_helper_goes_by_the_prices_and_the_policy_of_the_settings(place: Place) -> None:
    (place.path / "contract.toml").write_text(
        '[[prices]]\nmodel = "gpt-4o-mini*"\ninput = 2000\noutput = 8000\n'
        '[routing]\nsimple_greeting = ["tutor-7b"]\n',
        "utf-8",
    )
    place.run(WRITES_A_TURN, EXAMSGRAPH_PRICES="contract.toml", EXAMSGRAPH_POLICY="contract.toml")

    assert eventually(place.is_shipped)
    (trace,) = place.all_traces()
    assert cost_of(trace) == (15 * 2000 + 30 * 8000) / 1_000_000
    assert trace.info.tags["misrouted"] == "true"


def test_a_prices_file_that_cannot_be_read_is_told_by_the_status_and_costs_the_host_nothing(
    place: Place,
) -> None:
    place.run(WRITES_A_TURN, EXAMSGRAPH_PRICES="gone.toml")

    def said() -> str:
        return shipping_status(Journal(place.journal), place.uri)[0].error or ""

    assert eventually(lambda: "gone.toml" in said())
    assert eventually(lambda: not place.helpers())
    place.run(WRITES_A_TURN)
    assert eventually(place.is_shipped)


@pytest.mark.parametrize(
    "environment",
    [{"EXAMSGRAPH_SHIP": "off"}, {"AWS_LAMBDA_FUNCTION_NAME": "tutor"}],
    ids=str,
)
def test_it_may_be_left_out_and_is_where_all_is_frozen_between_requests(
    environment: dict[str, str], place: Place
) -> None:
    place.run("ask(); time.sleep(1)", **environment)
    assert place.helpers() == []
    assert not (place.journal / "shipped").exists()


@pytest.mark.parametrize(
    "name",
    [
        "AWS_LAMBDA_FUNCTION_NAME",
        "FUNCTION_TARGET",
        "K_SERVICE",
        "FUNCTIONS_WORKER_RUNTIME",
        "VERCEL",
    ],
)
def test_no_helper_is_started_where_all_is_frozen_between_requests(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert helper.can_help()
    monkeypatch.setenv(name, "tutor")
    assert not helper.can_help()


def test_a_thread_ships_where_it_is_asked_for(place: Place) -> None:
    place.run(
        f"""
        ask()
        from examsgraph_callbacks import Journal
        from examsgraph_callbacks.deliver import shipping_status
        deadline = time.monotonic() + {LONGEST_SECONDS}
        while shipping_status(Journal())[0].facts_behind and time.monotonic() < deadline:
            time.sleep(0.1)
        """,
        EXAMSGRAPH_SHIP="thread",
    )
    assert place.helpers() == []
    assert place.is_shipped(), shipping_status(Journal(place.journal), place.uri)
    assert place.traces() == 1


def test_under_run_the_parent_ships_and_the_application_does_not(place: Place) -> None:
    output = place.run(
        """
        import threading
        ask()
        time.sleep(3)
        ask()
        print(os.environ["EXAMSGRAPH_SHIP"], threading.active_count())
        """,
        "-m",
        "examsgraph_callbacks",
        "run",
    )
    assert output == "off 1\n"
    assert eventually(lambda: place.is_shipped() and place.traces() == 2)
    assert eventually(lambda: not place.helpers())


def test_under_run_a_short_application_is_shipped_too_and_an_unrecorded_one_starts_nothing(
    place: Place,
) -> None:
    place.run("", "-m", "examsgraph_callbacks", "run")
    assert not place.journal.exists()
    place.run("ask()", "-m", "examsgraph_callbacks", "run")
    assert eventually(place.is_shipped)


def test_an_application_that_brings_its_own_python_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert helper.can_help()
    monkeypatch.setattr(sys, "executable", "/usr/bin/uwsgi")
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    assert not helper.can_help()
    monkeypatch.undo()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not helper.can_help()


def test_whoever_ships_by_hand_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Path] = []
    monkeypatch.setattr(starting._Starting, "start", lambda self: started.append(self._journal))
    starting.make_sure_it_is_shipped(tmp_path)
    assert started == [tmp_path]
    monkeypatch.setattr(starting, "_by_hand", type(starting._by_hand)())
    starting.ship_by_hand()
    starting.make_sure_it_is_shipped(tmp_path)
    assert started == [tmp_path]
