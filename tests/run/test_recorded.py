"""A real application, unchanged: each call of its threads, tasks and Python processes is recorded once."""

import signal
import sys
from collections import Counter

from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from tests.run.conftest import RECORDED, Directory
from tests.servers.openai_server import Answer, LedgerServer

APPLICATION = """
    import asyncio
    import multiprocessing
    import os
    import subprocess
    import sys
    import threading
    from concurrent.futures import ThreadPoolExecutor

    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    model = ChatOpenAI(model="gpt-4o-mini", max_retries=0)


    def ask(question):
        return model.invoke(question).content


    async def ask_at_once(questions):
        await asyncio.gather(*(model.ainvoke(question) for question in questions))


    def ask_in_a_process(way):
        process = multiprocessing.get_context(way).Process(target=ask, args=(way,))
        process.start()
        process.join()
        assert process.exitcode == 0


    if __name__ == "__main__":
        if sys.argv[1:] == ["as a subprocess"]:
            os.chdir("/")
            ask("subprocess")
            sys.exit()
        ask("main")
        ask_in_a_process("fork")
        ask_in_a_process("spawn")
        thread = threading.Thread(target=ask, args=("thread",))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(ask, ["pool"] * 5))
        asyncio.run(ask_at_once(["task"] * 4))
        OpenAIEmbeddings(check_embedding_ctx_length=False).embed_query("정규화란?")
        subprocess.run([sys.executable, __file__, "as a subprocess"], check=True)
        print("끝", sys.argv[1:])
        sys.exit(7)
"""


def test_every_call_of_every_thread_task_and_process_is_in_the_journal_once(directory: Directory) -> None:
    directory.write("app.py", APPLICATION)
    with LedgerServer() as server:
        server.will(*(Answer(input_tokens=number) for number in range(1, 40)))
        ended = directory.run(
            [*RECORDED, "app.py", "--port", "8000", "--help"],
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="not-a-key",
        )

    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "끝 ['--port', '8000', '--help']\n", "")
    calls = [fact for fact in directory.journal.read() if isinstance(fact, LLMCall | EmbeddingCall)]
    assert sorted((call.served_model, call.input_tokens) for call in calls) == sorted(
        (bill.model, bill.input_tokens) for bill in server.ledger
    )
    asked = Counter(
        str(call.request.messages[0].content)
        for call in calls
        if isinstance(call, LLMCall) and call.request is not None
    )
    assert asked == {"main": 1, "fork": 1, "spawn": 1, "thread": 1, "pool": 5, "task": 4, "subprocess": 1}


def test_a_command_on_path_is_recorded(directory: Directory) -> None:
    directory.write(
        "test_tutor.py",
        """
        from langchain_core.language_models import FakeListChatModel

        def test_tutor():
            assert FakeListChatModel(responses=["중복 제거"]).invoke("정규화란?").content == "중복 제거"
        """,
    )
    scripts = sys.executable.rpartition("/")[0]
    ended = directory.run([*RECORDED, "pytest", "-q", "-p", "no:asyncio"], PATH=f"{scripts}:/usr/bin")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "1 passed" in ended.stdout
    assert [fact.kind for fact in directory.journal.read()] == ["llm_call"]


def test_a_module_is_recorded(directory: Directory) -> None:
    directory.write(
        "tutor/__main__.py",
        """
        import sys
        from langchain_core.language_models import FakeListChatModel
        print(FakeListChatModel(responses=["!"]).invoke(sys.argv[1]).content)
        """,
    )
    ended = directory.run([*RECORDED, "-m", "tutor", "-m"])

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "!\n", "")
    (call,) = directory.journal.read()
    assert isinstance(call, LLMCall)
    assert call.request is not None
    assert call.request.messages[0].content == "-m"


def test_an_application_that_switches_autolog_itself_is_recorded_as_it_says(directory: Directory) -> None:
    directory.write(
        "app.py",
        """
        from langchain_core.language_models import FakeListChatModel
        from examsgraph_callbacks import autolog
        model = FakeListChatModel(responses=["!"])
        model.invoke("1")
        autolog(user_id="user_001")
        model.invoke("2")
        autolog(disable=True)
        model.invoke("3")
        """,
    )
    ended = directory.run([*RECORDED, "app.py"])

    assert (ended.returncode, ended.stderr) == (0, "")
    assert [call.user_id for call in directory.journal.read()] == [None, "user_001"]


