"""Three tones of one tutor, the product document's own, and a scripted model that takes them."""

from collections.abc import Mapping

from langchain_core.language_models import BaseChatModel

from examsgraph_callbacks.demo.explanations import EXPLANATIONS, GREETING
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.demo.scripted_model import ScriptedChatModel

__all__ = ["TONES", "tone_model"]

TONES: Mapping[str, str] = {
    "v1_strict": "당신은 엄격한 교수입니다. 학생이 틀렸을 때 명확히 지적하세요.",
    "v2_friendly": "당신은 친절한 코치입니다. 학생의 노력을 인정하면서 부드럽게 설명하세요.",
    "v3_encouraging": "당신은 격려형 멘토입니다. 실수를 긍정적으로 받아들이게 하세요.",
}
"""By the names of the variants."""

_OPENINGS = {
    "엄격한": "틀렸습니다. ",
    "친절한": "아쉽네요! 거의 다 왔어요. ",
    "격려형": "좋은 시도였어요! 어디까지 이해했는지 같이 볼까요? ",
}


def tone_model() -> BaseChatModel:
    """Answers the demo's questions from a script, with an opening in the tone that the prompt asks for."""
    return ScriptedChatModel(
        model_name="gpt-4o-mini",
        served_model="gpt-4o-mini-2024-07-18",
        answers={question.question: EXPLANATIONS[question.question_id] for question in load_questions()},
        otherwise=GREETING,
        openings=_OPENINGS,
    )
