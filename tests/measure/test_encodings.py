"""Encodings: the right one for a model, and never a download."""

import hashlib
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from examsgraph_callbacks.errors import ExamsGraphError
from examsgraph_callbacks.measure import encodings
from examsgraph_callbacks.measure.encodings import RANKS, encoding_name, token_counter

OFFLINE = """
import os, socket

def refuse(*args, **kwargs):
    raise AssertionError("a connection was tried")

socket.socket.connect = refuse
socket.create_connection = refuse
socket.getaddrinfo = refuse

from examsgraph_callbacks.measure.encodings import token_counter
before = os.environ.get("TIKTOKEN_CACHE_DIR")
print(token_counter("gpt-4o")("정규화는 중복을 줄입니다"), token_counter("gpt-4")("정규화는 중복을 줄입니다"))
assert os.environ.get("TIKTOKEN_CACHE_DIR") == before
"""


@pytest.mark.parametrize("own_cache", [True, False])
def test_tokens_are_counted_without_a_network_and_with_nothing_cached(
    tmp_path: Path, own_cache: bool
) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TIKTOKEN_CACHE_DIR"}
    environment["TMPDIR"] = str(tmp_path)  # where tiktoken caches by default
    if own_cache:
        environment["TIKTOKEN_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["9", "11"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_the_ranks_that_ship_are_those_that_tiktoken_would_download(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    openai_public = import_module("tiktoken_ext.openai_public")
    wanted: list[tuple[str, str]] = []

    def note(address: str, expected_hash: str) -> dict[bytes, int]:
        wanted.append((address, expected_hash))
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", note)
    getattr(openai_public, name)()
    [(address, expected_hash)] = wanted
    shipped = RANKS / hashlib.sha1(address.encode()).hexdigest()
    assert hashlib.sha256(shipped.read_bytes()).hexdigest() == expected_hash


def test_damaged_ranks_are_refused_and_left_alone_instead_of_downloaded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for file in RANKS.iterdir():
        (tmp_path / file.name).write_bytes(b"damaged")
    monkeypatch.setattr(encodings, "RANKS", tmp_path)
    encodings._encoding.cache_clear()
    with pytest.raises(ExamsGraphError, match="reinstall"):
        token_counter("gpt-4o")
    assert {file.read_bytes() for file in tmp_path.iterdir()} == {b"damaged"}


def test_ones_own_cache_is_used_where_it_holds_the_ranks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for file in RANKS.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(encodings, "RANKS", tmp_path / "absent")
    encodings._encoding.cache_clear()
    assert token_counter("gpt-4o")("hello") == 1
    assert os.environ["TIKTOKEN_CACHE_DIR"] == str(tmp_path)


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (("gpt-4o-mini-2024-07-18",), "o200k_base"),
        (("GPT-4o",), "o200k_base"),
        (("gpt-4-0613",), "cl100k_base"),
        (("gpt-35-turbo",), "cl100k_base"),
        (("gpt-oss-120b",), "o200k_base"),
        (("text-davinci-003",), "cl100k_base"),  # its own ranks are not shipped
        (("claude-opus-5",), "o200k_base"),  # a guess
        ((None, None), "o200k_base"),
        (("tutor-deployment", "gpt-4"), "cl100k_base"),
    ],
)
def test_each_model_has_the_encoding_of_the_first_name_that_is_known(
    models: tuple[str | None, ...],
    expected: str,
) -> None:
    assert encoding_name(*models) == expected


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\N{NO-BREAK SPACE}", "가", "a "])
def test_a_text_of_any_length_can_be_counted(blank: str) -> None:
    # tiktoken panics on a million blanks in a row: that would be no `Exception`, and end the process
    count = token_counter("gpt-4o")
    long = blank * 1_000_000
    assert count(long) == pytest.approx(count(blank * 100_000) * 10, rel=0.01)


def test_a_text_of_ordinary_length_is_counted_in_one_piece() -> None:
    count = token_counter("gpt-4o")
    text = "정규화는 중복을 줄입니다. " * 10_000
    encoding = encodings._encoding("o200k_base")
    assert len(text) < encodings._PIECE
    assert count(text) == len(encoding.encode_ordinary(text))
