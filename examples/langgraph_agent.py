"""A LangGraph agent that looks concepts up by a tool: each call with its node, its tokens and what it cost.

    OPENAI_API_KEY=sk-… python examples/langgraph_agent.py       # pip install langchain langchain-openai
    python examples/offline.py langgraph_agent.py                # without a key

The concept graph is walked in memory, or in Neo4j where NEO4J_URI (and NEO4J_PASSWORD) is set.
"""

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.demo.concept_graph import open_graph
from examsgraph_callbacks.demo.embeddings import QuestionVectors
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.events import Exploration, LLMCall
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler, GraphPathRetriever
from examsgraph_callbacks.measure import Meter

QUESTIONS = load_questions()
MISSED = QUESTIONS[1]  # which normal form removes partial functional dependencies?

handler = ExamsGraphCallbackHandler()

with open_graph() as (graph, _):
    retriever = GraphPathRetriever(graph=graph, embeddings=QuestionVectors(QUESTIONS))

    @tool
    def look_up_concepts(question_id: str) -> str:
        """Look up the concepts behind the exam question with that id."""
        question = next(each for each in QUESTIONS if each.question_id == question_id)
        return "\n".join(document.page_content for document in retriever.invoke(question.question))

    agent = create_agent(
        ChatOpenAI(model="gpt-4o"),
        [look_up_concepts],
        system_prompt="당신은 데이터베이스 튜터입니다. 개념을 찾아보고 설명하세요.",
    )
    message = (
        f"{MISSED.question_id}에서 '{MISSED.user_answer}'을 골라 틀렸습니다. "
        f"정답은 왜 '{MISSED.correct_answer}'인가요?"
    )
    with tutoring(user_id="user_001", question_id=MISSED.question_id, task_type="complex_reasoning"):
        answered = agent.invoke({"messages": [HumanMessage(message)]}, {"callbacks": [handler]})

print(answered["messages"][-1].content, end="\n\n")
meter = Meter()
for fact in handler.journal.read():
    if isinstance(fact, LLMCall):
        call = meter.measure(fact)
        print(f"{fact.langgraph_node}: {fact.served_model}, {call.total_tokens} tokens, ${call.cost_usd}")
    elif isinstance(fact, Exploration):
        followed = sum(hop.verdict == "followed" for hop in fact.hops)
        print(f"look_up_concepts: {len(fact.hops)} hops looked at, {followed} followed")

print(f"\nRecorded in {handler.journal.path}: see it with  examsgraph report")
