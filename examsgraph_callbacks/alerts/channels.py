"""Where messages go: Slack, and whatever Apprise knows a URL for."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

from examsgraph_callbacks.alerts.notices import Notice, as_text
from examsgraph_callbacks.alerts.outcome import Later, Outcome, Sent
from examsgraph_callbacks.alerts.slack import SlackChannel
from examsgraph_callbacks.errors import InvalidInputError, MissingExtraError
from examsgraph_callbacks.settings import Settings, current_settings

__all__ = ["AppriseChannel", "Channel", "configured_channels"]


class Channel(Protocol):
    """A place that takes messages; `name` tells it from others, without secrets, and after a restart too."""

    @property
    def name(self) -> str:
        """Its name."""

    def send(self, notice: Notice) -> Outcome:
        """Send it and wait for the answer, some seconds at most; never raises for what the place does."""


class AppriseChannel:
    """Any place that Apprise has a URL for, such as `mailto://…`, `discord://…` or `json://host/path`.

    Apprise tells only whether a message was taken: no `Retry-After`, no reason. Raises `MissingExtraError`
    where it is not installed, and `InvalidInputError` for a URL that it does not know.
    """

    def __init__(self, url: str) -> None:
        try:
            import apprise
        except ImportError as error:
            raise MissingExtraError("apprise", "apprise") from error
        self._apprise = apprise.Apprise()
        scheme = url.split("://", maxsplit=1)[0]
        if not self._apprise.add(url):
            raise InvalidInputError(
                f"expected EXAMSGRAPH_ALERT_URLS to hold URLs that Apprise knows, it does not take the one "
                f"that begins with {scheme}://: see https://appriseit.com/services/"
            )
        self.name = f"{scheme} {sha256(url.encode()).hexdigest()[:8]}"

    def send(self, notice: Notice) -> Outcome:
        try:
            taken = self._apprise.notify(title=notice.headline, body=as_text(notice))
        except Exception as error:  # noqa: BLE001 - a place's plugin raises what it likes
            return Later(f"{type(error).__name__}: {error}")
        return Sent() if taken else Later("Apprise could not deliver it; its log says why")


def configured_channels(settings: Settings | None = None) -> Sequence[Channel]:
    """Those of `EXAMSGRAPH_SLACK_WEBHOOK` and `EXAMSGRAPH_ALERT_URLS` (by spaces); none where none is set.

    Raises `MissingExtraError` or `InvalidInputError` where one cannot be had.
    """
    settings = settings or current_settings()
    channels: list[Channel] = []
    if settings.slack_webhook is not None:
        channels.append(SlackChannel(settings.slack_webhook.get_secret_value()))
    urls = settings.alert_urls.get_secret_value().split() if settings.alert_urls else []
    channels += [AppriseChannel(url) for url in urls]
    return channels
