"""An experiment's prompts as LlamaIndex's prompt templates."""

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.prompts import ChatPromptTemplate

from examsgraph_callbacks.experiments import HandedOut

__all__ = ["handed_out_prompt"]


def handed_out_prompt(given: HandedOut, user: str = "{query_str}") -> ChatPromptTemplate:
    """The learner's prompt as the system message, followed by the template of the user's.

    `given` is what `handout.tutoring()` gives. To take it is to use it: that is on record.
    """
    return ChatPromptTemplate(
        [
            ChatMessage(role=MessageRole.SYSTEM, content=given.use()),
            ChatMessage(role=MessageRole.USER, content=user),
        ],
    )
