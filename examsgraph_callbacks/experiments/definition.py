"""An experiment as data: a TOML file or the body of a request, checked and told where it is wrong."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.experiments.experiment import Holdout, Namespace, PromptExperiment, RampStep
from examsgraph_callbacks.experiments.metrics import MetricName

__all__ = ["experiment_from", "load_experiments"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Namespace(_Part):
    name: str
    begin: float
    end: float


class _Holdout(_Part):
    name: str
    share: float


class _RampStep(_Part):
    since: datetime
    coverage: float


class _Definition(_Part):
    name: str
    variants: dict[str, str]
    weights: dict[str, float] | None = None
    primary_metric: MetricName = "satisfaction"
    minimum_effect: float | None = None
    significance: float = 0.05
    power: float = 0.8
    planned_looks: int = 28
    coverage: float = 1.0
    ramp_up: tuple[_RampStep, ...] = ()
    namespace: _Namespace | None = None
    holdout: _Holdout | None = None
    seed: str | None = None


Registry = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Finds the texts at addresses such as `prompts:/tutor@strict`, both by the names of variants."""

_ADDRESS = "prompts:/"


def load_experiments(path: str | Path, registry: Registry | None = None) -> dict[str, PromptExperiment]:
    """The experiments of a TOML file, each a table `[experiments.NAME]`, by their names.

    A variant may be the address of a prompt, which `registry` then finds, such as `registered_prompts` of
    `examsgraph_callbacks.deliver`. Raises `InvalidInputError`, naming the place, where the file or a value in
    it is not what it should be.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(f"expected a TOML file at {path}, could not read it: {error}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise InvalidInputError(f"expected TOML in {path}, found: {error}") from error
    tables = content.get("experiments")
    if not isinstance(tables, dict) or not tables:
        found = ", ".join(content) or "nothing"
        raise InvalidInputError(f"expected a table [experiments.NAME] in {path}, found {found}")
    return {
        name: _with_texts(experiment_from(name, table, str(path)), str(path), registry)
        for name, table in tables.items()
    }


def experiment_from(name: str, values: Mapping[str, object], where: str = "it") -> PromptExperiment:
    """The experiment of these values, by the names of `PromptExperiment`'s fields; raises as above."""
    try:
        given = _Definition.model_validate({**values, "name": name})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, ("experiments", name, *problem["loc"])))
        raise InvalidInputError(
            f"{place} in {where}: {problem['msg']}, found {problem['input']!r}"
        ) from error
    ramp_up = tuple(RampStep(_in_utc(step.since), step.coverage) for step in given.ramp_up)
    fields = given.model_dump(exclude={"ramp_up", "namespace", "holdout"})
    return PromptExperiment(
        **fields,
        ramp_up=ramp_up,
        namespace=None if given.namespace is None else Namespace(**given.namespace.model_dump()),
        holdout=None if given.holdout is None else Holdout(**given.holdout.model_dump()),
    )


def _with_texts(experiment: PromptExperiment, where: str, registry: Registry | None) -> PromptExperiment:
    addresses = {name: text for name, text in experiment.variants.items() if text.startswith(_ADDRESS)}
    if not addresses:
        return experiment
    if registry is None:
        raise InvalidInputError(
            f"expected texts for the variants of {experiment.name!r} in {where}, got "
            f"{[*addresses.values()]}: write the texts there, or pass load_experiments a registry that finds "
            "them",
        )
    return replace(experiment, variants={**experiment.variants, **registry(addresses)})


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
