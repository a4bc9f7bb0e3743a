"""Which columns of a record, or keys of a map, make a triplet, a path or a seed, by their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Layout", "holds_paths", "holds_triplets", "layout_of"]

_ENDS = (
    ("source", "target"),
    ("source_id", "target_id"),
    ("source_name", "target_name"),
    ("node", "next_node"),
    ("start", "end"),
    ("start_node", "end_node"),
    ("start_name", "end_name"),
    ("from", "to"),
    ("subject", "object"),
    ("head", "tail"),
    ("node1", "node2"),
)
_RELATIONS = ("relation", "type", "relationship", "relation_type", "rel_type", "rel", "predicate")
_NODE_LISTS = ("nodes", "node_names", "names", "concepts", "entities", "path")
_RELATION_LISTS = ("relations", "relationships", "relation_types", "rel_types", "types", "rels")
_SCORES = ("score", "similarity", "similarity_score", "_score")
_SEEDS = ("node", "metadata", "name", "title", "concept", "entity", "properties", "document")

_TYPE_COLUMN = re.compile(r"type\(\w+\)")  # a column that was given no name is called by its expression
_TRIPLETS = re.compile(r"tripl|relation|edge|hop|fact|^rels?$")
_PATHS = re.compile(r"(?<![a-z])path$")


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions among the columns; None, or none, where there are none of a kind.

    `triplet` holds source, relation and target, `lists` the nodes of a path and its relations. `node` is
    the column of that name; the `seeds` may tell whose score it is, the likeliest first.
    """

    triplet: tuple[int, int, int] | None
    lists: tuple[int, int] | None
    score: int | None
    node: int | None
    seeds: tuple[int, ...]


@lru_cache(maxsize=256)
def layout_of(columns: tuple[str, ...]) -> Layout:
    """The layout of these columns; those of one query come with every record of it."""
    names = tuple(column.lower() for column in columns)
    return Layout(
        triplet=_triplet(names),
        lists=_lists(names),
        score=_first(names, _SCORES),
        node=_first(names, ("node",)),
        seeds=tuple(names.index(name) for name in _SEEDS if name in names),
    )


@lru_cache(maxsize=256)
def holds_triplets(column: str) -> bool:
    """Whether three texts in this column are a triplet, and not just any three."""
    return _TRIPLETS.search(column.lower()) is not None


@lru_cache(maxsize=256)
def holds_paths(column: str) -> bool:
    """Whether lists of three texts in this column are a path's triplets, where each continues the last."""
    return _PATHS.search(column.lower()) is not None


def _triplet(names: Sequence[str]) -> tuple[int, int, int] | None:
    relation = _first(names, _RELATIONS)
    if relation is not None:
        for source, target in _ENDS:
            if source in names and target in names:
                return names.index(source), relation, names.index(target)
    for position, name in enumerate(names[1:-1], start=1):
        if _TYPE_COLUMN.fullmatch(name):
            return position - 1, position, position + 1
    return None


def _lists(names: Sequence[str]) -> tuple[int, int] | None:
    nodes, relations = _first(names, _NODE_LISTS), _first(names, _RELATION_LISTS)
    return None if nodes is None or relations is None else (nodes, relations)


def _first(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)
