"""Which encoding a model's tokens are counted in, loaded from ranks that ship with this package.

tiktoken downloads an encoding's ranks at first use; here nothing is ever downloaded.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from examsgraph_callbacks.errors import ExamsGraphError

if TYPE_CHECKING:
    from tiktoken import Encoding

__all__ = ["RANKS", "encoding_name", "token_counter"]

RANKS = Path(__file__).with_name("ranks")
"""Where the ranks lie that ship with this package."""

_CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
_loading = threading.Lock()
# characters counted at once: on a million blanks in a row tiktoken panics (its stack overflows), which
# is no `Exception`; each border between pieces may add a token
_PIECE = 400_000


@dataclass(frozen=True, slots=True)
class _RankFile:
    """A rank file under tiktoken's name for it in a cache: the SHA-1 of its address."""

    name: str
    sha256: str


# the checksums are those in tiktoken_ext/openai_public.py
_RANK_FILES = {
    "o200k_base": _RankFile(
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": _RankFile(
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}


def token_counter(*models: str | None) -> Callable[[str], int]:
    """A function from a text to its number of tokens, for the first of `models` that is known.

    Raises `ExamsGraphError` where the ranks that ship with this package are missing or damaged.
    """
    encoding = _encoding(encoding_name(*models))
    # encode_ordinary: text that looks like a special token is only text
    return lambda text: sum(len(encoding.encode_ordinary(piece)) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    return (text[begin : begin + _PIECE] for begin in range(0, len(text), _PIECE))


@cache
def encoding_name(*models: str | None) -> str:
    """The encoding of the first of `models` that tiktoken knows; else o200k_base, which is a guess.

    gpt-oss models add special tokens to o200k_base and split text alike. The models older than
    gpt-3.5-turbo had encodings whose ranks are not shipped: cl100k_base stands in for those.
    """
    from tiktoken.model import encoding_name_for_model

    for model in filter(None, models):
        try:
            name = encoding_name_for_model(model.lower())
        except KeyError:
            continue
        if name == "o200k_harmony":
            return "o200k_base"
        return name if name in _RANK_FILES else "cl100k_base"
    return "o200k_base"


@cache
def _encoding(name: str) -> "Encoding":
    """About 0.3 s and 95 MB for o200k_base, once a process."""
    import tiktoken

    with _loading, _cache_directory(_directory_with(_RANK_FILES[name])):
        return tiktoken.get_encoding(name)


def _directory_with(ranks: _RankFile) -> Path:
    own = os.environ.get(_CACHE_VARIABLE)
    directories = [Path(own), RANKS] if own else [RANKS]
    for directory in directories:
        file = directory / ranks.name
        # tiktoken deletes a damaged file and downloads it anew: it must never be pointed at one
        if file.is_file() and sha256(file.read_bytes()).hexdigest() == ranks.sha256:
            return directory
    raise ExamsGraphError(
        f"expected the token ranks {ranks.name} with SHA-256 {ranks.sha256} in {RANKS}, found them "
        "missing or damaged: reinstall examsgraph-callbacks",
    )


@contextmanager
def _cache_directory(directory: Path) -> Iterator[None]:
    before = os.environ.get(_CACHE_VARIABLE)
    os.environ[_CACHE_VARIABLE] = str(directory)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CACHE_VARIABLE]
        else:
            os.environ[_CACHE_VARIABLE] = before
