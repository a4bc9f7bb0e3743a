"""A LangChain tutor with the handler attached: what a turn cost, and which way it went through the graph.

    OPENAI_API_KEY=sk-… python examples/langchain_tutor.py       # pip install 'examsgraph-callbacks[openai]'
    python examples/offline.py langchain_tutor.py                # without a key

The concept graph is walked in memory, or in Neo4j where NEO4J_URI (and NEO4J_PASSWORD) is set.
"""

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_openai import ChatOpenAI

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.demo.concept_graph import open_graph
from examsgraph_callbacks.demo.embeddings import QuestionVectors
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.events import Exploration, LLMCall
from examsgraph_callbacks.graph import draw_path
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler, GraphPathRetriever
from examsgraph_callbacks.measure import Meter, measure_path

QUESTION = "정규화의 목적으로 가장 알맞은 것은?"


def as_text(documents: list[Document]) -> str:
    """The concepts as the model reads them."""
    return "\n".join(f"- {document.metadata['concept']}: {document.page_content}" for document in documents)


SYSTEM = "당신은 친절한 코치입니다. 아래 개념들을 근거로 설명하세요.\n{concepts}"
prompt = ChatPromptTemplate([("system", SYSTEM), ("human", "{question}")])
handler = ExamsGraphCallbackHandler()  # the one line; it writes to ./.examsgraph/journal

with open_graph() as (graph, where):
    # the demo's questions come with their vectors; yours come from an embedding model
    retriever = GraphPathRetriever(graph=graph, embeddings=QuestionVectors(load_questions()), beam_width=1)
    given = {"concepts": retriever | as_text, "question": RunnablePassthrough()}
    chain = given | prompt | ChatOpenAI(model="gpt-4o-mini") | StrOutputParser()

    print(f"{where}\n")
    with tutoring(user_id="user_001", question_id="q_001", wrong_concept="정규화"):
        print(chain.invoke(QUESTION, config={"callbacks": [handler], "run_name": "tutor"}))

meter = Meter()  # list prices
for fact in handler.journal.read():
    if isinstance(fact, Exploration):
        found = measure_path(fact)
        print(f"\n{draw_path(found.path, strange=[each.hop for each in found.anomalous_hops or ()])}")
    elif isinstance(fact, LLMCall):
        call = meter.measure(fact)
        print(f"\n{fact.served_model}: {call.total_tokens} tokens, ${call.cost_usd}")

print(f"\nRecorded in {handler.journal.path}: see it with  examsgraph report")
