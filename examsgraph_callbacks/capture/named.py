"""Patterns for secrets that only their name gives away: `password=…`, `{"name": "api_key", "value": …}`."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

__all__ = [
    "NAMED_MAY_HOLD",
    "NAMED_SECRETS",
    "VALUE_KEYS",
    "NamedSecret",
    "names_a_credential",
    "pair_named",
    "placeholder_of",
]

VALUE_KEYS = frozenset({"value", "Value"})
"""The keys under which the value of a pair stands."""

_NAME_KEYS = ("name", "key", "Name", "Key", "header", "field", "id")


class NamedSecret(NamedTuple):
    """A pattern, a text without which it finds nothing, and what takes the place of what it finds."""

    literal: str
    secret: str
    replacement: str


class _Kind(NamedTuple):
    """Names, as patterns of one width each, that end in a letter of `last`."""

    placeholder: str
    last: str
    names: tuple[str, ...]


_TOKENS = ("access", "refresh", "auth", "id", "session")

_API_KEY = _Kind("[API_KEY]", "yY", ("api[_-]key", "apikey"))
_OTHERS = (
    _Kind("[PASSWORD]", "dD", ("password", "passwd")),
    _Kind("[SECRET]", "tT", ("secret",)),
    _Kind("[SECRET]", "yY", ("secret[_-]key", "secretkey", "secret[_-]access[_-]key", "secretaccesskey")),
    _Kind("[BEARER_TOKEN]", "nN", tuple(f"{of}{between}token" for of in _TOKENS for between in ("[_-]", ""))),
)
_KINDS = (_API_KEY, *_OTHERS)
_ALL = _Kind("", "yYdDtTnN", tuple(name for kind in _KINDS for name in kind.names))
_KEYS = tuple((re.compile(rf"(?i:{'|'.join(kind.names)})\Z"), kind.placeholder) for kind in _KINDS)
_CREDENTIAL = re.compile(rf"(?i:authorization|{'|'.join(_ALL.names)})\Z")

_LONGEST_NAME = 96
_SHORTEST = 4  # characters, of a password

_SIGNS = ("=", ":", "%3[Dd]")

# between a name and its colon, in JSON that stands in a text of JSON too
_BEFORE_A_COLON = ("", r"""[ "']""", r"""["'] """, r"""\\["']""", r"""\\["'] """, r"""\\\\\\["']""")

_QUOTED = r"""[^\s"'\\]|\\(?!["'\\])"""
_PHRASE = r"""[^\r\n\t"'\\]|\\(?!["'\\])"""
_BARE = r"""[^\s"'`,;&(){}<>\\]|\\(?!["'\\])"""
_END = r"""(?![^\s"'`,;&)}\]\\])"""

# what schemas and programs say in the place of a secret
_WORDS = "none|null|true|false|str|string|text|password|passwd|secret|token|required|optional|undefined"
_NO_SECRET = re.compile(rf"(?i:{_WORDS})")
_NO_VALUE = rf"(?!(?i:{_WORDS}){_END})"
# a call or an item, an attribute, a parameter of SQL, a variable of a shell
_NO_EXPRESSION = (
    r"(?![A-Za-z_.]{1,64}(?:\(|\[[\"']))"
    rf"(?!(?:self|cls|settings|config|args|user|request|form|data|os)\.[a-z_.]{{1,64}}{_END})"
    rf"(?![:@][a-z_]{{1,64}}{_END}|\$[{{A-Z_])"
)
# letters alone are a word, and so are 3rd-party and 1-to-1
_RANDOM = rf"(?=(?:{_BARE}){{0,64}}?(?:[A-Za-z]\d|[!@#$^*]))"


@lru_cache(maxsize=1024)
def names_a_credential(key: str) -> bool:
    """Whether the text under that key is a credential, whatever it looks like."""
    return _CREDENTIAL.search(key) is not None


def placeholder_of(key: str, value: str) -> str | None:
    """What takes the place of all of the text under that key; None where that hangs on the text."""
    if len(value) < _SHORTEST or _NO_SECRET.fullmatch(value):
        return None
    return next((placeholder for names, placeholder in _KEYS if names.search(key)), None)


