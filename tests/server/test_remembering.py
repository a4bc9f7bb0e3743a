"""Many who look at one page cost one question, and a slow question is not asked again and again."""

import asyncio
import gc

import pytest

from examsgraph_callbacks.server.remembering import _BESIDE_BYTES, Remembered

SIZE = 1000
MANY = 50
ROOM = MANY * (SIZE + _BESIDE_BYTES)


class Asked:
    """Counts how often it is worked out; each takes `seconds` by a clock of its own."""

    def __init__(self, seconds: float = 1.0, most_bytes: int = 10**9) -> None:
        self.now = 100.0
        self.seconds = seconds
        self.times = 0
        self.is_behind = False
        self.remembered: Remembered[int] = Remembered(lambda _answer: SIZE, most_bytes, lambda: self.now)

    async def work(self) -> int:
        await asyncio.sleep(0)
        self.times += 1
        self.now += self.seconds
        return self.times

    async def get(self, mark: str, asked: str = "costs") -> int:
        answer, self.is_behind = await self.remembered.get(asked, mark, self.work)
        return answer


async def test_while_the_journal_stays_as_it_is_a_question_is_worked_out_once() -> None:
    asked = Asked()
    assert [await asked.get("a") for _ in range(3)] == [1, 1, 1]
    asked.now += 1e6
    assert await asked.get("a") == 1
    assert await asked.get("a", "routes") == 2


async def test_when_the_journal_changed_it_is_worked_out_again_once_it_has_rested() -> None:
    asked = Asked(seconds=2.0)
    await asked.get("a")
    asked.now += 39
    assert await asked.get("b") == 1, "2 seconds of work hold for 40"
    assert asked.is_behind
    asked.now += 1
    assert await asked.get("b") == 2
    assert not asked.is_behind


async def test_who_asks_meanwhile_waits_for_the_same_work() -> None:
    asked = Asked()
    assert await asyncio.gather(*(asked.get("a") for _ in range(50))) == [1] * 50
    assert asked.times == 1


async def test_a_failure_is_told_to_all_who_wait_and_not_remembered() -> None:
    remembered: Remembered[int] = Remembered(lambda _answer: SIZE)
    fails = True

    async def work() -> int:
        await asyncio.sleep(0)
        if fails:
            raise ValueError("not now")
        return 1

    told = await asyncio.gather(*(remembered.get("x", "a", work) for _ in range(3)), return_exceptions=True)
    assert [str(each) for each in told] == ["not now"] * 3
    fails = False
    assert await remembered.get("x", "a", work) == (1, False)


async def test_one_who_gives_up_takes_it_from_nobody() -> None:
    asked = Asked()
    first = asyncio.ensure_future(asked.get("a"))
    second = asyncio.ensure_future(asked.get("a"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 1


async def test_what_is_worked_out_anew_is_not_the_first_to_be_given_up() -> None:
    asked = Asked(seconds=0.0, most_bytes=ROOM)
    for number in range(MANY):
        await asked.get("a", f"{number}")
    await asked.get("b", "0")
    await asked.get("b", "one too many")
    times = asked.times
    await asked.get("b", "0")
    assert asked.times == times


async def test_however_much_is_asked_answers_take_no_more_memory_than_they_may() -> None:
    asked = Asked(most_bytes=ROOM)
    for number in range(10 * MANY):
        await asked.get("a", f"{number}")
        assert asked.remembered.bytes <= ROOM
    times = asked.times
    await asked.get("a", f"{10 * MANY - 1}")
    await asked.get("a", f"{9 * MANY}")
    assert asked.times == times, "those that were asked for last are there"


async def test_an_answer_larger_than_all_that_may_be_kept_is_told_and_is_not_behind() -> None:
    asked = Asked(most_bytes=SIZE)
    assert await asked.get("a") == 1
    assert not asked.is_behind
    assert asked.remembered.bytes == 0
    assert await asked.get("a") == 2


async def test_a_failure_that_nobody_waits_for_any_more_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    remembered: Remembered[int] = Remembered(lambda _answer: SIZE)
    going = asyncio.Event()

    async def work() -> int:
        await going.wait()
        raise ValueError("not now")

    waiting = asyncio.ensure_future(remembered.get("x", "a", work))
    await asyncio.sleep(0)
    waiting.cancel()
    going.set()
    await asyncio.wait([waiting])
    await asyncio.sleep(0)
    gc.collect()
    assert "never retrieved" not in caplog.text
