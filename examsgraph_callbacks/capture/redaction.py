"""Secrets and personal data in a text become typed placeholders: `메일은 [EMAIL]입니다`.

| placeholder | what it stands for |
| --- | --- |
| `[API_KEY]` | a key of OpenAI, Anthropic, AWS, Google, GitHub, GitLab, Groq, Hugging Face, LangSmith, |
| | Perplexity, Pinecone, Slack, Tavily or xAI; the value of `api_key=…` |
| `[BEARER_TOKEN]` | what follows `Bearer`, and `Token` in an `Authorization` header; a JSON Web Token; |
| | the value of `access_token=…`, `refresh_token=…`, `auth_token=…`, `id_token=…`, `session_token=…` |
| `[EMAIL]` | an e-mail address, and one whose `@` is `%40` as in a URL |
| `[PASSWORD]` | that of a URL: `postgres://user:[PASSWORD]@host`; what follows `Authorization: Basic`; |
| | the value of `password=…`, `passwd=…` |
| `[PHONE]` | a Korean number (`010-1234-5678`, `02-123-4567`), an international one (`+82 10-1234-5678`) |
| `[RRN]` | a Korean resident's (or foreigner's) registration number, its dash written |
| `[SECRET]` | the value of `secret=…`, `client_secret=…`, `secret_key=…`, `secret_access_key=…` |

A value is what follows the name and `=`, `:` or `%3D`, in JSON too, also that of
`{"name": "api_key", "value": …}`. After a colon, or where spaces surround the sign, a password without
quotes must hold a digit or a sign as a word has none, or all prose about passwords had one.
Full-width digits (`０１０－１２３４－５６７８`) are digits, where a ０, １ or ２ is among them.

Numbers written without separators are ordinary numbers, but for mobile phones (`01012345678`) and
those with a `+`. The check digit of a registration number is not asked: since October 2020 it has none.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

from examsgraph_callbacks.capture.named import NAMED_MAY_HOLD, NAMED_SECRETS

__all__ = ["REDACTION_VERSION", "SHORTEST", "Redact", "is_clean", "redact_text"]

REDACTION_VERSION = "3"
"""Changes whenever `redact_text` finds more, or less: a recording says by which it was redacted."""

Redact = Callable[[str], str]
"""From a text to the text that may be written down."""

SHORTEST = 6
"""Characters of the shortest text that may hold a secret: an address like a@b.co."""

# roles, keys and concepts come again and again
_SHORT = 64
_REMEMBERED = 4096
_PASSES = 8
# one for one, so that a place in the one text is a place in the other
_NARROW = {0x3000: " ", **{wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}}
_GROUP = re.compile(r"\\(\d)")


def redact_text(text: str) -> str:
    """`text` with a placeholder for each secret in it.

    Takes time in proportion to the text's length, whatever the text.
    """
    return _redact_short(text) if len(text) <= _SHORT else _redact(text)


def is_clean(text: str) -> bool:
    """Whether there is no secret in `text`; of texts joined by line feeds, whether there is none in any.

    A line feed is to every rule what the beginning or end of a text is.
    """
    return len(text) < SHORTEST or _one_pass(text) == text


def _redact(text: str) -> str:
    if len(text) < SHORTEST:
        return text
    # a placeholder may complete another secret: what is redacted is to stay as it is when redacted again
    for _ in range(_PASSES):
        redacted = _one_pass(text)
        if redacted == text:
            break
        text = redacted
    return text


def _one_pass(text: str) -> str:
    # most texts are read as they are: to ask that elsewhere would take as long as the answer
    read = text if text.isascii() else _narrow(text)
    for literal, may_hold, rules in _RULES_BY_LITERAL:
        if literal in read and (may_hold is None or may_hold(read)):
            for rule in rules:
                if rule.sign.search(read):
                    if read is text:
                        text = read = rule.secret.sub(rule.replacement, text)
                    else:
                        found = [*rule.secret.finditer(read)]
                        text, read = (_replaced(rule, found, each) for each in (text, read))
    return text


def _narrow(text: str) -> str:
    """The text with what is full-width as a keyboard writes it, place by place, where digits are among it."""
    # Korean numbers have a 0 or 1, and hardly any as long has none of three: all take three times as long
    return text.translate(_NARROW) if "０" in text or "１" in text or "２" in text else text


def _replaced(rule: "_Rule", found: list[re.Match[str]], text: str) -> str:
    """`text` with the rule's placeholder in each of these places; groups are cut out of `text` itself."""
    parts: list[str] = []
    end = 0
    for match in found:
        kept = _GROUP.sub(partial(_group_of, match, text), rule.replacement)
        parts += (text[end : match.start()], kept)
        end = match.end()
    return "".join((*parts, text[end:]))


