"""A learner's prompt as a LlamaIndex template, which is on record once it is taken."""

from pathlib import Path

from examsgraph_callbacks.events import Exposure
from examsgraph_callbacks.experiments import PromptExperiment, PromptHandout
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.llama_index import handed_out_prompt

TONE = PromptExperiment("tone", {"strict": "엄격한 교수.", "kind": "친절한 코치."})


def test_it_is_the_learners_variant(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with PromptHandout(TONE, journal).tutoring(user_id="user_001") as given:
        messages = handed_out_prompt(given).format_messages(query_str="왜 틀렸나요?")
    assert [message.content for message in messages] == [TONE.variants[given.variant], "왜 틀렸나요?"]
    assert [fact.prompt_variant for fact in journal.read() if isinstance(fact, Exposure)] == [given.variant]
