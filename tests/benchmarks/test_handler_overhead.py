"""What the handler adds to each kind of run, beside a handler that does nothing, in one process."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManager, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessageChunk
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever

from examsgraph_callbacks.capture.clean import forget_documents
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.benchmarks.paired import machine, paired
from tests.journal.facts import llm_call
from tests.langchain.models import ScriptedModel

pytestmark = pytest.mark.benchmark

USAGE = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
ENGLISH = (
    "A relation is in third normal form when it is in second normal form and no non-prime attribute "
    "depends transitively on a key: for every functional dependency X -> A, X is a superkey or A is prime. "
    "Enrolment(student_id, course, teacher, room = 'B201') with 10 rows repeats the teacher's room. "
)
KOREAN = (
    "제3정규형은 이행적 함수 종속을 제거합니다. 이상현상은 삽입, 삭제, 갱신(10건)에서 나타납니다: X -> Y. "
)
PROMPT = "정규화의 목적으로 가장 알맞은 것은? " * 40
"""About 2.4 kB of UTF-8, a usual tutor prompt; each call has a number before it, so that it is a new one."""


class NoOp(BaseCallbackHandler):
    """Listens to everything and does nothing, in the handler's own way of being called."""

    run_inline = True

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None: ...
    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None: ...
    def on_llm_end(self, *args: Any, **kwargs: Any) -> None: ...
    def on_chain_start(self, *args: Any, **kwargs: Any) -> None: ...
    def on_chain_end(self, *args: Any, **kwargs: Any) -> None: ...
    def on_retriever_start(self, *args: Any, **kwargs: Any) -> None: ...
    def on_retriever_end(self, *args: Any, **kwargs: Any) -> None: ...


class Shelf(BaseRetriever):
    """Twenty documents of 20 kB."""

    documents: list[Document]

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
    ) -> list[Document]:
        return self.documents


Work = Callable[[Any], Callable[[int], None]]


def invoke(config: Any) -> Callable[[int], None]:
    model = ScriptedModel(usage=USAGE)

    def work(repetitions: int) -> None:
        for number in range(repetitions):
            model.invoke(f"{number}. {PROMPT}", config)

    return work


def ainvoke(config: Any) -> Callable[[int], None]:
    model = ScriptedModel(usage=USAGE)

    async def repeat(repetitions: int) -> None:
        for number in range(repetitions):
            await model.ainvoke(f"{number}. {PROMPT}", config)

    return lambda repetitions: asyncio.run(repeat(repetitions))


def chain_of_three(config: Any) -> Callable[[int], None]:
    prompt = ChatPromptTemplate.from_messages([("human", "{question}")])
    chain = prompt | ScriptedModel(usage=USAGE) | StrOutputParser()

    def work(repetitions: int) -> None:
        for number in range(repetitions):
            chain.invoke({"question": f"{number}. {PROMPT}"}, config)

    return work


def token(config: Any) -> Callable[[int], None]:
    manager = CallbackManager.configure(inheritable_callbacks=config["callbacks"])
    (run,) = manager.on_chat_model_start({}, [[]], run_id=uuid4())
    chunk = ChatGenerationChunk(message=AIMessageChunk(content="정규"))

    def work(repetitions: int) -> None:
        for _ in range(repetitions):
            run.on_llm_new_token("정규", chunk=chunk)

    return work


def streamed(config: Any) -> Callable[[int], None]:
    model = ScriptedModel(answer="정규화 " * 100, usage=USAGE)

    def work(repetitions: int) -> None:
        for number in range(repetitions):
            for _chunk in model.stream(f"{number}. {PROMPT}", config):
                pass

    return work


def retriever(sentence: str, length: int, *, seen_before: bool = True) -> Work:
    text = (sentence * (length // len(sentence) + 1))[:length]
    documents = [Document(page_content=f"{number}. {text}", metadata={"score": 0.9}) for number in range(20)]

    def work_with(config: Any) -> Callable[[int], None]:
        shelf = Shelf(documents=documents)

        def work(repetitions: int) -> None:
            for _ in range(repetitions):
                if not seen_before:
                    forget_documents()
                shelf.invoke("정규화", config)

        return work

    return work_with


@pytest.fixture
def handlers(tmp_path: Path) -> dict[str, list[BaseCallbackHandler]]:
    return {"no handler": [], "no-op": [NoOp()], "ExamsGraph": [ExamsGraphCallbackHandler(tmp_path)]}


@pytest.mark.parametrize(
    ("name", "work", "repetitions", "bar"),
    [
        ("invoke", invoke, 150, 100),
        ("ainvoke", ainvoke, 100, 100),
        ("chain of 3 steps", chain_of_three, 75, 150),
        ("streamed token", token, 10_000, 2),
        ("20 documents of 20 kB, letters", retriever("x", 20_000), 75, 150),
        ("20 documents of 20 kB, English", retriever(ENGLISH, 20_000), 75, 150),
        ("the same, never seen before", retriever(ENGLISH, 20_000, seen_before=False), 75, 150),
        ("20 documents of 20 kB, Korean", retriever(KOREAN, 8_000), 75, 150),
        ("the same, never seen before", retriever(KOREAN, 8_000, seen_before=False), 75, 150),
    ],
)
def test_overhead(
    name: str,
    work: Work,
    repetitions: int,
    bar: float,
    handlers: dict[str, list[BaseCallbackHandler]],
) -> None:
    variants = {label: work({"callbacks": callbacks}) for label, callbacks in handlers.items()}
    # of the thread's own time, so that a busy machine changes little
    # and in many short rounds, of which the machine's other guests do not disturb half
    timings = paired(
        variants, baseline="no-op", repetitions=repetitions, rounds=45, clock_ns=time.thread_time_ns
    )
    assert failures.counts() == {}, "a handler that fails is fast: these figures would be false"
    ours, no_op = timings["ExamsGraph"], timings["no-op"]
    print(  # noqa: T201
        f"\n{name:30} no-op {no_op.microseconds:8.2f} µs   ExamsGraph {ours.microseconds:8.2f} µs   "
        f"added {ours.added:7.2f} µs ({ours.added_low:.2f} to {ours.added_high:.2f})   "
        f"bar {bar} µs   {machine()}",
    )


def test_facts_a_second(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    fact = llm_call(question=PROMPT)
    fields = fact.model_dump()
    rates = []
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(10_000):
            journal.write(type(fact).model_validate(fields))
        rates.append(10_000 / (time.perf_counter() - began))
    size = len((journal.segments()[0]).read_bytes()) // 70_000
    print(  # noqa: T201
        f"\nfacts a second, validated, encoded and written, {size} bytes each: median "
        f"{sorted(rates)[3]:,.0f}, slowest {min(rates):,.0f}   bar 20,000   {machine()}",
    )
