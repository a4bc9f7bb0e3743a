"""Bodies that no report can be: wrong types, huge numbers, NaN, deep nesting, broken UTF-8, broken JSON."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.tracker.document import COMPARISON, COSTS, EXPLORATION, FEEDBACK

__all__ = ["REQUIRED", "malformed_bodies"]

BODIES: dict[str, dict[str, Any]] = {
    "trace-graph-exploration": EXPLORATION,
    "compare-prompts": COMPARISON,
    "log-user-feedback": FEEDBACK,
    "log-llm-cost": COSTS[1],
}

REQUIRED = {
    "trace-graph-exploration": ("wrong_concept", "graph_path"),
    "compare-prompts": ("prompt_variants", "generated_responses"),
    "log-user-feedback": ("feedback_type",),
    "log-llm-cost": ("model_name", "input_tokens", "output_tokens", "latency_ms"),
}
"""The fields without which there is no report."""

# none of these is right for any field of a report, wherever it stands
_NEVER_RIGHT: tuple[Callable[[random.Random], str], ...] = (
    lambda _: "true",
    lambda _: "NaN",
    lambda _: "-Infinity",
    lambda _: "1e999",
    lambda _: "-" + "9" * 400,
    lambda _: "9" * 5000,
    lambda chance: str(-chance.randint(7, 10**9)),
    lambda _: "[[[[]]]]",
    lambda chance: "[" * (depth := chance.randint(5, 3000)) + "]" * depth,
    lambda chance: '{"a":' * (depth := chance.randint(5, 3000)) + "1" + "}" * depth,
    lambda _: '"' + "가" * 100_001 + '"',
    lambda _: '"\\ud800"',
    lambda _: '{"__proto__": {"a": [1]}}',
)


def malformed_bodies(count: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """So many paths and bodies, the same ones for the same seed."""
    chance = random.Random(seed)
    kinds = (_with_a_wrong_field, _with_an_unknown_field, _without_a_field, _broken, _no_object, _no_utf8)
    for number in range(count):
        path = chance.choice(list(BODIES))
        yield path, kinds[number % len(kinds)](path, chance)


def _with_a_wrong_field(path: str, chance: random.Random) -> bytes:
    body = BODIES[path]
    field = chance.choice(list(body))
    wrong = chance.choice(_NEVER_RIGHT)(chance)
    others = {name: value for name, value in body.items() if name != field}
    return (_text(others)[:-1] + f', "{field}": {wrong}}}').encode()


def _with_an_unknown_field(path: str, chance: random.Random) -> bytes:
    return _text({**BODIES[path], f"이름{chance.random()}": chance.choice([1, "a", None, []])}).encode()


def _without_a_field(path: str, chance: random.Random) -> bytes:
    missing = chance.choice(REQUIRED[path])
    return _text({name: value for name, value in BODIES[path].items() if name != missing}).encode()


def _broken(path: str, chance: random.Random) -> bytes:
    body = _text(BODIES[path]).encode()
    return body[: chance.randrange(len(body) - 1)]


def _no_object(_path: str, chance: random.Random) -> bytes:
    return chance.choice([b"", b"null", b"[]", b"7", b'"a"', b"[" * 100_000, b"{}", b"\x00", b"-", b"nul"])


def _no_utf8(path: str, chance: random.Random) -> bytes:
    body = bytearray(_text(BODIES[path]).encode())
    places = [place for place, byte in enumerate(body) if byte >= 0x80]
    if not places:
        return b'{"task_type": "\xff"}'
    body[chance.choice(places)] = 0xFF
    return bytes(body)


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False)
