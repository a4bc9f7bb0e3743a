"""Looking through content takes memory and time by its size, and no more."""

import pytest

from examsgraph_callbacks.capture import clean, redaction


def test_of_however_many_documents_only_so_many_are_remembered() -> None:
    clean.forget_documents()
    documents = [{"content": "원자값", "content_hash": str(number)} for number in range(20_000)]
    assert clean.all_clean({"documents": documents}, ["documents"])
    assert 0 < len(clean._clean_documents) < 5000
    clean.forget_documents()


def test_a_secret_is_found_however_deep_it_lies() -> None:
    nested: object = "kim@example.com"
    for _ in range(5000):
        nested = [{"content": nested}, "원자값"]
    assert not clean.all_clean({"inputs": nested}, ["inputs"])


def test_a_text_of_a_moment_ago_is_not_searched_again_and_one_with_a_secret_always_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[str] = []

    def is_clean(text: str) -> bool:
        searched.append(text)
        return redaction.is_clean(text)

    monkeypatch.setattr(clean, "is_clean", is_clean)
    monkeypatch.setattr(clean, "_lately_clean", ())
    question, answer = "정규화의 목적은 무엇인가요? 세 번째", "중복을 없애는 것"
    secret = "제 번호는 010-1234-5678입니다"
    assert clean.all_clean({"query": question}, ["query"])
    assert clean.all_clean({"query": question, "output": answer}, ["query", "output"])
    assert searched == [question, answer]
    for _ in range(2):
        assert not clean.all_clean({"query": question, "output": secret}, ["query", "output"])
    assert searched[2:] == [secret, secret]


def test_no_more_than_the_last_few_texts_are_kept() -> None:
    for number in range(100):
        assert clean.all_clean({"inputs": [f"질문 {number} 입니다", f"대답 {number} 입니다"]}, ["inputs"])
    assert clean._lately_clean[:2] == ("질문 99 입니다", "대답 99 입니다")
    assert len(clean._lately_clean) == 8
