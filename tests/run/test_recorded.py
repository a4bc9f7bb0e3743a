"""A real application, unchanged: each call of its threads, tasks and Python processes is recorded once."""

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