def _group_of(match: re.Match[str], text: str, group: re.Match[str]) -> str:
    begin, end = match.span(int(group[1]))
    return text[begin:end]


_redact_short = lru_cache(maxsize=_REMEMBERED)(_redact)


class _Rule(NamedTuple):
    """A kind of secret, which cannot be without `literal`, nor without `sign`.

    What makes the pass quick: 1,000 letters are searched for one character in 0.05 µs, for a pattern
    that begins with a literal in 0.4 µs, for one that begins with a class of characters in 5 to 20 µs.
    So a pattern begins with a literal and looks behind after it; where that cannot be, `sign` does.
    What makes it linear: a repetition that something may fail to follow has a bound.
    """

    literal: str
    sign: re.Pattern[str]
    secret: re.Pattern[str]
    replacement: str


def _rule(literal: str, secret: str, replacement: str, sign: str | None = None) -> _Rule:
    # ASCII: the Korean particle after an address is no part of it
    pattern = re.compile(secret, re.ASCII)
    return _Rule(literal, re.compile(sign, re.ASCII) if sign else pattern, pattern, replacement)


def _apart(beginning: str, barred: str = "A-Za-z0-9", then: str = "") -> str:
    r"""A pattern for `beginning` that follows none of the `barred` characters; `then` is asked first.

    The escapes of JSON that stands in a text (`\n`, `\ud55c`) end in letters and are let through.
    """
    escapes = rf"(?<=\\[nrt]{beginning})|(?<=\\u[0-9a-fA-F]{{4}}{beginning})"
    return rf"{beginning}{then}(?:(?<![{barred}]{beginning})|{escapes})"


def _in_a_header(name: str, schemes: str) -> str:
    """A pattern for what follows one of these schemes in a header; group 1 is all before."""
    colon = r"""\\{0,3}["']?\s?[:=]\s{0,3}\\{0,3}["']?"""
    return rf"({name}{colon}(?i:{schemes})(?: {{1,3}}|%20))[\w.~+/:-]{{8,}}=*"


# hyphens and dashes that are not the keyboard's, which come of copying and of word processors
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"
_DASHES_OF_IDS = "-\u2010\u2011\u2013\u2212\uff0d"
_SPACE = "[ \u00a0]"
_GAPS = rf" \u00a0\{_DASHES}"  # what may stand between the groups of a number, to go into a class

_AUTHORIZATION = ("uthorization", "UTHORIZATION")

