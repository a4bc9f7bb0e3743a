"""A chain built once gives each learner the prompt of their variant, and all of the turn carries it."""

import asyncio
from pathlib import Path

from langchain_core.output_parsers import StrOutputParser

from examsgraph_callbacks import Tracker
from examsgraph_callbacks.events import Exposure, Feedback, LLMCall, Trace
from examsgraph_callbacks.experiments import PromptExperiment, PromptHandout
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler, handed_out_prompt
from tests.langchain.models import ScriptedModel

TONE = PromptExperiment(
    "tone", {"strict": "엄격한 교수. 주제: {topic}", "kind": "친절한 코치. 주제: {topic}"}
)


def test_the_turns_facts_carry_the_variant_and_its_exposure_names_the_turn(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    handout = PromptHandout(TONE, journal)
    steps = handed_out_prompt(handout, ("human", "{message}")) | ScriptedModel() | StrOutputParser()
    chain = steps.with_config(callbacks=[ExamsGraphCallbackHandler(journal)])

    for number in range(8):
        with handout.tutoring(user_id=f"user_{number}", question_id="q_001"):
            chain.invoke({"message": "왜 틀렸나요?", "topic": "정규화"})
            Tracker(journal).log_user_feedback(feedback_type="thumbs_up")

    facts = [*journal.read()]
    variants = {f"user_{number}": TONE.assign(f"user_{number}").variant for number in range(8)}
    assert set(variants.values()) == {"strict", "kind"}
    for kind in (Exposure, LLMCall, Trace, Feedback):
        found = {fact.user_id: fact.prompt_variant for fact in facts if isinstance(fact, kind)}
        assert found == variants, kind
    traces = {fact.user_id: fact.trace_id for fact in facts if isinstance(fact, Trace)}
    assert {fact.user_id: fact.trace_id for fact in facts if isinstance(fact, Exposure)} == traces
    for call in (fact for fact in facts if isinstance(fact, LLMCall)):
        assert call.request is not None
        system = call.request.messages[0].content
        assert system == TONE.variants[variants[str(call.user_id)]].format(topic="정규화")


async def test_asynchronous_turns_side_by_side_keep_their_learners_apart(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    handout = PromptHandout(TONE, journal)
    steps = handed_out_prompt(handout, ("human", "{message}")) | ScriptedModel() | StrOutputParser()
    chain = steps.with_config(callbacks=[ExamsGraphCallbackHandler(journal)])

    async def turn(user_id: str) -> None:
        with handout.tutoring(user_id=user_id):
            await chain.ainvoke({"message": "왜?", "topic": "조인"})

    await asyncio.gather(*(turn(f"user_{number}") for number in range(8)))
    facts = [*journal.read()]
    for kind in (Exposure, LLMCall):
        found = {fact.user_id: fact.prompt_variant for fact in facts if isinstance(fact, kind)}
        assert found == {f"user_{number}": TONE.assign(f"user_{number}").variant for number in range(8)}
    traces = {fact.user_id: fact.trace_id for fact in facts if isinstance(fact, LLMCall)}
    assert {fact.user_id: fact.trace_id for fact in facts if isinstance(fact, Exposure)} == traces


def test_without_a_learner_it_is_the_controls_and_nothing_is_recorded(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    prompt = handed_out_prompt(PromptHandout(TONE, journal), ("human", "{message}"))
    messages = prompt.invoke({"message": "왜?", "topic": "조인"}).to_messages()
    assert messages[0].content == "엄격한 교수. 주제: 조인"
    assert [*journal.read()] == []
