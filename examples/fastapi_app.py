r"""A FastAPI application with a tutor and the router: learners ask and react, the team asks what was missed.

    OPENAI_API_KEY=sk-… python examples/fastapi_app.py     # pip install 'examsgraph-callbacks[server,openai]'
    python examples/offline.py fastapi_app.py              # without a key

    curl 'http://127.0.0.1:8000/explain?session_id=s_1&question_id=q_001'
    curl http://127.0.0.1:8000/v1/mlflow/log-user-feedback -H 'Content-Type: application/json' \
        -d '{"session_id": "s_1", "question_id": "q_001", "feedback_type": "thumbs_down"}'
    curl http://127.0.0.1:8000/v1/mlflow/analytics/top-failed-concepts

It listens on PORT (8000), on this machine alone; with EXAMSGRAPH_API_TOKENS set the router asks for a token.
The concept graph is walked in memory, or in Neo4j where NEO4J_URI (and NEO4J_PASSWORD) is set.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, HTTPException
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_openai import ChatOpenAI

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.demo.concept_graph import open_graph
from examsgraph_callbacks.demo.embeddings import QuestionVectors
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler, GraphPathRetriever
from examsgraph_callbacks.server import router

QUESTIONS = {question.question_id: question for question in load_questions()}
SYSTEM = "당신은 친절한 코치입니다. 왜 틀렸는지 아래 개념들을 근거로 설명하세요.\n{concepts}"

handler = ExamsGraphCallbackHandler()


def as_text(documents: list[Document]) -> str:
    """The concepts as the model reads them."""
    return "\n".join(f"- {document.page_content}" for document in documents)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The graph is open for as long as the application runs."""
    with open_graph() as (graph, _):
        retriever = GraphPathRetriever(graph=graph, embeddings=QuestionVectors(QUESTIONS.values()))
        given = {"concepts": retriever | as_text, "question": RunnablePassthrough()}
        prompt = ChatPromptTemplate([("system", SYSTEM), ("human", "{question}")])
        app.state.chain = given | prompt | ChatOpenAI(model="gpt-4o-mini") | StrOutputParser()
        yield


app = FastAPI(title="A tutor", lifespan=lifespan)
app.include_router(router)  # the one line: /v1/mlflow/… and its documentation, at /docs


@app.get("/explain")
async def explain(session_id: str, question_id: str) -> dict[str, str]:
    """Explain to a learner why an answer was wrong."""
    if question_id not in QUESTIONS:
        raise HTTPException(404, f"expected one of {', '.join(QUESTIONS)}")
    missed = QUESTIONS[question_id]
    # what the learner says of it later finds this turn by session and question
    with tutoring(session_id=session_id, question_id=question_id, wrong_concept=missed.wrong_concept):
        said = await app.state.chain.ainvoke(missed.question, config={"callbacks": [handler]})
    return {"explanation": said}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
