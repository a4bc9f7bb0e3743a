"""The two models of the tutor: real ones where a key is set, scripted ones where not."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from examsgraph_callbacks.demo.explanations import EXPLANATIONS, GREETING
from examsgraph_callbacks.demo.questions import Question
from examsgraph_callbacks.demo.scripted_model import ScriptedChatModel
from examsgraph_callbacks.errors import MissingExtraError

__all__ = ["TutorModels", "tutor_models"]


@dataclass(frozen=True, slots=True)
class TutorModels:
    """The cheap model, the good one, and what they are in a sentence."""

    small: BaseChatModel
    large: BaseChatModel
    description: str


def tutor_models(questions: Sequence[Question], pace: float = 1.0) -> TutorModels:
    """OpenAI's where `OPENAI_API_KEY` is set (at `OPENAI_BASE_URL`, if that is), else scripted ones.

    `pace` stretches the scripted models' pauses; 0 leaves them out. Raises `MissingExtraError` where a
    key is set and langchain-openai is not installed.
    """
    if os.environ.get("OPENAI_API_KEY"):
        return _openai_models()
    return _scripted_models(questions, pace)


def _openai_models() -> TutorModels:
    try:
        from langchain_openai import ChatOpenAI
    except ImportError as error:
        raise MissingExtraError("langchain-openai", "openai") from error

    address = os.environ.get("OPENAI_BASE_URL") or None
    # stream_usage: with a base_url it is off unless asked for, and usage would have to be estimated
    small, large = (
        ChatOpenAI(model=model, base_url=address, stream_usage=True, timeout=60)
        for model in ("gpt-4o-mini", "gpt-4o")
    )
    return TutorModels(small, large, f"real gpt-4o and gpt-4o-mini at {address or 'OpenAI'}")


def _scripted_models(questions: Sequence[Question], pace: float) -> TutorModels:
    answers = {question.question: EXPLANATIONS[question.question_id] for question in questions}
    small, large = (
        ScriptedChatModel(
            model_name=model,
            served_model=served,
            answers=answers,
            otherwise=GREETING,
            first_token_seconds=first * pace,
            word_seconds=word * pace,
        )
        for model, served, first, word in (
            ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", 0.10, 0.002),
            ("gpt-4o", "gpt-4o-2024-08-06", 0.20, 0.004),
        )
    )
    return TutorModels(
        small,
        large,
        "scripted, with canned answers (set OPENAI_API_KEY for real ones)",
    )
