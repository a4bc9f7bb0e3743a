"""A concept graph as values: its concepts and relations, checked, and read from JSON lines."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["Concept", "ConceptGraph", "Relation"]


class Concept(BaseModel):
    """A concept: its name, which identifies it, what it means, and its embedding."""

    model_config = ConfigDict(frozen=True)

    name: str
    summary: str = ""
    embedding: tuple[float, ...]


class Relation(BaseModel):
    """A relation of some type that points from the concept `source` to the concept `target`."""

    model_config = ConfigDict(frozen=True)

    source: str
    type: str
    target: str


@dataclass(frozen=True, slots=True)
class ConceptGraph:
    """Concepts in the order of their names, and the different relations between them.

    Make one with `of` or `from_jsonl`, which check that it is sound.
    """

    concepts: tuple[Concept, ...]
    relations: tuple[Relation, ...]

    @property
    def dimensions(self) -> int:
        """How many numbers an embedding has."""
        return len(self.concepts[0].embedding)

    @classmethod
    def of(cls, concepts: Iterable[Concept], relations: Iterable[Relation]) -> "ConceptGraph":
        """The graph of these concepts and relations; a relation that is given twice counts once.

        Raises `InvalidInputError` where there are no concepts, two have one name, an embedding is no
        direction or of another dimension than the first, or a relation names an unknown concept.
        """
        ordered = tuple(sorted(concepts, key=lambda concept: concept.name))
        if not ordered:
            raise InvalidInputError("expected concepts, got none: a graph needs at least one")
        names: set[str] = set()
        for concept in ordered:
            if concept.name in names:
                raise InvalidInputError(
                    f"expected concepts of different names, got {concept.name!r} twice: "
                    "a name identifies its concept, so rename or merge them",
                )
            names.add(concept.name)
            _check_embedding(concept, len(ordered[0].embedding))
        different = tuple(dict.fromkeys(relations))
        for relation in different:
            if unknown := {relation.source, relation.target} - names:
                raise InvalidInputError(
                    f"expected relations between the given concepts, got {relation.source!r} "
                    f"-{relation.type}-> {relation.target!r}: add the concept {min(unknown)!r}",
                )
        return cls(ordered, different)

    @classmethod
    def from_jsonl(cls, concepts_path: Path | str, relations_path: Path | str) -> "ConceptGraph":
        """The graph of two files with one JSON object a line.

        A concept has `name`, `summary` and `embedding`, a relation `source`, `type` and `target`;
        other fields are passed over. Raises `InvalidInputError`, naming the line, for a malformed one.
        """
        return cls.of(_read(Path(concepts_path), Concept), _read(Path(relations_path), Relation))


def _check_embedding(concept: Concept, dimensions: int) -> None:
    embedding = concept.embedding
    if len(embedding) != dimensions or not any(embedding) or not all(map(math.isfinite, embedding)):
        raise InvalidInputError(
            f"expected an embedding of {dimensions} finite numbers that are not all 0 for "
            f"{concept.name!r}, got {len(embedding)}, {list(embedding[:3])} and on: "
            "embed all concepts with one model",
        )


Line = TypeVar("Line", Concept, Relation)


def _read(path: Path, kind: type[Line]) -> tuple[Line, ...]:
    values = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                values.append(kind.model_validate_json(line))
            except ValidationError as error:
                first = error.errors()[0]
                field = ".".join(map(str, first["loc"])) or "it"
                raise InvalidInputError(
                    f"expected a {kind.__name__.lower()} in line {number} of {path}, but {field}: "
                    f"{first['msg']}; correct the line",
                ) from error
    return tuple(values)
