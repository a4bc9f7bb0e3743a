"""One class of settings, each of which says what it is for and is set by its own variable."""

import pytest
from pydantic import ValidationError

from examsgraph_callbacks.settings import Settings, current_settings

OTHER_THAN_DEFAULT = {
    "autolog": "1",
    "capture_content": "false",
    "document_limit": "7",
    "journal": "elsewhere",
    "krw_per_usd": "1450.5",
    "policy": "routing.toml",
    "prices": "contract.toml",
    "user_key": "0123456789abcdef",
}


def test_each_setting_is_documented() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("name", sorted(OTHER_THAN_DEFAULT))
def test_each_is_set_by_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Settings()
    monkeypatch.setenv(f"EXAMSGRAPH_{name.upper()}", OTHER_THAN_DEFAULT[name])
    changed = Settings()
    assert getattr(changed, name) != getattr(before, name)
    others = set(Settings.model_fields) - {name}
    assert {other: getattr(changed, other) for other in others} == {
        other: getattr(before, other) for other in others
    }


@pytest.mark.parametrize(
    ("name", "value"), [("document_limit", "-1"), ("krw_per_usd", "0"), ("capture_content", "perhaps")]
)
def test_a_value_that_makes_no_sense_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"EXAMSGRAPH_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        Settings()


@pytest.mark.parametrize("name", ["policy", "prices", "alerts", "slack_webhook", "alert_urls"])
def test_what_a_compose_file_leaves_empty_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"EXAMSGRAPH_{name.upper()}", "")
    assert getattr(Settings(), name) is None


def test_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMSGRAPH_USER_KEY", "0123456789abcdef")
    assert "0123456789abcdef" not in repr(Settings())


def test_the_settings_in_force_are_read_anew_where_a_variable_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = current_settings()
    assert current_settings() is before
    monkeypatch.setenv("EXAMSGRAPH_DOCUMENT_LIMIT", "7")
    assert (current_settings().document_limit, before.document_limit) == (7, 500)
    monkeypatch.setenv("examsgraph_document_limit", "8")
    assert current_settings() == Settings()
    monkeypatch.delenv("examsgraph_document_limit")
    for _ in range(2):
        monkeypatch.setenv("EXAMSGRAPH_DOCUMENT_LIMIT", "-1")
        with pytest.raises(ValidationError, match="document_limit"):
            current_settings()
    monkeypatch.delenv("EXAMSGRAPH_DOCUMENT_LIMIT")
    assert current_settings() == before
