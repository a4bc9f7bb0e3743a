"""Recorded errors, raised once more as what they were."""

from typing import Any

import pytest
from pydantic import ValidationError

from examsgraph_callbacks.errors import GraphUnavailableError, RecordingError
from examsgraph_callbacks.replay import failure_of, pieces
from tests.measure.facts import llm_call


def failed(error_type: str, message: str = "what it said", **more: Any) -> BaseException:
    failure = failure_of(llm_call(status="error", error_type=error_type, error_message=message, **more))
    assert failure is not None
    return failure


@pytest.mark.parametrize("kind", [KeyError, TimeoutError, UnicodeDecodeError, GraphUnavailableError])
def test_an_error_of_a_class_that_is_loaded_is_one(kind: type[Exception]) -> None:
    error = failed(kind.__name__)
    assert isinstance(error, kind)
    assert (str(error), type(error).__name__) == ("what it said", kind.__name__)


def test_of_classes_of_one_name_pythons_own_is_taken_where_none_is_the_providers() -> None:
    stranger = type("TimeoutError", (Exception,), {"__module__": "a_library"})
    assert type(failed("TimeoutError", provider="openai")).__mro__[1] is TimeoutError
    assert stranger.__name__ == "TimeoutError"


def test_of_classes_of_one_name_the_providers_is_taken() -> None:
    import anthropic
    import openai

    assert isinstance(failed("RateLimitError", provider="openai"), openai.RateLimitError)
    assert isinstance(failed("RateLimitError", provider="anthropic"), anthropic.RateLimitError)


@pytest.mark.parametrize("name", ["NobodyHasThisError", ValidationError.__name__])
def test_an_error_of_another_class_has_at_least_its_name(name: str) -> None:
    error = failed(name)
    assert (str(error), type(error).__name__) == ("what it said", name)


def test_a_call_that_went_well_has_none() -> None:
    assert failure_of(llm_call()) is None


@pytest.mark.parametrize("name", ["GeneratorExit", "CancelledError", "UnfinishedRunError"])
def test_what_the_application_cut_short_cannot_be_played_on(name: str) -> None:
    assert isinstance(failed(name), RecordingError)


@pytest.mark.parametrize("text", ["", "정규화는 중복을\n제거합니다.  ", "  a", " ", "하나"])
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
