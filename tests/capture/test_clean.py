"""Looking through content takes memory and time by its size, and no more."""

from examsgraph_callbacks.capture import clean


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
