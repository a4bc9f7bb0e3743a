"""Slack, by an incoming webhook: a notice as Block Kit, and what its answers mean."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException

from examsgraph_callbacks.alerts.notices import Notice, as_text, footer, told
from examsgraph_callbacks.alerts.outcome import Later, Outcome, Refused, Sent
from examsgraph_callbacks.errors import InvalidInputError, MissingExtraError

__all__ = ["SlackChannel", "blocks"]

TIMEOUT_SECONDS = 10

# of a block's text, by Slack's reference of Block Kit
_HEADER_LIMIT = 150
_SECTION_LIMIT = 3000

# the message is at fault, not the moment: the same one will not be taken later either
_NEVER = {400, 413}


class SlackChannel:
    """An incoming webhook. Raises `MissingExtraError` without slack_sdk, `InvalidInputError` for no URL."""

    name = "slack"

    def __init__(self, webhook_url: str, timeout_seconds: int = TIMEOUT_SECONDS) -> None:
        try:
            from slack_sdk.webhook import WebhookClient
        except ImportError as error:
            raise MissingExtraError("slack_sdk", "alerts") from error
        if not webhook_url.startswith(("https://", "http://")):
            raise InvalidInputError(
                "expected EXAMSGRAPH_SLACK_WEBHOOK to be a URL such as https://hooks.slack.com/services/…, "
                "found something else: copy it from your Slack app's Incoming Webhooks"
            )
        # the outbox alone tries again: it knows after how long, and outlives this process
        self._client = WebhookClient(webhook_url, timeout=timeout_seconds, retry_handlers=[])

    def send(self, notice: Notice) -> Outcome:
        try:
            answer = self._client.send(text=as_text(notice), blocks=blocks(notice))
        except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
            return Later(f"no answer from Slack: {error or type(error).__name__}")
        if answer.status_code == 200:
            return Sent()
        said = f"Slack answered {answer.status_code}: {' '.join(answer.body.split())[:200]}"
        if answer.status_code in _NEVER:
            return Refused(said)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Later(said, _seconds(headers.get("retry-after")))


def blocks(notice: Notice) -> list[dict[str, object]]:
    """The notice as Block Kit: header, examples, cost, a button to MLflow, and which incident it is."""
    found: list[dict[str, object]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(notice.headline, _HEADER_LIMIT)}},
    ]
    if notice.examples:
        shown = "\n".join(f"• {_escaped(told(example))}" for example in notice.examples)
        found.append(_section(f"*What learners did not understand*\n{shown}"))
    found.append(_section(_escaped(notice.cost)))
    if notice.link is not None:
        button = {
            "type": "button",
            "text": {"type": "plain_text", "text": "Open in MLflow"},
            "url": notice.link,
        }
        found.append({"type": "actions", "elements": [button]})
    context = {"type": "mrkdwn", "text": _escaped(footer(notice))}
    return [*found, {"type": "context", "elements": [context]}]


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, _SECTION_LIMIT)}}


def _escaped(text: str) -> str:
    """Slack's three control characters as it wants them; so nobody's text calls @channel or forges a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _seconds(told_by_slack: object) -> float | None:
    text = told_by_slack[0] if isinstance(told_by_slack, list) and told_by_slack else told_by_slack
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        pass
    try:
        # RFC 9110, 10.2.3: a date is as good, which proxies send
        moment = parsedate_to_datetime(str(text))
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
