"""No secret is in a recording, whatever its facts were recorded by; one that is in a journal is found."""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.events import (
    EmbeddingCall,
    Fact,
    Message,
    Request,
    Retrieval,
    RetrievedDocument,
    ToolCall,
    Trace,
)
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.replay import Player, Recording, verify, write_recording
from tests.replay.facts import asked

KEY = "sk-proj-AbCdEf0123456789AbCdEf0123456789"
MAIL = "kim.minsu@example.com"
PHONE = "010-1234-5678"
SAID = f"제 키는 {KEY}, 메일은 {MAIL}, 번호는 {PHONE}입니다. " + "그리고 긴 글입니다. " * 20
RUN: Any = {
    "event_id": "e",
    "run_id": "r",
    "started_at": datetime(2026, 1, 15, tzinfo=UTC),
    "latency_ms": 1.0,
}


def leaking() -> list[Fact]:
    """Facts as no recorder would write them: with secrets in all that somebody may have said."""
    document = RetrievedDocument(id="d", content=SAID, content_length=len(SAID), metadata={"author": MAIL})
    tools = ({"name": "send", "args": {"to": MAIL, "sms": PHONE, "api_key": "hunter22"}, "id": "1"},)
    return [
        asked(SAID, SAID),
        asked("?").model_copy(update={"answer": (Message(role="assistant", tool_calls=tools),)}),
        asked("?", status="error", error_type="AuthenticationError", error_message=f"wrong key {KEY}"),
        ToolCall(**RUN, input={"to": MAIL, "deep": [{"phone": PHONE, KEY: "as a key"}]}, output=SAID),
        Retrieval(**RUN, query=SAID, documents=(document,)),
        EmbeddingCall(**RUN, texts=(SAID,), vectors=("AAAAPw==",)),
        Trace(**RUN, inputs=SAID, outputs={"text": SAID}),
    ]


@pytest.mark.parametrize("name", ["lesson.egrec.jsonl", "lesson.egrec.jsonl.gz"])
def test_no_key_address_or_number_is_in_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_recording(leaking(), path)
    content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    for secret in (KEY, MAIL, PHONE, "hunter22", "sk-proj", "kim.minsu", "1234-5678"):
        assert secret.encode() not in content
    assert b"[API_KEY]" in content
    assert b"[EMAIL]" in content
    assert b"[PHONE]" in content
    assert verify(Recording(path)).is_sound


def test_a_journal_in_which_secrets_are_is_told_field_by_field(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for fact in [*leaking(), Trace(**RUN, user_id=MAIL)]:
        journal.write(fact)
    verified = verify(Recording(tmp_path / "journal"))
    assert not verified.is_sound
    told = [secret.where for secret in verified.secrets]
    assert any(where.startswith("request.messages[1].content") for where in told)
    assert any(where.startswith("answer[0].tool_calls[0].args") for where in told)
    assert any(where.startswith("documents[0].content") for where in told)
    assert any(where.startswith("error_message") for where in told)
    assert "user_id" in told, "an id that is an address goes with every fact"
    assert not any(KEY in str(secret) or MAIL in str(secret) for secret in verified.secrets)


def test_what_was_asked_with_a_secret_in_it_is_found_again(tmp_path: Path) -> None:
    write_recording(leaking(), tmp_path / "lesson.egrec.jsonl")
    player = Player(tmp_path / "lesson.egrec.jsonl")
    call = asked(SAID)
    assert call.request is not None
    answer = player.call("gpt-4o", call.request.model_dump()).answer
    assert answer is not None
    assert "[EMAIL]" in str(answer[0].content)
    assert player.retrieval(SAID).retrieval.documents[0].metadata == {"author": "[EMAIL]"}
    assert player.vector(None, SAID) == [0.5]


def test_a_function_of_ones_own_is_applied_on_both_sides(tmp_path: Path) -> None:
    def redact(text: str) -> str:
        return text.replace("20261234", "[STUDENT]")

    request = Request(messages=(Message(role="user", content="학번 20261234, 메일 a@example.com"),))
    write_recording([asked("?", request=request)], tmp_path / "lesson.egrec.jsonl", redact)
    content = (tmp_path / "lesson.egrec.jsonl").read_text(encoding="utf-8")
    assert "학번 [STUDENT], 메일 [EMAIL]" in content
    player = Player(tmp_path / "lesson.egrec.jsonl", redact=redact)
    assert player.call("gpt-4o", request.model_dump()).answer
