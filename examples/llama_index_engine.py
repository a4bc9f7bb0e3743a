"""A LlamaIndex query engine over the concept graph: one line attaches what records it.

    OPENAI_API_KEY=sk-… python examples/llama_index_engine.py    # pip install llama-index-llms-openai
    python examples/offline.py llama_index_engine.py             # without a key

The concept graph is walked in memory, or in Neo4j where NEO4J_URI (and NEO4J_PASSWORD) is set.
"""

from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.llms.openai import OpenAI

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.demo.concept_graph import open_graph
from examsgraph_callbacks.demo.embeddings import QuestionVectors
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.events import Exploration, LLMCall
from examsgraph_callbacks.graph import draw_path
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler, GraphPathRetriever
from examsgraph_callbacks.measure import Meter, measure_path

QUESTIONS = load_questions()
MISSED = QUESTIONS[8]  # what is it called when two transactions wait for each other?

handler = ExamsGraphEventHandler()
handler.attach()  # for all of LlamaIndex in this process, from here on

with open_graph() as (graph, _):
    engine = RetrieverQueryEngine.from_args(
        # any embedding model of LlamaIndex or LangChain: here the vectors that come with the demo
        GraphPathRetriever(graph, QuestionVectors(QUESTIONS)),
        llm=OpenAI(model="gpt-4o-mini"),
    )
    with tutoring(user_id="user_001", question_id=MISSED.question_id, wrong_concept=MISSED.wrong_concept):
        answer = engine.query(MISSED.question)

print(answer)
for node in answer.source_nodes:
    print(f"  {node.score:.2f} {node.metadata['concept']}")

meter = Meter()
for fact in handler.journal.read():
    if isinstance(fact, Exploration):
        found = measure_path(fact)
        print(f"\n{draw_path(found.path, strange=[each.hop for each in found.anomalous_hops or ()])}")
    elif isinstance(fact, LLMCall):
        call = meter.measure(fact)
        print(f"\n{fact.served_model}: {call.total_tokens} tokens, ${call.cost_usd}")

print(f"\nRecorded in {handler.journal.path}: see it with  examsgraph report")
