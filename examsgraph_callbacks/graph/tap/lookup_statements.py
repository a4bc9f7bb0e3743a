"""The Cypher by which nodes are looked up, and what its records tell; whatever can be a parameter is one."""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from neo4j import Record

from examsgraph_callbacks.graph.cypher import quoted
from examsgraph_callbacks.graph.tap.collected import NAME_PROPERTIES, Collected, NodeKey
from examsgraph_callbacks.graph.tap.similarity import Similarities

__all__ = ["Found", "Index", "Question", "Wanted", "conversation", "wanted_of"]

_NODES_LIMIT = 500
_INDEXES_LIMIT = 8

Index: TypeAlias = tuple[str, str, str]
"""A kind (`RANGE` or `VECTOR`), a label and a property.

By the one the database finds nodes without looking at all of them; over the other it has embeddings.
"""

_INDEXES = """
    SHOW INDEXES YIELD type, entityType, state, labelsOrTypes, properties
    WHERE entityType = 'NODE' AND state = 'ONLINE' AND type IN ['RANGE', 'VECTOR'] AND size(properties) = 1
    RETURN type, labelsOrTypes[0] AS label, properties[0] AS property
"""

# UNWIND makes the planner seek each node, where it might else look at all of them; a property that is a
# long list is read once
_NODES = """
    UNWIND $keys AS key
    MATCH (node{label}) WHERE {node_key} = key
    WITH key, node, head([vector IN [property IN $embeddings | node[property]]
        WHERE size(vector) = coalesce($dimension, size(vector))]) AS vector
    RETURN key, elementId(node) AS element_id, [property IN $names | node[property]] AS names,
        CASE WHEN $query_vector IS NOT NULL
            THEN vector.similarity.cosine(vector, $query_vector) END AS similarity,
        COLLECT {{
            UNWIND $next_keys[key] AS next_key
            MATCH (next{label}) WHERE {next_key} = next_key
            WITH next_key, head([other IN [property IN $embeddings | next[property]]
                WHERE size(other) = size(vector)]) AS next_vector
            WHERE next_vector IS NOT NULL
            RETURN [next_key, vector.similarity.cosine(vector, next_vector)]
        }} AS pairs
"""


