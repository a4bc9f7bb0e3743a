"""An application that calls a model over and over and says when each call returned, until killed."""

import sys

from langchain_core.runnables import RunnableLambda

from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import ScriptedModel


def main(journal: str) -> None:
    """Answer one question after the other; each line on stdout is a question whose answer returned."""
    handler = ExamsGraphCallbackHandler(journal)
    model = ScriptedModel(usage={"input_tokens": 10, "output_tokens": 2, "total_tokens": 12})
    number = 0
    while True:
        batch = [f"{number + offset}" for offset in range(8)]
        # threads of LangChain's own, so that the kill finds calls at every stage
        told = model | RunnableLambda(lambda answer: answer)
        for index, _answer in told.batch_as_completed(batch, {"callbacks": [handler]}):
            sys.stdout.write(f"{batch[index]}\n")
            sys.stdout.flush()
        number += 8


if __name__ == "__main__":
    main(sys.argv[1])
