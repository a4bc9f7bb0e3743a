"""Whatever a host passes around becomes bounded JSON."""

from dataclasses import dataclass
from typing import Any

import pytest
import xxhash
from pydantic import BaseModel, JsonValue

from examsgraph_callbacks.capture import plain, recorded_document


class State(BaseModel):
    """A pydantic state, as LangGraph users have."""

    question: str
    hint: str | None = None


@dataclass
class Learner:
    """A dataclass."""

    name: str


class Unknown:
    """Neither."""

    def __repr__(self) -> str:
        raise AssertionError("repr of the host's objects is not ours to call")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("정규화", "정규화"),
        (3, 3),
        (True, True),
        (None, None),
        (0.5, 0.5),
        (float("nan"), None),
        (float("inf"), None),
        ({"a": (1, [2])}, {"a": [1, [2]]}),
        ({1: "one"}, {"1": "one"}),
        (frozenset({1}), [1]),
        (State(question="?"), {"question": "?"}),
        (Learner("김민지"), {"name": "김민지"}),
        (Unknown(), "<Unknown>"),
        (b"\x00", f"<bytes of 1, {xxhash.xxh3_128_hexdigest(bytes(1))}>"),
    ],
)
def test_values_become_json(value: object, expected: JsonValue) -> None:
    assert plain(value) == expected


def hash_of(text: str) -> str:
    return xxhash.xxh3_128_hexdigest(text.encode())


def test_long_text_and_lists_are_cut_and_say_so() -> None:
    assert plain("가" * 100_001) == "가" * 100_000 + f"… (100001 characters, {hash_of('가' * 100_001)})"
    cut = plain(list(range(1536)))
    assert isinstance(cut, list)
    assert (len(cut), cut[-1]) == (201, "… (1536 items)")


def test_what_is_wide_and_deep_is_cut_as_a_whole() -> None:
    wide: object = "가"
    for _ in range(6):
        wide = [wide] * 100
    assert len(str(plain(wide))) < 200_000
    assert plain({str(number): number for number in range(20_000)})["…"] == "(20000 items)"  # type: ignore[index,call-overload]
    texts = plain(["가" * 90_000] * 20)
    assert isinstance(texts, list)
    assert sum(map(len, texts)) < 1_100_000  # type: ignore[arg-type]
    assert texts[-1] == "가" * 64 + f"… (90000 characters, {hash_of('가' * 90_000)})"


def test_what_contains_itself_ends() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    text = str(plain(loop))
    assert text.count("again") == 12
    assert "<dict, " in text


@pytest.mark.parametrize("key", ["score", "similarity_score", "relevance_score", "_score"])
def test_a_documents_score_is_found_in_its_metadata(key: str) -> None:
    assert recorded_document("text", {key: 0.92}, None, 10).get("score") == 0.92


def test_a_score_that_is_no_number_is_none() -> None:
    assert recorded_document("text", {"score": "high"}, None, 10).get("score") is None


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("x" * 30, "ascii"), ("가나다" * 10, "utf-32-le"), ("x" * 30 + "가", "utf-32-le")],
)
def test_a_cut_document_keeps_the_length_and_hash_of_the_whole(text: str, encoding: str) -> None:
    document = recorded_document(text, {}, "1", 10)
    assert document["content"] == text[:10]
    assert document["content_length"] == len(text)
    assert document["content_hash"] == xxhash.xxh3_128_hexdigest(text.encode(encoding))


def test_half_an_emoji_does_not_stop_a_document() -> None:
    assert recorded_document("\ud83d" * 20, {}, None, 10)["content_hash"]
