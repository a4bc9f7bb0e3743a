"""A tutor chain with the handler attached: runs offline, with a scripted model and two documents.

python examples/langchain_tutor.py && examsgraph report
"""

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler


class Concepts(BaseRetriever):
    """Stands in for your retriever: any LangChain retriever is recorded."""

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
    ) -> list[Document]:
        return [
            Document(
                "중복을 줄이기 위해 릴레이션을 분해하는 과정", metadata={"score": 0.92, "concept": "정규화"}
            ),
            Document("원자값만 갖도록 한 정규형", metadata={"score": 0.85, "concept": "제1정규형"}),
        ]


prompt = ChatPromptTemplate.from_messages(
    [("system", "당신은 친절한 코치입니다.\n{concepts}"), ("human", "{question}")],
)
model = FakeListChatModel(responses=["아쉽네요! 정규화의 목적은 데이터 중복을 제거하는 것입니다."])
chain = (
    {"concepts": Concepts(), "question": RunnablePassthrough()} | prompt | model | StrOutputParser()
).with_config(run_name="tutor")

handler = ExamsGraphCallbackHandler()

with tutoring(user_id="user_001", question_id="q_001", task_type="complex_reasoning", wrong_concept="정규화"):
    print(chain.invoke("정규화의 목적은 무엇인가요?", config={"callbacks": [handler]}))

print(f"Recorded in {handler.journal.path}: see it with  examsgraph report")
