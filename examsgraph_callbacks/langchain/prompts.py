"""An experiment's prompts as LangChain's prompt templates."""

from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableLambda

from examsgraph_callbacks.experiments import PromptHandout

__all__ = ["chat_prompt_templates", "handed_out_prompt"]

MessageLike = tuple[str, str] | str | BaseMessage
"""What `ChatPromptTemplate` takes for a message, such as `("human", "{message}")`."""


def chat_prompt_templates(handout: PromptHandout, *messages: MessageLike) -> dict[str, ChatPromptTemplate]:
    """Each variant's text as the system message, followed by `messages`; by the variants' names."""
    return {
        name: ChatPromptTemplate([("system", text), *messages])
        for name, text in handout.experiment.variants.items()
    }


def handed_out_prompt(
    handout: PromptHandout, *messages: MessageLike
) -> Runnable[dict[str, Any], PromptValue]:
    """A prompt for a chain, built once: each run formats the variant of its learner, which is on record.

    The learner is that of the surrounding `handout.tutoring()`, which has the turn's calls carry the
    variant; where nobody said who it is, it is the control's, and nothing is recorded.
    """
    templates = chat_prompt_templates(handout, *messages)

    def handed_out(values: dict[str, Any]) -> PromptValue:
        given = handout.current()
        if given is None:
            return templates[handout.experiment.control].invoke(values)
        given.use()
        return templates[given.variant].invoke(values)

    return RunnableLambda(handed_out, name=f"{handout.experiment.name} prompt")
