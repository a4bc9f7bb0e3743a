"""What makes two requests the same: model, messages, tools and sampling, when secrets are taken out."""

import hashlib
import json
from collections.abc import Mapping

from pydantic import JsonValue

from examsgraph_callbacks.capture import Privacy, Redact, joined_texts, redact_text
from examsgraph_callbacks.events import LLMCall, Request

__all__ = ["Asked", "Canonical", "key_of", "ours_too"]

# how an answer is to be sent and the prompt to be kept, not what the answer is to say
_NOT_SAMPLING = frozenset({"stream_options", "cache_control"})

Asked = dict[str, JsonValue]
"""A request in the one form in which requests are compared: `model`, `messages`, `tools`, `parameters`."""


def ours_too(redact: Redact) -> Redact:
    """`redact`, and behind it the package's own rules."""
    return redact if redact is redact_text else lambda text: redact_text(redact(text))


class Canonical:
    """Brings requests, live and recorded, into the form in which they are compared.

    `redact` is the application's own where it has one; the package's is applied in any case, as it was when
    the recording was exported.
    """

    def __init__(self, redact: Redact = redact_text) -> None:
        self.text = ours_too(redact)
        self._privacy = Privacy(self.text)

    def live(self, model: str | None, request: Mapping[str, object]) -> Asked:
        """A request that is made now, given as the fields of a `Request`."""
        redacted = self._privacy.recorded_fields(LLMCall, {"request": dict(request)})["request"]
        return _asked(model, Request.model_validate(redacted))

    def recorded(self, call: LLMCall) -> Asked:
        """The request of a recorded call, which must have one."""
        request = self._privacy.recorded(call).request
        return _asked(call.requested_model, request or Request())


def key_of(asked: JsonValue) -> str:
    """A hash (BLAKE2b, 128 bits) by which equal requests are found."""
    encoded = json.dumps(asked, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(encoded.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _asked(model: str | None, request: Request) -> Asked:
    fields = request.model_dump(mode="json", exclude_none=True)
    parameters = {name: value for name, value in fields["parameters"].items() if name not in _NOT_SAMPLING}
    for message in fields["messages"]:
        # as they are recorded now, and were not always
        if message["role"] == "assistant" and "content" in message:
            message["content"] = joined_texts(message["content"])
    return {
        "model": model,
        "messages": fields["messages"],
        "tools": fields["tools"],
        "parameters": parameters,
    }