class Question(NamedTuple):
    """A statement to be sent, and its parameters."""

    statement: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The nodes of which more is to be known, by element id and by name, and which pairs they make.

    `texts` are the queries that told of them.
    """

    element_ids: tuple[str, ...]
    by_name: tuple[str, ...]
    next_keys: Mapping[str, Sequence[str]]
    names: tuple[str, ...]
    query_vector: Sequence[float] | None
    texts: tuple[str, ...] = ()


@dataclass(slots=True)
class Found:
    """What the database told: names, and similarities; a name that several nodes have tells neither."""

    names: dict[NodeKey, str] = field(default_factory=dict)
    similarities: Similarities = field(default_factory=Similarities)
    ambiguous: int = 0


def wanted_of(
    collected: Collected, query_vector: Sequence[float] | None, texts: Iterable[str] = ()
) -> Wanted | None:
    """What is to be looked up; None where the records told all that there is."""
    ends = [(step.node, step.next_node) for step in collected.steps.values()]
    ends += [(link.source, link.target) for link in collected.links.values()]
    every = dict.fromkeys(key for pair in ends for key in pair)
    # a seed's own score says how similar it is, unless it ranks words too
    every.update(dict.fromkeys(key for key, score in collected.seeds.items() if score is None))
    # in order, so that the same records want the same
    keys = dict.fromkeys([key for key in every if _is_wanting(collected, key)][:_NODES_LIMIT])
    if not keys:
        return None
    next_keys: defaultdict[str, list[str]] = defaultdict(list)
    for key, next_key in ends:
        # a node that is known by its id and one that is known by its name are not compared
        if key in keys and next_key in keys and (key.name is None) == (next_key.name is None):
            next_keys[_text(key)].append(_text(next_key))
    own = () if collected.name_property is None else (collected.name_property,)
    return Wanted(
        element_ids=tuple(key.element_id for key in keys if key.element_id is not None),
        by_name=tuple(key.name for key in keys if key.name is not None),
        next_keys=next_keys,
        names=(*own, *NAME_PROPERTIES),
        query_vector=query_vector,
        texts=tuple(texts),
    )


def conversation(
    wanted: Wanted,
    known_indexes: Sequence[Index] | None,
    remember: Callable[[Sequence[Index]], None],
) -> Generator[Question, Sequence[Record], Found]:
    """What to ask, one question after the other, each answered by its records.

    Which indexes there are is asked first, where it is not known.
    """
    indexes = known_indexes
    if indexes is None:
        indexes = [
            (record["type"], record["label"], record["property"]) for record in (yield Question(_INDEXES, {}))
        ]
        remember(indexes)
    answers = _Answers()
    if wanted.element_ids:
        by_id = [NodeKey(element_id, None) for element_id in wanted.element_ids]
        answers.take((yield _question(wanted, by_id, [_by_element_id()], indexes)), _id_key)
    ways = [_by_index(label, name) for label, name in _fitting(indexes, wanted)]
    if wanted.by_name and ways:
        by_name = [NodeKey(None, name) for name in wanted.by_name]
        answers.take((yield _question(wanted, by_name, ways, indexes)), _name_key)
    return answers.found()


class _Answers:
    """Puts together what was answered; a key that stands for several nodes is left out."""

    def __init__(self) -> None:
        self._nodes: dict[NodeKey, str] = {}
        self._ambiguous: set[NodeKey] = set()
        self._names: dict[NodeKey, str] = {}
        self._to_query: dict[NodeKey, float] = {}
        self._of_pairs: dict[tuple[NodeKey, NodeKey], float] = {}

    def take(self, records: Iterable[Record], key_of: Callable[[str], NodeKey]) -> None:
        """Take what `_NODES` answered."""
        for record in records:
            key = key_of(str(record["key"]))
            if self._nodes.setdefault(key, record["element_id"]) != record["element_id"]:
                self._ambiguous.add(key)
                continue
            name = key.name or next((name for name in record["names"] if isinstance(name, (str, int))), None)
            if name is not None:
                self._names[key] = str(name)
            if record["similarity"] is not None:
                self._to_query[key] = record["similarity"]
            for next_key, similarity in record["pairs"]:
                self._of_pairs[key, key_of(str(next_key))] = similarity

    def found(self) -> Found:
        """All that is certain."""
        unclear = self._ambiguous
        return Found(
            names=self._names,
            similarities=Similarities(
                {key: value for key, value in self._to_query.items() if key not in unclear},
                {pair: value for pair, value in self._of_pairs.items() if unclear.isdisjoint(pair)},
            ),
            ambiguous=len(unclear),
        )


def _question(
    wanted: Wanted, keys: Sequence[NodeKey], ways: Sequence[str], indexes: Sequence[Index]
) -> Question:
    texts = [_text(key) for key in keys]
    parameters = {
        "keys": texts,
        "next_keys": {text: [*wanted.next_keys.get(text, ())] for text in texts},
        "names": [*wanted.names],
        "embeddings": sorted({name for kind, _, name in indexes if kind == "VECTOR"}),
        "query_vector": None if wanted.query_vector is None else [*wanted.query_vector],
        "dimension": None if wanted.query_vector is None else len(wanted.query_vector),
    }
    return Question("UNION ALL".join(ways), parameters)


def _by_element_id() -> str:
    return _NODES.format(label="", node_key="elementId(node)", next_key="elementId(next)")


def _by_index(label: str, name: str) -> str:
    node, key = quoted(label), quoted(name)
    return _NODES.format(label=f":{node}", node_key=f"node.{key}", next_key=f"next.{key}")


def _fitting(indexes: Sequence[Index], wanted: Wanted) -> Sequence[tuple[str, str]]:
    """Labels and properties by which to find nodes by name.

    Of labels that the queries speak of, or any label where they speak of none; labels that have
    embeddings first.
    """
    embedded = {label for kind, label, _ in indexes if kind == "VECTOR"}
    over_names = {
        (label, name)
        for kind, label, name in indexes
        if kind == "RANGE" and name in wanted.names and "\\" not in f"{label}{name}"
    }
    spoken_of = {index for index in over_names if any(index[0] in text for text in wanted.texts)}
    ordered = sorted(spoken_of or over_names, key=lambda index: (index[0] not in embedded, *index))
    return ordered[:_INDEXES_LIMIT]


def _is_wanting(collected: Collected, key: NodeKey) -> bool:
    seen = collected.nodes.get(key)
    return seen is None or not (seen.is_whole or (seen.name and seen.embedding))


def _text(key: NodeKey) -> str:
    return key.element_id or key.name or ""


def _id_key(text: str) -> NodeKey:
    return NodeKey(text, None)


def _name_key(text: str) -> NodeKey:
    return NodeKey(None, text)
