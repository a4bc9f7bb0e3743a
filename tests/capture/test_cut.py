"""A text that is cut ends before the word or number that the cut would split."""

import pytest

from examsgraph_callbacks.capture import recorded_document, redact_text
from examsgraph_callbacks.capture.content import cut

SECRETS = [
    *("kim@example.com", "010-1234-5678", "010 1234 5678", "010 - 1234 - 5678", "(02) 123-4567"),
    *("850101-1234567", "850101 - 1234567", "+82 10 1234 5678", "+82 (0)10-1234-5678"),
    "sk-" + "aB3dE6gH9jK2mN5pQ8sT" * 3,
    "Authorization: Bearer " + "a1B2" * 20,
    "api_key = " + "a1B2" * 10,
    "eyJ" + "hbGciOiJIUzI1NiJ9" + "." + "eyJzdWIi" * 200 + "." + "a1B2" * 10,
]


def test_a_text_within_the_limit_is_left_alone() -> None:
    text = "정규화의 목적은"
    assert cut(text, len(text)) is text


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("정규화의 목적은 중복을", 8, "정규화의"),
        ("정규화의\n목적은", 6, "정규화의"),
        ("끝났다. 다음 문장", 8, "끝났다. 다음"),
        ("x" * 30, 10, "x" * 10),  # a word that has no beginning in sight is split
        ("가나다라마", 3, "가나다"),
        ("정규화", 0, ""),
    ],
)
def test_what_is_kept(text: str, limit: int, kept: str) -> None:
    assert cut(text, limit) == kept


@pytest.mark.parametrize("secret", SECRETS)
def test_wherever_the_cut_falls_no_half_of_a_secret_is_recorded(secret: str) -> None:
    text = f"제 것은 {secret} 입니다. 정규화란 무엇인가요?"
    whole = redact_text(text)
    for limit in range(len(text)):
        recorded = redact_text(cut(text, limit)).rstrip()
        # the beginning of the redacted text: nothing in it that redaction would have taken
        assert whole.startswith(recorded), f"cut at {limit}: {recorded!r}"


def test_a_cut_costs_at_most_one_word() -> None:
    text = "정규화는 중복을 제거하고 이상현상을 막습니다. " * 100
    document = recorded_document(text, {}, None, 1000)
    content = document["content"]
    assert isinstance(content, str)
    assert 990 < len(content) <= 1000
    assert document["content_length"] == len(text)


@pytest.mark.parametrize(
    "secret",
    [
        "010-1234-5678",
        "010–1234–5678",
        "kim@example.com",
        "850101-1234567",
        "postgres://u:hunter22@db",
        "api_key=hunter22",
        "+82-10-1234-5678",
    ],
)
@pytest.mark.parametrize(
    "before",
    ["가" * 400, '{"a":"b","c":"d"},' * 30, "a,b;" * 100, "ab\tc" * 100, "/?a=b&c=d" * 60 + "&e="],
    ids=["Korean", "JSON", "list", "tabs", "URL"],
)
def test_no_secret_is_split_where_no_spaces_tell_words_apart(before: str, secret: str) -> None:
    text = before + secret + " 끝" * 50
    for length in range(1, len(secret)):
        kept = redact_text(cut(text, len(before) + length))
        assert len(kept) >= len(before) - 10, "no more is dropped than a word"
        left = kept[len(before) :]
        assert not any(part in left for part in ("010", "1234", "kim@", "850101", "hunt", "82")), left
