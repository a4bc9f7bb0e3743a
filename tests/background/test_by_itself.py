"""A journal is shipped by itself, in a helper process of which its writers notice nothing."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from examsgraph_callbacks.deliver import shipping_status
from examsgraph_callbacks.journal import Journal
from tests.background.place import LONGEST_SECONDS, NOBODY, Place, eventually
from tests.deliver.conftest import MLFLOW_WARNING

pytestmark = [pytest.mark.filterwarnings(MLFLOW_WARNING), pytest.mark.timeout(3 * LONGEST_SECONDS)]


def test_a_script_of_one_call_finds_it_in_mlflow_and_the_helper_is_gone(place: Place) -> None:
    place.run("ask()")

    assert eventually(place.is_shipped)
    assert eventually(lambda: not place.helpers())
    assert place.traces() == 1


def test_the_helper_is_nobodys_child_of_low_priority_and_holds_no_file_of_the_host(place: Place) -> None:
    with place.start("ask(); print(os.getpid(), flush=True); input(); ask(); input()") as host:
        assert host.stdout is not None
        assert host.stdin is not None
        pid = int(host.stdout.readline())
        assert eventually(place.is_followed)
        (helper_pid,) = place.helpers()
        status = Path(f"/proc/{helper_pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        parent, session, nice = int(status[1]), int(status[3]), int(status[16])
        assert parent != pid
        assert session != os.getsid(pid)
        assert nice == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)
        assert not zombies_of(pid)
        files = {str(Path(f"/proc/{helper_pid}/fd/{number}").readlink()) for number in (0, 1, 2)}
        assert files == {"/dev/null"}
        # while the host lives its helper does, and ships what comes
        host.stdin.write("\n")
        host.stdin.flush()
        assert eventually(lambda: place.traces() == 2)
        assert place.helpers() == [helper_pid]
        host.communicate("\n")
    assert eventually(lambda: not place.helpers())


def zombies_of(parent: int) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if status[0] == "Z" and int(status[1]) == parent:
            found.append(folder.name)
    return found


def test_several_processes_and_forks_share_one_helper(place: Place) -> None:
    code = """
        ask()
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                ask()
                time.sleep(3)
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        input()
    """
    with place.start(code) as one, place.start(code) as other:
        assert eventually(lambda: place.traces() == 8)
        # who was started at the same time as another finds it there, and goes
        assert eventually(lambda: len(place.helpers()) == 1)
        assert one.communicate("\n")[1] == other.communicate("\n")[1] == ""
    assert eventually(lambda: not place.helpers())
    assert place.is_shipped(), shipping_status(Journal(place.journal), place.uri)
    assert place.traces() == 8


def test_a_helper_that_is_killed_is_replaced_by_whoever_writes(place: Place) -> None:
    code = """
        import select
        from examsgraph_callbacks.journal import writer
        writer.LOOK_AGAIN_SECONDS = 0.5
        # until its input is closed, which it is when the test fails too
        while not select.select([sys.stdin], [], [], 0.05)[0]:
            ask()
    """
    with place.start(code) as host:
        assert eventually(lambda: place.follower() is not None)
        first = place.follower()
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: place.follower() not in (None, first))
        assert host.communicate()[1] == ""
    assert eventually(lambda: not place.helpers())
    assert place.is_shipped(), shipping_status(Journal(place.journal), place.uri)


def test_a_helper_that_is_told_to_stop_stops(place: Place) -> None:
    with place.start("ask(); input()") as host:
        assert eventually(place.is_shipped)
        (pid,) = place.helpers()
        os.kill(pid, signal.SIGTERM)
        assert eventually(lambda: not place.helpers())
        host.communicate("\n")


def test_what_mlflow_did_not_take_is_left_to_the_next_process(place: Place) -> None:
    place.run("ask()", MLFLOW_TRACKING_URI=NOBODY)
    assert eventually(lambda: shipping_status(Journal(place.journal), NOBODY)[0].error is not None)
    assert eventually(lambda: not place.helpers())

    place.run("ask()")
    assert eventually(lambda: place.traces() == 2)


TIMED_CALLS = """
    taken = []
    for _ in range(100):
        began = time.perf_counter()
        model.invoke("정규화란?", config={config})
        taken.append(time.perf_counter() - began)
        time.sleep(0.005)
    print(sorted(taken)[50] * 1000, time.time(), flush=True)
"""


def test_while_mlflow_is_down_or_hangs_neither_a_chain_nor_the_exit_waits_for_it(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        for nobody in (NOBODY, f"http://127.0.0.1:{hangs.getsockname()[1]}"):
            calls = TIMED_CALLS.format(config="config")
            median_ms, ended = place.run(calls, MLFLOW_TRACKING_URI=nobody).split()
            # a request to who hangs ends after many seconds: how little it may take is the benchmark's
            assert float(median_ms) < 1000
            assert time.time() - float(ended) < 10


@pytest.mark.benchmark
def test_with_mlflow_down_all_the_time_a_chain_and_the_exit_take_what_they_take_without_us(
    place: Place,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        ways = {
            "without us": ("None", {"EXAMSGRAPH_SHIP": "off"}),
            "MLflow down": ("config", {"MLFLOW_TRACKING_URI": NOBODY}),
            "MLflow hangs": ("config", {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{hangs.getsockname()[1]}"}),
        }
        taken_ms: dict[str, list[float]] = {way: [] for way in ways}
        exit_ms: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(2):
            for way, (config, environment) in ways.items():
                median, ended = place.run(TIMED_CALLS.format(config=config), **environment).split()
                exit_ms[way].append((time.time() - float(ended)) * 1000)
                taken_ms[way].append(float(median))
    print()  # noqa: T201 - the figures are what it is for
    for way in ways:
        print(f"{way:13} a call {min(taken_ms[way]):5.2f} ms   exit {min(exit_ms[way]):4.0f} ms")  # noqa: T201
    for way in ways:
        assert min(taken_ms[way]) - min(taken_ms["without us"]) < 2
        assert min(exit_ms[way]) - min(exit_ms["without us"]) < 250
