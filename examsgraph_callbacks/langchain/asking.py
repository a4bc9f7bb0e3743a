"""Asks a LangChain chat model, by its name or as it is, with a handler that records the turn."""

from collections.abc import Callable
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from examsgraph_callbacks.capture import tutoring
from examsgraph_callbacks.errors import InvalidInputError, MissingExtraError
from examsgraph_callbacks.experiments.comparing import Answer, Ask, Asked
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain.handler import ExamsGraphCallbackHandler

__all__ = ["asking", "chat_model", "judging"]


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


def judging(model: BaseChatModel, journal: Journal) -> Callable[[str], str]:
    """Has the model judge; its calls are recorded too."""
    chain = model | StrOutputParser()

    def ask(prompt: str) -> str:
        with tutoring(task_type="prompt_judging"):
            return chain.invoke(prompt, {"callbacks": [ExamsGraphCallbackHandler(journal)]})

    return ask
