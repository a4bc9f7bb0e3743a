"""Whether a task went to a model that it may use: the route of a call against the routing policy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from pydantic import TypeAdapter

from examsgraph_callbacks.measure.toml_file import read_table

__all__ = ["RoutingPolicy", "load_policy", "model_family"]

# gpt-4o-2024-08-06, claude-3-5-haiku-20241022, claude-3-5-sonnet@20240620, gpt-4-0613, …-latest
_SNAPSHOT = re.compile(r"(?:[-@](?:\d{4}-\d{2}-\d{2}|\d{8})|-\d{4}|-latest)$")

_DOCUMENT_RULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"simple_greeting": ("gpt-4o-mini",), "complex_reasoning": ("gpt-4o",)},
)


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """The models that each task type may use; as it stands, the product's own two rules.

    A model's name allows its dated snapshots too: `gpt-4o` allows `gpt-4o-2024-08-06`, and neither
    `gpt-4o-mini` nor its snapshots. The name of a snapshot allows that snapshot alone.
    """

    rules: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _DOCUMENT_RULES)

    def misrouted(self, task_type: str | None, model: str | None) -> bool | None:
        """Whether `model` is not allowed for `task_type`; None where that cannot be judged.

        That is where the task type has no rule, or the model or the task type is not known.
        """
        if task_type is None or model is None or (allowed := self.rules.get(task_type)) is None:
            return None
        return not any(_is_model(model.lower(), name.lower()) for name in allowed)

    def allowed(self, task_type: str | None) -> str | None:
        """The first of the models that `task_type` may use; None where it has no rule."""
        return next(iter(self.rules.get(task_type or "", ())), None)

    @property
    def version(self) -> str:
        """Names the rules: equal for policies that judge alike."""
        told = "\n".join(f"{task}={','.join(models)}" for task, models in sorted(self.rules.items()))
        return f"routing {sha256(told.encode()).hexdigest()[:12]}"


def model_family(model: str) -> str:
    """The model's name without the snapshot's date: `gpt-4o` for `gpt-4o-2024-08-06`."""
    return _SNAPSHOT.sub("", model)


def load_policy(path: str | Path) -> RoutingPolicy:
    """The policy in a TOML file's `[routing]` table: under each task type, the models that it may use.

        [routing]
        simple_greeting = ["gpt-4o-mini", "gpt-4.1-nano"]
        complex_reasoning = ["gpt-4o"]

    Raises `InvalidInputError`, naming the file and the place, where it cannot be read as that.
    """
    return RoutingPolicy(read_table(path, "routing", TypeAdapter(dict[str, tuple[str, ...]])))


def _is_model(model: str, name: str) -> bool:
    return model == name or model_family(model) == name.removesuffix("-latest")
