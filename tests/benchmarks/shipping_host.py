"""A host that makes 50 calls a second, recorded or not, and tells how long each took."""

import json
import sys
import time

from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import ScriptedModel

CALLS_A_SECOND = 50
PROMPT = "정규화의 목적으로 가장 알맞은 것은? " * 40
USAGE = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}


def main(journal: str, seconds: float) -> None:
    """Without a journal nothing is recorded."""
    model = ScriptedModel(usage=USAGE)
    model.invoke(PROMPT)  # LangChain's own first imports
    config = {"callbacks": [ExamsGraphCallbackHandler(journal)] if journal else []}
    taken = []
    began = time.perf_counter()
    for number in range(round(seconds * CALLS_A_SECOND)):
        time.sleep(max(0.0, began + number / CALLS_A_SECOND - time.perf_counter()))
        call_began = time.perf_counter()
        model.invoke(PROMPT, config)  # type: ignore[arg-type]
        taken.append((time.perf_counter() - call_began) * 1000)
    print(json.dumps({"taken_ms": taken, "ended_at": time.time()}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
