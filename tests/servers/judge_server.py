"""A stand-in for OpenAI's API whose model judges two answers, as MLflow or our own prompt asks it to."""

import json
from collections.abc import Callable
from typing import Any

from tests.servers.openai_server import Answer, LedgerServer

__all__ = ["JudgeServer", "kind"]

REASON = "먼저 공감하고 이유를 말해 이해하기 쉽습니다."


def kind(a: str, b: str) -> str:
    """Prefers the friendly tone of the demo wherever it stands, and else whatever stands first."""
    return "A" if "아쉽네요" in a else "B" if "아쉽네요" in b else "A"


class JudgeServer(LedgerServer):
    """Judges by a function of what stands in A and in B; what `will` queued is answered before."""

    def __init__(self, judge: Callable[[str, str], str] = kind, reports_usage: bool = True) -> None:
        super().__init__()
        self._judge = judge
        self._reports_usage = reports_usage
        self.default = Answer(text="")

    def take(self, request: dict[str, Any]) -> Answer:
        answer = super().take(request)
        if answer is not self.default:
            return answer
        shown = request["messages"][-1]["content"]
        if "response_format" in request:
            answers = json.loads(shown.partition("outputs: ")[2])
            winner = self._judge(answers["A"], answers["B"])
            text = json.dumps({"result": winner, "rationale": REASON}, ensure_ascii=False)
        else:
            a, _, b = shown.partition("[설명 A]")[2].partition("[설명 B]")
            text = f"{REASON}\n[[{self._judge(a, b)}]]"
        return Answer(text=text, input_tokens=420, output_tokens=40, report_usage=self._reports_usage)
