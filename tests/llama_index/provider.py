"""A provider that keeps a ledger, and LlamaIndex's real clients of it."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai import OpenAI, OpenAIResponses
from llama_index.llms.openai_like import OpenAILike  # type: ignore[import-untyped]

from tests.servers.openai_server import LedgerServer

__all__ = ["Provider"]

STREAMS_WITH_USAGE = {"stream_options": {"include_usage": True}}


@dataclass
class Provider:
    """The server, and real clients of it."""

    server: LedgerServer
    http: httpx.Client
    ahttp: httpx.AsyncClient
    _claudes: list[Any] = field(default_factory=list)

    def _openai(self, **more: Any) -> dict[str, Any]:
        return {
            "api_base": self.server.url,
            "api_key": "not-a-key",
            "max_retries": 0,
            "http_client": self.http,
            "async_http_client": self.ahttp,
            "additional_kwargs": STREAMS_WITH_USAGE,
            **more,
        }

    def chat(self, model: str = "gpt-4o", **more: Any) -> Any:
        return OpenAI(model=model, **self._openai(**more))

    def completion(self) -> Any:
        # a limit of its own, or it counts with tiktoken, which downloads its ranks
        return OpenAI(model="gpt-3.5-turbo-instruct", max_tokens=256, **self._openai())

    def responses(self) -> Any:
        return OpenAIResponses(model="gpt-4o", **self._openai(additional_kwargs={}))

    def like(self, model: str = "gpt-4o-mini", **more: Any) -> Any:
        return OpenAILike(model=model, is_chat_model=True, **self._openai(**more))

    def claude(self, **more: Any) -> Any:
        about = {"base_url": self.server.root, "api_key": "not-a-key", "max_retries": 0, **more}
        claude = Anthropic(model="claude-haiku-4-5", **about)
        self._claudes.append(claude)
        return claude

    async def aclose(self) -> None:
        for claude in self._claudes:
            claude._client.close()
            await claude._aclient.close()
