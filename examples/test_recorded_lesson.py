"""A test of a tutor that needs no key, no server and no network: it is played from a recording.

    pytest examples/test_recorded_lesson.py

To record it again, against a real provider:

    OPENAI_API_KEY=sk-… pytest examples/test_recorded_lesson.py --examsgraph-record=rewrite

The recording beside it was made with a stand-in for OpenAI's server, so its answer is a canned one.
"""

import pytest
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_openai import ChatOpenAI

from examsgraph_callbacks.demo.concept_graph import open_graph
from examsgraph_callbacks.demo.embeddings import QuestionVectors
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.langchain import GraphPathRetriever
from examsgraph_callbacks.pytest_plugin.recorded_test import RecordedTest

QUESTION = "정규화의 목적으로 가장 알맞은 것은?"


def explain(question: str) -> str:
    """The application: nothing of it knows that it is tested."""
    prompt = ChatPromptTemplate(
        [("system", "아래 개념들을 근거로 설명하세요.\n{concepts}"), ("human", "{question}")],
    )
    with open_graph() as (graph, _):
        vectors = QuestionVectors(load_questions())
        retriever = GraphPathRetriever(graph=graph, embeddings=vectors, beam_width=1)
        given = {"concepts": retriever | _as_text, "question": RunnablePassthrough()}
        return str((given | prompt | ChatOpenAI(model="gpt-4o-mini")).invoke(question).content)


def _as_text(documents: list[Document]) -> str:
    return "\n".join(f"- {document.page_content}" for document in documents)


@pytest.mark.examsgraph_recording("recordings/lesson.egrec.jsonl")
def test_the_answer_rests_on_the_path_and_costs_next_to_nothing(examsgraph_recording: RecordedTest) -> None:
    """The marker does all of it; the fixture is asked for its assertions."""
    assert "중복" in explain(QUESTION)
    examsgraph_recording.assert_path(["정규화", "제1정규형", "이상현상", "SQL 문법"])
    examsgraph_recording.assert_costs(max_usd=0.001, max_calls=1)