def pair_named(mapping: Mapping[str, object]) -> str | None:
    """What names a credential in a pair, as in `{"name": "api_key", "value": …}`; None where none does."""
    for key in _NAME_KEYS:
        name = mapping.get(key)
        if isinstance(name, str) and len(name) <= _LONGEST_NAME and names_a_credential(name):
            return name
    return None


def _named(kind: _Kind, sign: str, betweens: tuple[str, ...] = _BEFORE_A_COLON) -> str:
    """A pattern for a sign that follows one of the kind's names."""

    def after(between: str) -> str:
        names = "|".join(rf"(?<=(?i:{name}){between}{sign})" for name in kind.names)
        return rf"(?<=[{kind.last}]{between}{sign})(?:{names})"

    # of what stands before, the nearest first: most signs follow no name
    return f"{sign}(?:{'|'.join(map(after, betweens))})"


def _key(sign: str) -> str:
    """A pattern for an API key; groups 1 and 2 are what stays."""
    value = rf"""(?:(["'])(?:{_QUOTED}){{6,}}|(?:{_BARE}){{6,}})"""
    return rf"({_named(_API_KEY, sign)}\s{{0,3}}\\{{0,3}}){value}"


def _quoted(kind: _Kind, sign: str) -> str:
    """A pattern for a value in quotes, which may be of several words; group 1 is what stays."""
    return rf"({_named(kind, sign)}\s{{0,3}}\\{{0,3}}[\"']){_NO_VALUE}(?:{_PHRASE}){{4,256}}()"


def _bare(kind: _Kind, sign: str) -> str:
    """A pattern for a value without quotes; groups 1 and 2 are what stays."""
    word = f"{_NO_VALUE}{_NO_EXPRESSION}"
    apart = rf"({_named(kind, sign)}\s{{0,3}}){word}{_RANDOM}(?:{_BARE}){{6,}}"
    if sign == ":":
        return f"{apart}()"
    return rf"(?:({_named(kind, sign, ('',))}){word}(?:{_BARE}){{4,}}|{apart})"


def _pairs(kind: _Kind) -> tuple[str, str]:
    """Patterns for a name and a value of JSON, in either order; groups 1 and 2 are what stays."""
    quote, colon, comma = r"\\{0,3}[\"']", r"\s{0,3}:\s{0,3}", r"\s{0,3},\s{0,64}"
    name = rf"{quote}[\w.-]{{0,64}}?(?i:{'|'.join(kind.names)}){quote}"
    secret = rf"(?:{_PHRASE}){{1,4096}}"
    return (
        rf"(:\s{{0,3}}{name}{comma}{quote}[vV]alue{quote}{colon}{quote}){secret}()",
        rf"(alue{quote}{colon}{quote}){secret}({quote}{comma}{quote}\w{{1,16}}{quote}{colon}{name})",
    )


NAMED_SECRETS = (
    *(NamedSecret(sign[0], _key(sign), r"\1\2[API_KEY]") for sign in _SIGNS),
    *(
        NamedSecret(sign[0], pattern(kind, sign), rf"\1\2{kind.placeholder}")
        for sign in _SIGNS
        for kind in _OTHERS
        for pattern in (_quoted, _bare)
    ),
    *(NamedSecret("u", pattern, rf"\1{kind.placeholder}\2") for kind in _KINDS for pattern in _pairs(kind)),
)

_VALUE = re.compile(r"alue\\{0,3}[\"']")
_LOWER_CASE = ("password", "passwd", "secret", "token", "apikey", "api_key", "api-key")


def _may_hold_pair(text: str) -> bool:
    if ('"' not in text and "'" not in text) or not _VALUE.search(text):
        return False
    lower = text.lower()
    return any(name in lower for name in _LOWER_CASE)


NAMED_MAY_HOLD: dict[str, Callable[[str], object]] = {
    "=": re.compile(_named(_ALL, "="), re.ASCII).search,
    ":": re.compile(_named(_ALL, ":"), re.ASCII).search,
    "u": _may_hold_pair,
}
"""By their literal, whether one of `NAMED_SECRETS` may be found in a text."""
