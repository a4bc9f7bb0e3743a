"""Runs an example without a key: a stand-in for OpenAI's server, on this machine, gives recorded answers.

    python examples/offline.py langgraph_agent.py

It needs the repository's tests beside it, and what the example needs. The answers stand in
recordings/answers.json.
"""

import json
import os
import runpy
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(EXAMPLES.parent))

from tests.servers.openai_server import Answer, LedgerServer  # noqa: E402 - where it is found stands above


def recorded_answers(example: str) -> list[Answer]:
    """What a model said to this example: texts, and tools that it called."""
    recorded = json.loads((EXAMPLES / "recordings" / "answers.json").read_text(encoding="utf-8"))
    return [
        Answer(**{**answer, "tool": tuple(answer["tool"]) if "tool" in answer else None})
        for answer in recorded[Path(example).stem]
    ]


def main(example: str) -> None:
    """Run it as `python example` would, with the stand-in's address and a key of no worth."""
    answers = recorded_answers(example)
    with LedgerServer() as server:
        server.will(*answers)
        server.default = answers[-1]
        os.environ["OPENAI_BASE_URL"] = os.environ["OPENAI_API_BASE"] = server.url
        os.environ["OPENAI_API_KEY"] = "none is needed"
        runpy.run_path(str(EXAMPLES / example), run_name="__main__")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected the name of an example, such as  python examples/offline.py langgraph_agent.py")
    main(sys.argv[1])
