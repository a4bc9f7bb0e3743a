"""All 325 recorded answers of real providers, and through which clients each was driven; `-s` prints it.

The driving itself is in tests/langchain, tests/llama_index and tests/autolog, each in its
test_recordings.py: what is said here of a recording is what a test there holds.
"""

from collections import Counter
from collections.abc import Iterable

from tests.autolog import test_recordings as of_openai
from tests.langchain import test_recordings as of_langchain
from tests.langchain.recorded import recordings, replay_server
from tests.llama_index import test_recordings as of_llama_index

EQUAL = "reported tokens equal"
OPEN = "input passed over by the client: left open, output equal"
SILENT = "no usage in the answer: counts left open"
REFUSED = "refused by the provider: an error of unknown usage"
FAILS = "the client fails on it"

Records = Iterable[dict[str, object]]


def _said(records: Records, what: str) -> dict[str, str]:
    return {str(record["id"]): what for record in records}


def by_client() -> dict[str, dict[str, str]]:
    """By client: the id of each recording that it was driven through, and what its test says of the fact."""
    return {
        "LangChain": {
            **_said(of_langchain.REPORTING, EQUAL),
            **dict.fromkeys(of_langchain.INPUT_PASSED_OVER, OPEN),
            **_said(of_langchain.SILENT, SILENT),
            **_said(of_langchain.REFUSED, REFUSED),
            **{id_: f"{FAILS}: {reason}" for id_, reason in of_langchain.CLIENT_FAILS.items()},
        },
        "LlamaIndex": {
            **_said(of_llama_index.REPORTING, EQUAL),
            **_said(of_llama_index.SILENT, SILENT),
            **_said(of_llama_index.REFUSED, REFUSED),
            **{id_: f"{FAILS}: {reason}" for id_, reason in of_llama_index.CLIENT_FAILS.items()},
        },
        "OpenAI's embeddings": {
            **_said(of_openai.ANSWERED, EQUAL),
            **_said(of_openai.REFUSED, REFUSED),
        },
    }


# through which no client can be driven whole
NOT_DRIVEN = {
    "74e1b1c5353cfc49": "Azure's content filter left no message: both frameworks' clients fail on it",
}


def test_each_of_the_325_is_driven_through_a_client_or_listed_with_the_reason() -> None:
    if not recordings():
        replay_server()  # skips, saying what is missing
    told = by_client()
    rows = Counter(
        (client, str(by_id[record["id"]]).split(":")[0], str(record["api"]))
        for record in recordings()
        for client, by_id in told.items()
        if record["id"] in by_id
    )
    print(f"\n{len(recordings())} recorded answers")  # noqa: T201
    for (client, what, api), count in sorted(rows.items()):
        print(f"  {client:20} {api:12} {count:4}  {what}")  # noqa: T201
    for client, by_id in told.items():
        for id_, what in by_id.items():
            if what.startswith((FAILS, OPEN)):
                print(f"  {client:20} {id_}  {what}")  # noqa: T201
    for id_, reason in NOT_DRIVEN.items():
        print(f"  not driven           {id_}  {reason}")  # noqa: T201

    assert len(recordings()) == len({record["id"] for record in recordings()}) == 325
    for record in recordings():
        said = {by_id[record["id"]] for by_id in told.values() if record["id"] in by_id}
        right = {EQUAL} if record["usage"] else {SILENT, REFUSED}
        assert said & right or record["id"] in NOT_DRIVEN, record["id"]
    # nothing is listed that a client can be driven through
    for id_ in NOT_DRIVEN:
        assert all(by_id.get(id_, FAILS).startswith(FAILS) for by_id in told.values())
