"""What is written of a fact: redacted content or none, lengths where tokens need them, pseudonyms."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from examsgraph_callbacks.capture import Privacy, pseudonym, recorded_document, redact_text
from examsgraph_callbacks.capture.privacy import CONTENT_FIELDS
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import (
    SCHEMA_VERSION,
    AnyFact,
    Fact,
    Feedback,
    LLMCall,
    Message,
    PromptComparison,
    Request,
    Retrieval,
    RetrievedDocument,
    ToolCall,
    Trace,
)
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal.encode import encode_fact

KEY = "0123456789abcdef"
NOW = datetime(2026, 1, 15, tzinfo=UTC)
RUN: Any = {"event_id": "e", "run_id": "r", "started_at": NOW, "latency_ms": 1.0}

# ids, names and labels that the application or the providers chose, and figures
NO_CONTENT = {
    *("event_id", "trace_id", "run_id", "parent_run_id", "user_id", "session_id", "question_id"),
    *("kind", "schema_version", "name", "tags", "status", "error_type", "started_at", "latency_ms"),
    *("task_type", "wrong_concept", "prompt_variant", "concept", "feedback_type", "understanding_score"),
    "langgraph_node",
    *("provider", "requested_model", "served_model", "service_tier", "usage_source", "finish_reason"),
    *("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"),
    *("cache_write_tokens", "cache_write_1h_tokens", "cache_write_split_open"),
    *("audio_input_tokens", "audio_output_tokens", "time_to_first_token_ms", "streamed", "text_count"),
    *("stated_cost_usd", "response_quality"),
    *("request_length", "answer_length", "round_trips", "similarity_scale", "backend"),
    *("retrieval_params", "seeds", "hops"),  # of the curriculum's concepts
    *("manual_scores", "trace_ids"),
    *("source", "uncaptured", "sampled", "index_name", "server"),
    "vectors",  # not redacted, but dropped with the texts
    *("resource_kind", "title", "url"),  # of the curriculum too
    *("experiment", "weights", "primary_metric", "minimum_effect", "significance", "power", "planned_looks"),
    *("comparison_id", "score", "scorer", "judge", "position_consistent"),
}


SECRET = "학번 20261234" * 10


def call(**fields: Any) -> LLMCall:
    request = Request(messages=(Message(role="user", content="메일은 kim@example.com입니다"),))
    answer = (Message(role="assistant", content="알겠습니다"),)
    return LLMCall.model_validate({**RUN, "request": request, "answer": answer, **fields})


@pytest.mark.parametrize("kind", get_args(get_args(AnyFact)[0]))
def test_every_field_of_every_fact_is_known_to_hold_content_or_none(kind: type[Fact]) -> None:
    undecided = set(kind.model_fields) - CONTENT_FIELDS - NO_CONTENT
    assert not undecided, f"{kind.__name__}.{undecided}: does it hold what somebody said? Then CONTENT_FIELDS"


def test_no_field_is_held_for_both() -> None:
    assert not CONTENT_FIELDS & NO_CONTENT


def test_texts_and_keys_are_redacted_at_any_depth() -> None:
    given = {"who": [{"kim@example.com": ["010-1234-5678", 3, None, True, 0.5]}], "정규화": "그대로"}
    fact = Privacy().recorded(ToolCall(**RUN, input=given))
    assert fact.input == {"who": [{"[EMAIL]": ["[PHONE]", 3, None, True, 0.5]}], "정규화": "그대로"}


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        ({"api_key": "hunter22"}, {"api_key": "[API_KEY]"}),
        ({"X-API-Key": "hunter22"}, {"X-API-Key": "[API_KEY]"}),
        ({"Authorization": "Bearer hunterhunter"}, {"Authorization": "Bearer [BEARER_TOKEN]"}),
        ({"Authorization": ["Bearer hunterhunter"]}, {"Authorization": ["Bearer [BEARER_TOKEN]"]}),
        ({"authorization": "Basic a2ltOmh1bnRlcjI="}, {"authorization": "Basic [PASSWORD]"}),
        ({"api_key": ("hunter22",)}, {"api_key": ("[API_KEY]",)}),
        ({"authorization": "권한 부여"}, {"authorization": "권한 부여"}),
        ({"primary_key": "student_id"}, {"primary_key": "student_id"}),
    ],
)
def test_a_value_is_read_together_with_its_key(given: Any, recorded: Any) -> None:
    assert Privacy().recorded(ToolCall(**RUN, output=given)).output == recorded


def test_what_stands_under_two_addresses_stays_though_both_become_one_placeholder() -> None:
    given = {"kim@example.com": 1, "lee@example.com": 2, "[EMAIL] 2": 3, "park@example.com": 4}
    recorded: Any = Privacy().recorded(ToolCall(**RUN, output=given)).output
    assert list(recorded.values()) == [1, 2, 3, 4]
    assert all(key.startswith("[EMAIL]") for key in recorded)


def test_requests_answers_and_documents_are_redacted_and_keep_their_figures() -> None:
    recorded = Privacy().recorded(call(error_message="kim@example.com is unknown"))
    assert recorded.request is not None
    assert recorded.request.messages[0].content == "메일은 [EMAIL]입니다"
    assert recorded.error_message == "[EMAIL] is unknown"
    document = RetrievedDocument(
        id="users/kim@example.com",
        score=0.92,
        content="010-1234-5678",
        content_length=13,
        content_hash="0" * 32,
        metadata={"author": "kim@example.com", "page": 3},
    )
    (redacted,) = Privacy().recorded(Retrieval(**RUN, documents=(document,))).documents
    assert redacted == RetrievedDocument(
        id="users/[EMAIL]",
        score=0.92,
        content="[PHONE]",
        content_length=13,
        content_hash="0" * 32,
        metadata={"author": "[EMAIL]", "page": 3},
    )


def test_of_a_document_that_was_seen_before_all_but_the_same_text_is_searched() -> None:
    secret = "010-1234-5678"
    text = "가" * 100 + f" {secret} 나나 " + "나" * 100

    def recorded(text: str, metadata: dict[str, str], limit: int) -> Any:
        document = recorded_document(text, metadata, None, limit)
        fields = {**RUN, "documents": [document]}
        return Privacy().recorded_fields(Retrieval, fields)["documents"]

    assert recorded(text, {}, 50)[0]["content"] == "가" * 50
    assert recorded(text, {"author": secret}, 50)[0]["metadata"] == {"author": "[PHONE]"}
    assert "[PHONE]" in recorded(text, {}, 150)[0]["content"], "more of it is recorded than was searched"
    assert "[PHONE]" in recorded(text, {}, 150)[0]["content"], "what has a secret is not remembered as clean"


def test_ids_names_and_labels_are_not_content() -> None:
    fact = Trace(**RUN, user_id="kim@example.com", session_id="010-1234-5678", tags=("a@b.co",))
    assert Privacy().recorded(fact) is fact


def test_a_fact_with_nothing_to_redact_is_written_as_it_is() -> None:
    fact = call(request=Request(messages=(Message(role="user", content="정규화란?"),)))
    assert Privacy().recorded(fact) is fact


def test_ones_own_function_takes_the_place_of_ours_and_may_call_it() -> None:
    def instead(text: str) -> str:
        return text.replace("20261234", "[STUDENT]")

    def also(text: str) -> str:
        return instead(redact_text(text))

    fact = Feedback(event_id="e", started_at=NOW, feedback_type="thumbs_up", followup_text="20261234 a@b.co")
    assert Privacy(instead).recorded(fact).followup_text == "[STUDENT] a@b.co"
    assert Privacy(also).recorded(fact).followup_text == "[STUDENT] [EMAIL]"


def broken(text: str) -> str:
    raise ValueError(f"cannot read {text}")


def textless(text: str) -> Any:
    return None


@pytest.mark.parametrize("redact", [broken, textless])
def test_a_redaction_that_fails_costs_the_text_but_not_the_fact_and_is_counted(
    redact: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = failures.counts().get("redacting", 0)
    request = Request(messages=(Message(role="user", content=SECRET),))
    fact = call(input_tokens=100, output_tokens=3, request=request)
    recorded = Privacy(redact).recorded(fact)
    line = encode_fact(recorded).decode()
    assert SECRET not in line
    assert recorded.request is not None
    assert recorded.request.messages[0].content == "[REDACTION_FAILED]"
    assert (recorded.input_tokens, recorded.output_tokens) == (100, 3)
    assert failures.counts()["redacting"] > before
    assert SECRET not in caplog.text


def test_without_content_no_text_but_ids_and_labels_is_recorded() -> None:
    privacy = Privacy(capture_content=False)
    document = RetrievedDocument(id="1nf", score=0.9, content="원자값", content_length=3, metadata={"쪽": 3})
    facts: list[Fact] = [
        call(status="error", error_message="no"),
        Trace(**RUN, inputs={"question": "?"}, outputs="!"),
        Retrieval(**RUN, query="?", documents=(document,)),
        PromptComparison(event_id="e", started_at=NOW, user_answer="?", prompt_variants={"v1": "엄격한"}),
    ]
    recorded = [privacy.recorded(fact) for fact in facts]
    texts = {text for fact in recorded for text in all_texts(fact.model_dump(exclude_none=True))}
    kinds = {fact.kind for fact in facts}
    assert texts == {"e", "r", SCHEMA_VERSION, "ok", "error", "1nf", *kinds}
    figures = RetrievedDocument(id="1nf", score=0.9, content_length=3)
    assert recorded[2] == Retrieval(**RUN, documents=(figures,))


def all_texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in all_texts(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in all_texts(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("privacy", [Privacy(), Privacy(capture_content=False)])
def test_reported_usage_stands_and_needs_no_lengths(privacy: Privacy) -> None:
    recorded = privacy.recorded(call(input_tokens=100, output_tokens=3, usage_source="reported"))
    assert (recorded.input_tokens, recorded.output_tokens) == (100, 3)
    assert (recorded.request_length, recorded.answer_length) == (None, None)


def test_what_was_dropped_keeps_the_length_that_its_tokens_are_estimated_from() -> None:
    recorded = Privacy(capture_content=False).recorded(call(output_tokens=3))
    assert recorded.request_length is not None
    assert recorded.request_length.model_dump() == {"messages": 1, "characters": 22, "utf8_bytes": 34}
    assert recorded.answer_length is None, "its tokens were reported"


def test_what_was_redacted_keeps_its_length_and_what_was_not_does_not() -> None:
    recorded = Privacy().recorded(call())
    assert recorded.request_length is not None
    assert recorded.request_length.characters == len("메일은 kim@example.com입니다")
    assert recorded.answer_length is None


@pytest.mark.parametrize("status", ["error", "cache_hit"])
def test_a_call_that_is_not_estimated_keeps_no_lengths(status: str) -> None:
    assert Privacy(capture_content=False).recorded(call(status=status)).request_length is None


@pytest.mark.parametrize("privacy", [Privacy(user_key=KEY), Privacy(capture_content=False, user_key=KEY)])
def test_under_a_key_user_and_session_are_recorded_as_their_pseudonyms(privacy: Privacy) -> None:
    fact = privacy.recorded(Trace(**RUN, user_id="user_001", session_id="user_001-7", question_id="q_001"))
    assert (fact.user_id, fact.session_id) == (pseudonym("user_001", KEY), pseudonym("user_001-7", KEY))
    assert fact.question_id == "q_001"
    nobody = privacy.recorded(Trace(**RUN))
    assert (nobody.user_id, nobody.session_id) == (None, None)


def test_the_environment_says_what_is_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_CONTENT", "false")
    monkeypatch.setenv("EXAMSGRAPH_USER_KEY", KEY)
    fact = Privacy.configured().recorded(Trace(**RUN, user_id="user_001", inputs="정규화란?"))
    assert (fact.inputs, fact.user_id) == (None, pseudonym("user_001", KEY))


def test_a_key_that_does_not_fit_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # also one that is empty, as a variable that was meant to be filled in: nobody is recorded by name
    monkeypatch.setenv("EXAMSGRAPH_USER_KEY", "")
    with pytest.raises(InvalidInputError, match="EXAMSGRAPH_USER_KEY"):
        Privacy.configured()