_RULES = (
    # OpenAI, Anthropic and those who follow them; words-joined-in-lower-case are no key
    _rule("-", _apart("sk-") + r"(?=[a-z_-]{0,64}[A-Z0-9])[\w-]{16,}", "[API_KEY]"),
    _rule("K", _apart("AKIA") + r"[A-Z0-9]{16}(?![A-Za-z0-9])", "[API_KEY]"),
    _rule("S", _apart("ASIA") + r"[A-Z0-9]{16}(?![A-Za-z0-9])", "[API_KEY]"),  # of AWS, for a few hours
    _rule("z", _apart("AIza") + r"[\w-]{35,}", "[API_KEY]"),
    _rule("_", _apart("gh[oprsu]_") + r"[A-Za-z0-9]{20,}", "[API_KEY]"),
    _rule("_", _apart("github_pat_") + r"\w{20,}", "[API_KEY]"),
    _rule("_", _apart("hf_") + r"[A-Za-z0-9]{30,}", "[API_KEY]"),
    _rule("_", _apart("gsk_") + r"[A-Za-z0-9]{20,}", "[API_KEY]"),
    _rule("_", _apart("lsv2_") + r"\w{20,}", "[API_KEY]"),
    _rule("_", _apart("pcsk_") + r"\w{20,}", "[API_KEY]"),
    _rule("-", _apart("xox") + r"[a-z]-[\w-]{10,}", "[API_KEY]"),
    *(
        _rule("-", _apart(f"{name}-") + r"(?=[a-z_-]{0,64}[A-Z0-9])[\w-]{20,}", "[API_KEY]")
        for name in ("glpat", "pplx", "tvly", "xai")
    ),
    # RFC 7515: header, payload and signature in base64url; a header begins with {" which is eyJ
    _rule("J", _apart("eyJ", r"\w-") + r"[\w-]{8,}(?:\.[\w-]*){1,4}", "[BEARER_TOKEN]"),
    # RFC 7617, 6750; in their header, whatever a token looks like
    *(_rule(name[6], _in_a_header(name, "basic"), r"\1[PASSWORD]") for name in _AUTHORIZATION),
    *(_rule(name[6], _in_a_header(name, "bearer|token"), r"\1[BEARER_TOKEN]") for name in _AUTHORIZATION),
    # away from its header a token must look random, or a bearer of good tidings had one
    *(
        _rule(
            literal,
            rf"({earer}(?<={bearer})(?: {{1,3}}|%20))(?=[\w.~+/-]{{0,64}}(?:\d|[a-z][A-Z]))[\w.~+/-]{{8,}}=*",
            r"\1[BEARER_TOKEN]",
        )
        for literal, earer, bearer in (("r", "earer", "[Bb]earer"), ("R", "EARER", "BEARER"))
    ),
    *(_rule(*named) for named in NAMED_SECRETS),
    # RFC 3986: user information; before addresses, which the password and host would look like
    _rule(
        "@",
        r"(://[^\s/@:]{0,64}:)(?!\[PASSWORD\]@)[^\s/@]{1,256}(?:@[^\s/@,;\"'<>()]{1,256}){0,4}@",
        r"\1[PASSWORD]@",
    ),
    # RFC 5321: a local part of up to 64 characters, labels of up to 63; of RFC 6531 the names of people
    *(
        _rule(
            at[0],
            rf"(?:[A-Za-z0-9._%+-]{{1,64}}|[가-힣]{{2,20}}){at}(?:[A-Za-z0-9-]{{1,63}}\.){{1,8}}[A-Za-z]{{2,24}}",
            "[EMAIL]",
            sign=rf"{at}[A-Za-z0-9-]{{1,63}}\.[A-Za-z0-9]",
        )
        for at in ("@", "\uff20", "%(?:25)?40")
    ),
    # a birthday, then century and sex: 1 to 4, of foreigners 5 to 8
    *(
        _rule(
            dash,
            _apart("", r"\w.")
            + rf"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]){_SPACE}?{dash}{_SPACE}?[1-8]\d{{6}}(?!\w)",
            "[RRN]",
            sign=rf"{dash}{_SPACE}?[1-8]\d{{6}}(?!\w)",
        )
        for dash in _DASHES_OF_IDS
    ),
    # mobile phones: 010, of old 011 and 016 to 019
    _rule(
        "0",
        _apart("01[016-9]", r"\w")
        + rf"(?<!\d[.-]01\d)(?:[.){_GAPS}]{{1,3}}\d{{3,4}}[.{_GAPS}]{{0,3}}\d{{4}}(?!\d)"
        + r"|\d{7,8}(?!\w))",
        "[PHONE]",
    ),
    # Seoul 02, the other areas, 070 and 080, personal 050x; a part of a hexadecimal id is none
    _rule(
        "0",
        _apart("0", r"\w", then=rf"(?=[2-8]\d{{0,2}}[.){_GAPS}])(?<![0-9a-f][.-]0)")
        + r"(?:2|[3-6][1-5]|[78]0|50\d)"
        + rf"(?:\) ?\d{{3,4}}[\{_DASHES}]|([.{_GAPS}])\d{{3,4}}\1)\d{{4}}(?!\d)",
        "[PHONE]",
    ),
    # E.164: a country code, 8 to 15 digits in all; area codes under +1 begin with 2 to 9
    _rule(
        "+",
        _apart(r"\+", r"\w+") + rf"(?:1[({_GAPS}]{{0,2}}[2-9]|[2-9])(?:[(){_GAPS}]{{0,2}}\d){{7,13}}(?!\w)",
        "[PHONE]",
    ),
)

# where several rules share a literal: whether any of them may find its secret in a text
_MAY_HOLD: dict[str, Callable[[str], object]] = {
    "-": re.compile(
        rf"-(?:(?<=sk-)|(?<=xox[a-z]-)|(?<=glpat-)|(?<=pplx-)|(?<=tvly-)|(?<=xai-)|{_SPACE}?[1-8]\d{{6}}(?!\w))",
        re.ASCII,
    ).search,
    "_": re.compile(
        r"_(?:(?<=gh[oprsu]_)|(?<=github_)pat_|(?<=hf_)|(?<=gsk_)|(?<=lsv2_)|(?<=pcsk_))", re.ASCII
    ).search,
    "0": re.compile(rf"0(?:1[016-9]|[2-8]\d{{0,2}}[.){_GAPS}])", re.ASCII).search,
    **NAMED_MAY_HOLD,
}

_RULES_BY_LITERAL = tuple(
    (literal, _MAY_HOLD.get(literal), tuple(rule for rule in _RULES if rule.literal == literal))
    for literal in dict.fromkeys(rule.literal for rule in _RULES)
)
