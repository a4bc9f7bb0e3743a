"""With a key, the tutor asks OpenAI's API, here a stand-in on 127.0.0.1, through the real client."""

import sys
from collections.abc import Iterator
from decimal import Decimal

import pytest

from examsgraph_callbacks.analytics import report
from examsgraph_callbacks.console import Screen
from examsgraph_callbacks.demo.models import tutor_models
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.demo.run import record_lesson
from examsgraph_callbacks.errors import ExamsGraphError, MissingExtraError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.servers.openai_server import Answer, LedgerServer

PRICES = {
    "gpt-4o-2024-08-06": (Decimal("2.50"), Decimal(10)),
    "gpt-4o-mini-2024-07-18": (Decimal("0.15"), Decimal("0.60")),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LedgerServer]:
    with LedgerServer() as server:
        monkeypatch.setenv("OPENAI_API_KEY", "a key")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def test_what_the_provider_billed_is_what_the_report_says(
    server: LedgerServer,
    journal: Journal,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record_lesson(journal, Screen())
    total = report(journal.read(), Meter()).calls.total

    assert total.calls == len(server.ledger) == 44
    assert all(request["stream_options"] == {"include_usage": True} for request in server.requests)
    assert total.input_tokens == sum(bill.input_tokens for bill in server.ledger)
    assert total.output_tokens == sum(bill.output_tokens for bill in server.ledger)
    billed = sum(
        PRICES[bill.model][0] * bill.input_tokens + PRICES[bill.model][1] * bill.output_tokens
        for bill in server.ledger
    )
    assert total.cost.usd == billed / 1_000_000
    assert total.estimated == 0
    assert f"real gpt-4o and gpt-4o-mini at {server.url}" in capsys.readouterr().out


def test_a_turn_that_fails_is_on_record_and_the_lesson_goes_on(
    server: LedgerServer,
    journal: Journal,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.will(Answer(status=400))
    record_lesson(journal, Screen())
    summary = report(journal.read(), Meter())

    (error,) = summary.calls.errors
    assert error.count == 1
    assert "refused with 400" in str(error.last_message)
    assert (summary.turns, summary.failed_turns) == (44, 1)
    assert "1 turn failed, the lesson went on" in capsys.readouterr().err


def test_a_key_that_is_refused_ends_the_lesson_with_the_reason(
    server: LedgerServer,
    journal: Journal,
) -> None:
    server.default = Answer(status=401)

    with pytest.raises(ExamsGraphError, match=r"all 44 turns failed.*refused with 401.*environment"):
        record_lesson(journal, Screen())


def test_without_the_client_the_extra_to_install_is_named(
    server: LedgerServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "langchain_openai", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'examsgraph-callbacks\[openai\]'"):
        tutor_models(load_questions())
