"""The outbox against a fake Slack over real HTTP: once in the calm case, at least once in every other."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from examsgraph_callbacks.alerts import SlackChannel, open_state, unsettled
from examsgraph_callbacks.alerts.notices import sample
from examsgraph_callbacks.alerts.slack import blocks
from examsgraph_callbacks.errors import InvalidInputError
from tests.alerts.watching import Watching, not_understood
from tests.servers.fake_slack import FakeSlack, fake_slack

OPENED = "🔴 정규화: understood at 2 or less 10 times within 24 h"


def channel(slack: FakeSlack) -> SlackChannel:
    """Soon gives up what hangs; waits for what is answered, which a busy machine may hold up."""
    return SlackChannel(slack.url, timeout_seconds=1 if "hang" in slack.script else 20)


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as running:
        yield running


@pytest.fixture
def watching(tmp_path: Path, slack: FakeSlack) -> Watching:
    watching = Watching(tmp_path, [channel(slack)])
    not_understood(watching, 10)
    return watching


def test_in_the_calm_case_exactly_one_message_an_incident(watching: Watching, slack: FakeSlack) -> None:
    for _ in range(4):
        watching.round()
        watching.pass_by(minutes=10)
    assert slack.headlines == [OPENED]
    (message,) = slack.taken
    kinds = [block["type"] for block in message["blocks"]]
    assert kinds == ["header", "section", "section", "actions", "context"]
    shown = message["blocks"][1]["text"]["text"]
    assert shown.count("•") == 3
    assert "무슨 말인지 더 쉽게 설명해줘" in shown
    assert message["blocks"][3]["elements"][0]["url"] == "http://mlflow.test/concept_confusion/정규화"


def test_retry_after_is_kept_to_by_the_next_process_too(watching: Watching, slack: FakeSlack) -> None:
    slack.script.append(429)
    slack.retry_after = "90"
    assert watching.round().delivery.waiting == 1
    watching.pass_by(seconds=89)
    watching.round()
    assert (slack.refused, slack.headlines) == (1, [])
    watching.pass_by(seconds=1)
    assert watching.round().delivery.sent == 1
    assert slack.headlines == [OPENED]


@pytest.mark.parametrize("after", ["inf", "1e300", "nan", "-5", "soon", "", "Sat, 28 Nov 2026 25:61:00 GMT"])
def test_a_retry_after_that_is_no_time_holds_up_nobody(tmp_path: Path, slack: FakeSlack, after: str) -> None:
    with fake_slack() as other:
        channels = [channel(slack), channel(other)]
        channels[1].name = "other"
        watching = Watching(tmp_path, channels)
        not_understood(watching, 10)
        slack.script.append(429)
        slack.retry_after = after
        watching.round()
        assert other.headlines == [OPENED], "it is not to blame for its neighbour"
        watching.pass_by(hours=23, minutes=59)
        watching.round()
        watching.pass_by(minutes=1)
        watching.round()
        assert slack.refused == 1


def test_a_retry_after_may_be_a_date(watching: Watching, slack: FakeSlack) -> None:
    slack.script.append(429)
    # of the real clock, as HTTP has it
    slack.retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    watching.round()
    watching.pass_by(seconds=60)
    assert watching.round().delivery.waiting == 1
    watching.pass_by(seconds=40)
    assert watching.round().delivery.sent == 1


@pytest.mark.parametrize("fault", [500, 503, "die", "hang", 403, 404])
def test_a_fault_delays_a_message_and_loses_none(
    watching: Watching, slack: FakeSlack, fault: int | str
) -> None:
    slack.script.extend([fault, fault])
    for _ in range(4):
        watching.channels = [channel(slack)]
        watching.round()
        watching.pass_by(minutes=6)
    # what was cut off may have been taken: it is sent again
    assert slack.headlines == [OPENED] * (3 if fault in {"die", "hang"} else 1)
    assert watching.round().delivery.waiting == 0


def test_the_pauses_between_tries_grow(watching: Watching, slack: FakeSlack) -> None:
    slack.script.extend([500] * 50)
    for _ in range(600):
        watching.round()
        watching.pass_by(seconds=1)
    # 2, 4, 8, … up to 300 seconds
    assert slack.refused == 9


def test_nobody_there_is_waited_out(tmp_path: Path) -> None:
    watching = Watching(tmp_path, [SlackChannel("http://127.0.0.1:9/services/nobody", timeout_seconds=20)])
    not_understood(watching, 10)
    assert watching.round().delivery == (0, 1, ())
    with open_state(watching.journal.path) as state:
        (message,) = unsettled(state)
    assert (message.state, message.attempts) == ("pending", 1)
    assert "no answer from Slack" in (message.error or "")


def test_it_gives_up_after_a_day_and_says_so(watching: Watching, slack: FakeSlack) -> None:
    slack.script.extend([500] * 5)
    watching.round()
    watching.pass_by(hours=24)
    (given_up,) = watching.round().delivery.given_up
    assert (given_up.event, given_up.error) == ("opened", "Slack answered 500: no_service")
    with open_state(watching.journal.path) as state:
        assert [message.state for message in unsettled(state)] == ["given_up"]


def test_a_message_that_slack_will_never_take_holds_up_no_other(watching: Watching, slack: FakeSlack) -> None:
    not_understood(watching, 10, "조인")
    slack.script.append(400)
    delivery = watching.round().delivery
    assert (delivery.sent, delivery.waiting, len(delivery.given_up)) == (1, 0, 1)


def test_nobodys_text_calls_the_channel_or_forges_a_link() -> None:
    notice = sample(None)
    example = notice.examples[0].model_copy(update={"said": "<!channel> <http://x|y> & co"})
    text = str(blocks(notice.model_copy(update={"examples": (example,)})))
    assert "&lt;!channel&gt; &lt;http://x|y&gt; &amp; co" in text


def test_a_webhook_has_to_be_a_url() -> None:
    with pytest.raises(InvalidInputError, match="EXAMSGRAPH_SLACK_WEBHOOK to be a URL"):
        SlackChannel("T000/B000/secret")
