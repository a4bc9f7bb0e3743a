"""Whatever a server does instead of answering: it is told in time, nothing is lost, nothing comes twice."""

import time
from collections.abc import Iterator

import pytest

from examsgraph_callbacks.deliver import ship, shipping_status
from examsgraph_callbacks.errors import DeliveryError
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import full_turn
from tests.deliver.readback import runs_of, trace_of
from tests.servers.faulty_proxy import FAULTS, FaultyProxy


@pytest.fixture
def proxy(mlflow_server: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(mlflow_server, seed=1, faults={}) as proxy:
        yield proxy


def written(journal: Journal, turn: str) -> str:
    for fact in full_turn(turn):
        journal.write(fact)
    return turn


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("after_requests", [0, 8])
def test_a_server_with_a_fault(
    fault: str,
    after_requests: int,
    proxy: FaultyProxy,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = f"http://{proxy.target}"
    turn = written(journal, f"{fault} after {after_requests}")
    # what hangs is to be told soon; a real answer may take longer
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1" if "hang" in fault else "30")

    def fail_from_there_on(number: int) -> None:
        proxy.faults = {fault: 1.0} if number >= after_requests else {}

    proxy.on_request = fail_from_there_on
    fail_from_there_on(0)
    began = time.monotonic()
    with pytest.raises(DeliveryError, match="nothing is lost") as raised:
        ship(journal, proxy.url)
    assert time.monotonic() - began < 30
    if fault == "429":
        assert raised.value.retry_after_seconds == 1
    assert shipping_status(journal, proxy.url)[0].error == str(raised.value)

    proxy.on_request = lambda _number: None
    proxy.faults = {}
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    report = ship(journal, proxy.url)

    assert (report.traces, report.set_aside) == (1, 0)
    assert len(trace_of(server, turn).data.spans) == 10
    (run,) = runs_of(server, turn)
    assert run.info.status == "FINISHED"
    status = shipping_status(journal, proxy.url)[0]
    assert (status.facts_behind, status.error) == (0, None)


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (
            {"MLFLOW_TRACKING_USERNAME": "teacher", "MLFLOW_TRACKING_PASSWORD": "secret"},
            "Basic dGVhY2hlcjpzZWNyZXQ=",
        ),
        ({"MLFLOW_TRACKING_TOKEN": "a-token"}, "Bearer a-token"),
    ],
    ids=["basic", "token"],
)
def test_every_request_carries_the_login_that_mlflow_reads(
    login: dict[str, str],
    expected: str,
    proxy: FaultyProxy,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written(journal, f"login {expected}")
    for name, value in login.items():
        monkeypatch.setenv(name, value)
    assert ship(journal, proxy.url).runs == 1
    assert proxy.authorizations == {expected}
