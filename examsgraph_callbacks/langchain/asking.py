"""Asks a LangChain chat model, by its name or as it is, with a handler that records the turn."""

import re
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from examsgraph_callbacks.capture import tutoring
from examsgraph_callbacks.errors import InvalidInputError, MissingExtraError
from examsgraph_callbacks.experiments.comparing import Answer, Ask, Asked
from examsgraph_callbacks.experiments.costs import JUDGING
from examsgraph_callbacks.experiments.opinions import CRITERION, Judge, Opinion, Placed, Winner
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain.handler import ExamsGraphCallbackHandler

__all__ = ["asking", "chat_model", "judging"]

_JUDGE_PROMPT = f"""{CRITERION}
마지막 줄에는 [[A]], [[B]], [[TIE]] 중 하나만 쓰세요.

학생의 답: {{user_answer}}
정답: {{correct_answer}}

[설명 A]
{{a}}

[설명 B]
{{b}}"""
_VERDICT = re.compile(r"\[\[(A|B|TIE)\]\]")


def chat_model(name: str) -> BaseChatModel:
    """The model of a name as LangChain takes it, such as `openai:gpt-4o-mini`.

    Raises `MissingExtraError` without langchain, and `InvalidInputError` where it knows no such model or the
    model's own package, key or address is missing.
    """
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as error:
        raise MissingExtraError("langchain", "langchain") from error
    try:
        return init_chat_model(name)
    except Exception as error:
        raise InvalidInputError(
            f"expected a chat model that LangChain can make, such as openai:gpt-4o-mini, got {name!r}: "
            f"{error}",
        ) from error


def asking(model: BaseChatModel) -> Ask:
    """Has the model answer questions under prompts; each is a turn in the journal."""
    chain = ChatPromptTemplate([("system", "{prompt}"), ("human", "{message}")]) | model | StrOutputParser()

    def ask(asked: Asked, journal: Journal) -> Answer:
        run_id = uuid4()
        with tutoring(question_id=asked.question.question_id, prompt_variant=asked.variant):
            text = chain.invoke(
                {"prompt": asked.prompt, "message": asked.question.message},
                {
                    "run_id": run_id,
                    "run_name": "PromptComparison",
                    "tags": list(asked.tags),
                    "callbacks": [ExamsGraphCallbackHandler(journal)],
                },
            )
        return Answer(text, run_id.hex)

    return ask


def judging(model: BaseChatModel, name: str) -> Judge:
    """Has the model judge, known by that name; its calls are recorded as a handler records them."""
    chain = ChatPromptTemplate([("human", _JUDGE_PROMPT)]) | model | StrOutputParser()

    def ask(placed: Placed, journal: Journal) -> Opinion:
        with tutoring(question_id=placed.question_id, task_type=JUDGING):
            said = chain.invoke(
                {
                    "user_answer": placed.user_answer or "–",
                    "correct_answer": placed.correct_answer or "–",
                    "a": placed.a,
                    "b": placed.b,
                },
                {
                    "run_name": "PromptJudging",
                    "tags": list(placed.tags),
                    "callbacks": [ExamsGraphCallbackHandler(journal)],
                },
            )
        return _opinion(said)

    return Judge(name, ask)


def _opinion(said: str) -> Opinion:
    """The last verdict counts, since models think aloud; what stands before it is the reason."""
    found = [*_VERDICT.finditer(said)]
    if not found:
        return Opinion(None, said.strip() or None)
    winner: Winner = found[-1][1]  # type: ignore[assignment]
    return Opinion(winner, said[: found[-1].start()].strip() or None)
