"""Prices of one's own, from a file, with errors that say where."""

from decimal import Decimal
from pathlib import Path

import pytest

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.measure import PriceOverride, load_policy, load_prices

PRICES = """
[[prices]]
model = "tutor-*"
provider = "azure"
input = 2.00
output = 8
cached = 0.1
cache_write = 2.5
cache_write_1h = 4.0

[[prices]]
model = "우리-모델"
input = 0
output = 0

[routing]
simple_greeting = ["tutor-mini"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_prices_load_in_their_order_and_exactly(tmp_path: Path) -> None:
    assert load_prices(written(tmp_path, PRICES)) == (
        PriceOverride(
            model="tutor-*",
            provider="azure",
            input=Decimal("2.00"),
            output=Decimal(8),
            cached=Decimal("0.1"),
            cache_write=Decimal("2.5"),
            cache_write_1h=Decimal("4.0"),
        ),
        PriceOverride(model="우리-모델", input=Decimal(0), output=Decimal(0)),
    )


def test_prices_and_routing_may_share_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, PRICES)
    assert len(load_prices(path)) == 2
    assert load_policy(path).misrouted("simple_greeting", "tutor-mini") is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[price]]\nmodel = 'a'", r"expected \[prices\] in .*prices\.toml, found price"),
        ("", r"expected \[prices\] in .*, found nothing"),
        ("[[prices]\n", r"expected TOML in .*prices\.toml, found: .*line 1"),
        ("[[prices]]\nmodel = 'a'\ninput = 1", r"prices\.0\.output in .*: Field required"),
        ("[[prices]]\nmodel = 'a'\ninput = -1\noutput = 1", r"prices\.0\.input in .*equal to 0, found -1"),
        ("[[prices]]\nmodel = 'a'\ninput = inf\noutput = 1", r"prices\.0\.input in .*finite number"),
        ("[[prices]]\nmodel = 'a'\ninput = 1\noutput = 1\ninptu = 2", r"prices\.0\.inptu in .*not permitted"),
        ("[[prices]]\nmodel = ''\ninput = 1\noutput = 1", r"prices\.0\.model in .*at least 1 character"),
    ],
)
def test_an_error_names_the_file_the_place_and_what_was_found(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        load_prices(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"expected a TOML file at .*absent\.toml"):
        load_prices(tmp_path / "absent.toml")


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_bytes("모델".encode("cp949"))
    with pytest.raises(InvalidInputError, match=r"expected TOML in .*prices\.toml"):
        load_prices(path)
