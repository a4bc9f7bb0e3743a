"""Prompts in MLflow's registry: a new version where a prompt's text is new, else the one that has it."""

import hashlib
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from examsgraph_callbacks.deliver.answers import status_of
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.repeating import repeated

if TYPE_CHECKING:
    from mlflow.entities.model_registry import PromptVersion

__all__ = ["PromptRegistry", "RegisteredPrompt", "registered_name"]

_PAGE = 100  # versions an answer
_LINKED_EXPERIMENTS = "_mlflow_experiment_ids"
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class RegisteredPrompt:
    """A version of a prompt in the registry."""

    name: str
    version: int


class PromptRegistry:
    """Registers prompts, for the Prompts page of one experiment too; raises MLflow's own errors."""

    def __init__(self, destination: Destination) -> None:
        self._client = destination.client
        self._registered: dict[tuple[str, str], RegisteredPrompt] = {}
        self._aliases: dict[RegisteredPrompt, set[str]] = {}

    def register(self, variant: str, text: str, experiment_id: str) -> RegisteredPrompt:
        """The version that holds `text`, made where there is none; doing it again changes nothing."""
        name = registered_name(variant)
        if (name, text) not in self._registered:
            self._registered[name, text] = self._find_or_make(name, text, experiment_id)
        return self._registered[name, text]

    def call(self, prompt: RegisteredPrompt, experiment: str) -> None:
        """Have the experiment's name stand for this version, as an alias; doing it again changes nothing."""
        alias = registered_name(experiment).replace(".", "_")
        if alias not in self._aliases.get(prompt, ()):
            repeated(partial(self._client.set_prompt_alias, prompt.name, alias, prompt.version))
            self._aliases.setdefault(prompt, set()).add(alias)

    def _find_or_make(self, name: str, text: str, experiment_id: str) -> RegisteredPrompt:
        versions = self._versions(name)
        if versions is None:
            # as MLflow itself writes down the experiments of a prompt
            self._client.create_prompt(name, tags={_LINKED_EXPERIMENTS: f",{experiment_id},"})
        same = [version for version in versions or () if version.template == text]
        if same:
            return RegisteredPrompt(name, min(int(version.version) for version in same))
        return RegisteredPrompt(name, int(self._client.create_prompt_version(name, text).version))

    def _versions(self, name: str) -> "list[PromptVersion] | None":
        """All versions of a prompt; None where there is no such prompt."""
        from mlflow.exceptions import MlflowException

        versions: list[PromptVersion] = []
        token: str | None = ""
        while token is not None:
            try:
                page = repeated(partial(self._client.search_prompt_versions, name, _PAGE, token or None))
            except MlflowException as error:
                if status_of(error) == 404:
                    return None
                raise
            versions.extend(page)
            token = page.token or None
        return versions


def registered_name(variant: str) -> str:
    """The prompt's name in the registry: the variant's own, where MLflow takes it.

    It takes letters of ASCII, digits, dots, hyphens and underscores. Of another name those are left, and
    the end tells it from others.
    """
    name = _NOT_IN_A_NAME.sub("_", variant)
    if name == variant and name.strip("._"):
        return name
    digest = hashlib.blake2s(variant.encode(), digest_size=4).hexdigest()
    return f"{name.strip('._')}-{digest}".lstrip("-")
