"""Chains of real clients, recorded from a local server and played offline: the same answers and facts."""

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel, SecretStr

from examsgraph_callbacks.errors import RecordingError, ReplayMissError
from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain import ReplayChatModel
from examsgraph_callbacks.replay import Player
from tests.langchain.test_situations import acall, call
from tests.replay.played import NOWHERE, chat, cut, played, recorded_by, the_same
from tests.servers.openai_server import Answer, LedgerServer


def both(journals: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The facts of the first time, and of the replay."""
    return tuple(the_same(Journal(journals / name).read()) for name in ("live", "played"))  # type: ignore[return-value]


@tool
def look_up(concept: str) -> str:
    """Look a concept up."""
    return f"{concept}: 중복을 제거하는 과정"


def agent(model: ChatOpenAI | ReplayChatModel) -> Any:
    return create_agent(model, [look_up], system_prompt="당신은 데이터베이스 튜터입니다.")


def test_an_agent_with_tools(server: LedgerServer, tmp_path: Path) -> None:
    server.will(
        Answer(tool=("look_up", {"concept": "정규화"}), input_tokens=90, output_tokens=11),
        Answer("정규화는 중복을 없앱니다.", input_tokens=130, output_tokens=14, cached_tokens=64),
    )
    asked = {"messages": [("human", "정규화가 뭐예요?")]}
    first = agent(chat(server.url)).invoke(asked, recorded_by(tmp_path / "live"))
    recording = cut(tmp_path / "live", tmp_path / "agent.egrec.jsonl")

    with played(recording):
        again = agent(chat()).invoke(asked, recorded_by(tmp_path / "played"))
    assert [message.content for message in again["messages"]] == [
        message.content for message in first["messages"]
    ]
    assert again["messages"][1].tool_calls == first["messages"][1].tool_calls
    live, replayed = both(tmp_path)
    assert replayed == live

    stand_in = agent(ReplayChatModel(player=Player(recording), model="gpt-4o"))
    assert stand_in.invoke(asked)["messages"][-1].content == "정규화는 중복을 없앱니다."


def tutor(model: Runnable[LanguageModelInput, Any]) -> Runnable[Any, str]:
    prompt = ChatPromptTemplate([("system", "당신은 튜터입니다."), ("human", "{question}")])
    return prompt | model | StrOutputParser()


def test_a_streaming_chain(server: LedgerServer, tmp_path: Path) -> None:
    server.will(Answer("정규화는 중복을 제거합니다. 이상현상이 줄어듭니다.", reasoning_tokens=5))
    asked = {"question": "정규화가 뭐예요?"}
    first = "".join(tutor(chat(server.url)).stream(asked, recorded_by(tmp_path / "live")))
    recording = cut(tmp_path / "live", tmp_path / "stream.egrec.jsonl.gz")

    with played(recording):
        chunks = list(tutor(chat()).stream(asked, recorded_by(tmp_path / "played")))
    assert "".join(chunks) == first
    assert len([chunk for chunk in chunks if chunk]) == 5, "a word each"
    live, replayed = both(tmp_path)
    assert replayed == live

    async def stand_in() -> str:
        model = ReplayChatModel(player=Player(recording), model="gpt-4o")
        return "".join([chunk async for chunk in tutor(model).astream(asked)])

    assert asyncio.run(stand_in()) == first


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_how_long_claude_keeps_what_it_wrote(way: str, server: LedgerServer, tmp_path: Path) -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    asked = [
        ("system", [{"type": "text", "text": "당신은 튜터입니다.", "cache_control": mark}]),
        ("user", "?"),
    ]
    server.will(Answer(input_tokens=1000, cache_write_tokens=300, cache_write_1h_tokens=300))
    claude = ChatAnthropic(
        model="claude-haiku-4-5", base_url=server.root, api_key=SecretStr("not-a-key"), max_retries=0
    )
    list(getattr(claude, way)(asked, recorded_by(tmp_path / "live"), cache_control=mark))
    recording = cut(tmp_path / "live", tmp_path / "claude.egrec.jsonl")

    # how long the prompt is kept changes nothing of the answer: a stand-in need not be told
    stand_in = ReplayChatModel(player=Player(recording), model="claude-haiku-4-5")
    list(getattr(stand_in, way)(asked, recorded_by(tmp_path / "played")))
    for name in ("live", "played"):
        (call,) = Journal(tmp_path / name).read()
        assert isinstance(call, LLMCall)
        assert (call.cache_write_tokens, call.cache_write_1h_tokens) == (300, 300), name


@pytest.mark.parametrize("told", [True, False], ids=["the same", "a mark fewer"])
@pytest.mark.parametrize("way", ["stream", "astream", "astream_events"])
async def test_that_claude_did_not_tell_how_long(
    way: str, told: bool, server: LedgerServer, tmp_path: Path
) -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    asked = [
        ("system", [{"type": "text", "text": "당신은 튜터입니다.", "cache_control": mark}]),
        ("user", "?"),
    ]
    server.will(Answer(input_tokens=1000, cache_write_tokens=300, cache_write_1h_tokens=200))
    claude = ChatAnthropic(
        model="claude-haiku-4-5", base_url=server.root, api_key=SecretStr("not-a-key"), max_retries=0
    )
    minutes = {"cache_control": {"type": "ephemeral"}}
    await acall_or_call(way, claude.bind(**minutes), asked, recorded_by(tmp_path / "live"))
    recording = cut(tmp_path / "live", tmp_path / "claude.egrec.jsonl")

    stand_in = ReplayChatModel(player=Player(recording), model="claude-haiku-4-5", provider="anthropic")
    bound = stand_in.bind(**minutes if told else {})
    await acall_or_call(way, bound, asked, recorded_by(tmp_path / "played"))
    live, replayed = both(tmp_path)
    assert [fact["cache_write_split_open"] for fact in live] == [True]
    for fact in (*live, *replayed):
        del fact["name"], fact["request"]["parameters"]
    assert replayed == live


async def acall_or_call(way: str, runnable: Runnable[Any, Any], question: Any, config: Any) -> None:
    call(way, runnable, question, config)
    await acall(way, runnable, question, config)


async def test_an_async_batch_of_twenty_equal_prompts(server: LedgerServer, tmp_path: Path) -> None:
    server.will(*(Answer(f"답 {number}", output_tokens=number + 1) for number in range(20)))
    asked = [{"question": "같은 질문"}] * 20
    first = await tutor(chat(server.url)).abatch(asked, recorded_by(tmp_path / "live"))
    recording = cut(tmp_path / "live", tmp_path / "batch.egrec.jsonl")
    assert len(set(first)) == 20

    with played(recording) as player:
        again = await tutor(chat()).abatch(asked, recorded_by(tmp_path / "played"))
        with pytest.raises(ReplayMissError, match=r"at most 20 calls like this one.*one more"):
            await tutor(chat()).ainvoke(asked[0])
    assert again == first, "of equal prompts the first asked gets the first one's answer"
    live, replayed = both(tmp_path)
    assert replayed == live
    assert len(player.misses) == 1


def with_fallback(url: str) -> Runnable[Any, Any]:
    cheap = chat(url, model="gpt-4o-mini")
    return cheap.with_fallbacks([chat(url)], exceptions_to_handle=(openai.RateLimitError,))


def test_a_fallback_after_an_error(server: LedgerServer, tmp_path: Path) -> None:
    server.will(Answer(status=429), Answer("큰 모델의 답"))
    first = with_fallback(server.url).invoke("안녕", recorded_by(tmp_path / "live"))
    recording = cut(tmp_path / "live", tmp_path / "fallback.egrec.jsonl")

    with played(recording):
        again = with_fallback("http://127.0.0.1:9/v1").invoke("안녕", recorded_by(tmp_path / "played"))
    assert again.content == first.content == "큰 모델의 답"
    live, replayed = both(tmp_path)
    assert replayed == live
    assert len({fact["error_type"] for fact in live}) == 2


class Verdict(BaseModel):
    """What a learner missed."""

    concept: str
    understood: bool


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output(server: LedgerServer, tmp_path: Path, method: Any) -> None:
    filled = {"concept": "정규화", "understood": False}
    by_tool = method == "function_calling"
    server.will(
        Answer(tool=("Verdict", filled)) if by_tool else Answer('{"concept": "정규화", "understood": false}'),
    )
    model = chat(server.url).with_structured_output(Verdict, method=method)
    first = model.invoke("왜 틀렸나요? JSON으로.", recorded_by(tmp_path / "live"))
    recording = cut(tmp_path / "live", tmp_path / "structured.egrec.jsonl")

    with played(recording):
        again = (
            chat()
            .with_structured_output(Verdict, method=method)
            .invoke("왜 틀렸나요? JSON으로.", recorded_by(tmp_path / "played"))
        )
    assert again == first == Verdict(concept="정규화", understood=False)
    live, replayed = both(tmp_path)
    assert replayed == live

    stand_in = ReplayChatModel(player=Player(recording), model="gpt-4o")
    assert stand_in.with_structured_output(Verdict, method=method).invoke("왜 틀렸나요? JSON으로.") == first


def test_a_stream_that_broke_off_breaks_off_again(server: LedgerServer, tmp_path: Path) -> None:
    server.will(Answer("정규화는 중복을 제거합니다.", cut_after=3))
    with pytest.raises(Exception, match="incomplete chunked read"):
        list(chat(server.url).stream("정규화?", recorded_by(tmp_path / "live")))
    recording = cut(tmp_path / "live", tmp_path / "broken.egrec.jsonl")
    with played(recording), pytest.raises(Exception, match="incomplete chunked read"):
        list(chat().stream("정규화?", recorded_by(tmp_path / "played")))
    live, replayed = both(tmp_path)
    assert replayed == live
    assert live[0]["status"] == "partial"


def test_several_choices(server: LedgerServer, tmp_path: Path) -> None:
    server.will(Answer("두 답", choices=2))
    first = chat(server.url, n=2).generate([[HumanMessage("?")]], **recorded_by(tmp_path / "live"))
    recording = cut(tmp_path / "live", tmp_path / "choices.egrec.jsonl")
    with played(recording):
        again = chat(n=2).generate([[HumanMessage("?")]], **recorded_by(tmp_path / "played"))
    assert [one.text for one in again.generations[0]] == [one.text for one in first.generations[0]]
    live, replayed = both(tmp_path)
    assert replayed == live


def test_a_miss_names_the_nearest_recording_and_the_first_difference(
    server: LedgerServer, tmp_path: Path
) -> None:
    for question in ("정규화가 뭐예요?", "SQL이 뭐예요?"):
        tutor(chat(server.url)).invoke({"question": question}, recorded_by(tmp_path / "live"))
    recording = cut(tmp_path / "live", tmp_path / "lesson.egrec.jsonl")
    calls = [fact for fact in Journal(tmp_path / "live").read() if isinstance(fact, LLMCall)]
    requests = len(server.requests)
    with played(recording) as player:
        with pytest.raises(ReplayMissError) as missed:
            tutor(chat(server.url)).invoke({"question": "정규형이 뭐예요?"})
        with pytest.raises(ReplayMissError, match=r"model differs: recorded 'gpt-4o', asked 'gpt-4o-mini'"):
            tutor(chat(server.url, model="gpt-4o-mini")).invoke({"question": "정규화가 뭐예요?"})
        with pytest.raises(ReplayMissError, match=r"parameters.temperature differs: recorded nothing, asked"):
            tutor(chat(server.url, temperature=0.3)).invoke({"question": "정규화가 뭐예요?"})
    said = str(missed.value)
    assert calls[0].event_id in said
    assert "messages[1].content differs: recorded '정규화가 뭐예요?', asked '정규형이 뭐예요?'" in said
    assert "lesson.egrec.jsonl" in said
    assert len(player.misses) == 3
    assert len(server.requests) == requests, "nothing went to the network"


def test_when_it_is_over_models_ask_their_provider_again(server: LedgerServer, tmp_path: Path) -> None:
    chat(server.url).invoke("하나", recorded_by(tmp_path / "live"))
    before = dict(vars(ChatOpenAI)), ChatOpenAI._generate
    with played(cut(tmp_path / "live", tmp_path / "one.egrec.jsonl")):
        assert chat().invoke("하나").content
        assert ChatOpenAI._generate is not before[1]
    assert (dict(vars(ChatOpenAI)), ChatOpenAI._generate) == before
    assert chat(server.url).invoke("둘").content


def test_with_a_pace_it_takes_as_long_as_it_took(
    server: LedgerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(chat(server.url).stream("하나", recorded_by(tmp_path / "live")))
    (call,) = Journal(tmp_path / "live").read()
    assert isinstance(call, LLMCall)
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    player = Player(cut(tmp_path / "live", tmp_path / "one.egrec.jsonl"), pace=2.0)
    list(ReplayChatModel(player=player, model="gpt-4o").stream("하나"))
    assert call.time_to_first_token_ms is not None
    assert slept[0] == pytest.approx(2 * call.time_to_first_token_ms / 1000)
    assert sum(slept) == pytest.approx(2 * call.latency_ms / 1000)


PICTURE: list[str | dict[Any, Any]] = [
    {"type": "text", "text": "이 ERD를 설명해 주세요."},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
]


def test_pictures_and_tools_with_their_choice_are_compared_as_they_were_sent(
    server: LedgerServer, tmp_path: Path
) -> None:
    server.will(Answer("개체 셋입니다."), Answer(tool=("look_up", {"concept": "ERD"})))

    def asked(url: str, journal: str) -> list[Any]:
        config = recorded_by(tmp_path / journal)
        bound = chat(url).bind_tools([look_up], tool_choice="any", parallel_tool_calls=False)
        return [
            chat(url).invoke([HumanMessage(PICTURE)], config).content,
            bound.invoke("ERD?", config, stop=["끝"]).tool_calls,
        ]

    first = asked(server.url, "live")
    with played(cut(tmp_path / "live", tmp_path / "lesson.egrec.jsonl")):
        assert asked(NOWHERE, "played") == first
    live, replayed = both(tmp_path)
    assert replayed == live


def test_a_stand_in_that_is_told_its_sampling_compares_it(server: LedgerServer, tmp_path: Path) -> None:
    chat(server.url, temperature=0.3).invoke("하나", recorded_by(tmp_path / "live"))
    player = Player(cut(tmp_path / "live", tmp_path / "one.egrec.jsonl"))
    warm = ReplayChatModel(player=player, model="gpt-4o", parameters={"temperature": 0.9})
    with pytest.raises(ReplayMissError, match=r"parameters\.temperature differs: recorded 0\.3, asked 0\.9"):
        warm.invoke("하나")
    assert (
        ReplayChatModel(player=player, model="gpt-4o", parameters={"temperature": 0.3}).invoke("하나").content
    )


def test_completion_models_are_refused_and_do_not_reach_the_network(
    server: LedgerServer, tmp_path: Path
) -> None:
    chat(server.url).invoke("하나", recorded_by(tmp_path / "live"))
    model = OpenAI(model="gpt-3.5-turbo-instruct", base_url=server.url, api_key=SecretStr("x"), max_retries=0)
    with (
        played(cut(tmp_path / "live", tmp_path / "one.egrec.jsonl")),
        pytest.raises(RecordingError, match="found OpenAI, a completion model"),
    ):
        model.invoke("둘")
