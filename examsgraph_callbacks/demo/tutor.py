"""The tutor: an ordinary LangChain chain that knows nothing of being watched."""

from collections.abc import Sequence
from operator import itemgetter

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompt_values import PromptValue
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableBranch, RunnableLambda, RunnablePassthrough

from examsgraph_callbacks.demo.models import TutorModels
from examsgraph_callbacks.demo.questions import Question

__all__ = ["TutorInput", "tutor_chain", "wrong_answer"]

TutorInput = dict[str, str]
"""The learner's `message`, and the `question` (its text) where one was missed."""

_LONG_MESSAGE = 50

_HUMAN = ("human", "{message}")
_GREET_SYSTEM = "당신은 친절한 데이터베이스 튜터입니다. 학생의 인사에 한두 문장으로 답하세요."
_EXPLAIN_SYSTEM = """당신은 친절한 데이터베이스 튜터입니다.
학생이 왜 틀렸는지, 아래 개념들을 근거로 다섯 문장 안에서 설명하세요.

{concepts}"""


def tutor_chain(retriever: BaseRetriever, models: TutorModels) -> Runnable[TutorInput, str]:
    """Retriever → prompt → a model chosen by difficulty → text; a greeting needs no retriever."""
    concepts = itemgetter("question") | retriever | _as_text
    greet = ChatPromptTemplate([("system", _GREET_SYSTEM), _HUMAN])
    explain = RunnablePassthrough.assign(concepts=concepts) | ChatPromptTemplate(
        [("system", _EXPLAIN_SYSTEM), _HUMAN],
    )
    prompt = RunnableBranch[TutorInput, PromptValue]((lambda turn: "question" in turn, explain), greet)

    def choose_model(prompt: PromptValue) -> BaseChatModel:
        # The flaw to be found in the report: what is long passes for difficult, and so do long greetings.
        message = str(prompt.to_messages()[-1].content)
        return models.large if len(message) > _LONG_MESSAGE else models.small

    chain = prompt | RunnableLambda(choose_model) | StrOutputParser()
    return chain.with_config(run_name="DatabaseTutor")


def wrong_answer(question: Question) -> TutorInput:
    """What a learner who missed `question` asks the tutor."""
    message = (
        f"문제: {question.question}\n내가 고른 답: {question.user_answer}\n정답: {question.correct_answer}\n"
        "왜 틀렸는지 설명해 주세요."
    )
    return {"message": message, "question": question.question}


def _as_text(documents: Sequence[Document]) -> str:
    return "\n".join(f"- {document.metadata['concept']}: {document.page_content}" for document in documents)
