"""How many tokens a retrieved document takes."""

from examsgraph_callbacks.events import RetrievedDocument
from examsgraph_callbacks.measure import document_tokens
from examsgraph_callbacks.measure.encodings import token_counter

TEXT = "정규화는 데이터 중복을 제거합니다."


def test_a_whole_text_is_counted_as_tiktoken_does() -> None:
    document = RetrievedDocument(content=TEXT, content_length=len(TEXT))
    assert document_tokens(document, "gpt-4o") == token_counter("gpt-4o")(TEXT)
    assert document_tokens(document, "gpt-4") == token_counter("gpt-4")(TEXT)
    assert document_tokens(document) == document_tokens(document, "gpt-4o")


def test_a_text_that_was_cut_is_taken_to_go_on_as_it_began() -> None:
    whole = RetrievedDocument(content=TEXT, content_length=len(TEXT))
    cut = RetrievedDocument(content=TEXT, content_length=3 * len(TEXT), content_hash="0")
    assert document_tokens(cut) == 3 * (document_tokens(whole) or 0)


def test_of_a_text_that_was_not_recorded_nothing_is_known() -> None:
    assert document_tokens(RetrievedDocument(content=None, content_length=500)) is None
    assert document_tokens(RetrievedDocument(content=None, content_length=0)) == 0