WAYS_TO_START_A_PROCESS = """
    import os
    import shlex
    import subprocess
    import sys
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from langchain_core.language_models import FakeListChatModel


    def ask(question):
        return FakeListChatModel(responses=["!"]).invoke(question).content


    ASK = "from app import ask; ask('{}')"

    if __name__ == "__main__":
        if sys.argv[1:] == ["as another program"]:
            ask("execv")
            sys.exit(3)
        for way in ("fork", "spawn", "forkserver"):
            with ProcessPoolExecutor(2, mp_context=get_context(way)) as pool:
                assert list(pool.map(ask, [f"pool of {way}"] * 3)) == ["!"] * 3
        child = os.fork()
        if child == 0:
            ask("os.fork")
            os._exit(0)
        os.waitpid(child, 0)
        subprocess.run([sys.executable, "-c", ASK.format("-c")], check=True)
        os.system(shlex.join([sys.executable, "-c", ASK.format("a shell")]))
        subprocess.run([sys.executable, "-"], input=ASK.format("stdin"), text=True, check=True)
        os.execv(sys.executable, [sys.executable, __file__, "as another program"])
"""


def test_so_is_each_call_of_a_process_in_whatever_way_it_is_started(directory: Directory) -> None:
    directory.write("app.py", WAYS_TO_START_A_PROCESS)
    ended = directory.run([*RECORDED, "app.py"], PYTHONPATH=str(directory.path))

    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "", "")
    calls = [fact for fact in directory.journal.read() if isinstance(fact, LLMCall)]
    asked = Counter(str(call.request.messages[0].content) for call in calls if call.request is not None)
    assert asked == {
        **{f"pool of {way}": 3 for way in ("fork", "spawn", "forkserver")},
        **dict.fromkeys(("os.fork", "-c", "a shell", "stdin", "execv"), 1),
    }


LLAMA_INDEX_APPLICATION = """
    import asyncio

    from llama_index.core import Settings
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai import OpenAI

    llm = OpenAI(
        model="gpt-4o-mini", max_retries=0, additional_kwargs={"stream_options": {"include_usage": True}}
    )


    def look_up(concept: str) -> str:
        \"\"\"Look a concept up.\"\"\"
        return concept


    async def main():
        print(await FunctionAgent(tools=[look_up], llm=llm).run("정규화란?"))
        async for _ in await llm.astream_chat([ChatMessage("이상현상은?")]):
            pass


    llm.complete("제1정규형은?")
    asyncio.run(main())
"""


def test_an_application_of_llama_index_is_recorded(directory: Directory) -> None:
    directory.write("app.py", LLAMA_INDEX_APPLICATION)
    with LedgerServer() as server:
        tool = Answer(tool=("look_up", {"concept": "정규화"}), input_tokens=2)
        server.will(Answer(input_tokens=1), tool, Answer(input_tokens=3), Answer(input_tokens=4))
        ended = directory.run([*RECORDED, "app.py"], OPENAI_API_BASE=server.url, OPENAI_API_KEY="not-a-key")

    assert (ended.returncode, ended.stdout) == (0, f"{Answer().text}\n"), ended.stderr
    calls = [fact for fact in directory.journal.read() if isinstance(fact, LLMCall)]
    assert [(call.served_model, call.input_tokens) for call in calls] == [
        (bill.model, bill.input_tokens) for bill in server.ledger
    ]
    assert [call.input_tokens for call in calls] == [1, 2, 3, 4]
    assert [call.streamed for call in calls] == [False, True, True, True]


def test_one_that_is_killed_has_what_had_returned_in_the_journal(directory: Directory) -> None:
    directory.write(
        "app.py",
        """
        import os, signal
        from langchain_core.language_models import FakeListChatModel
        model = FakeListChatModel(responses=["!"])
        for _ in range(10):
            model.invoke("?")
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert directory.run([*RECORDED, "app.py"]).returncode == -signal.SIGKILL
    assert len(list(directory.journal.read())) == 10


def test_settings_that_make_no_sense_are_told_and_the_application_goes_on(directory: Directory) -> None:
    directory.write(
        "app.py",
        """
        from langchain_core.language_models import FakeListChatModel
        print(FakeListChatModel(responses=["!"]).invoke("?").content)
        """,
    )
    for wrong in ({"EXAMSGRAPH_USER_KEY": "short"}, {"EXAMSGRAPH_DOCUMENT_LIMIT": "many"}):
        ended = directory.run([*RECORDED, "app.py"], **wrong)
        assert (ended.returncode, ended.stdout) == (0, "!\n")
        assert next(iter(wrong)) in ended.stderr or "document_limit" in ended.stderr
        assert "Traceback" not in ended.stderr
    # not recorded rather than recorded under names
    assert list(directory.journal.read()) == []
