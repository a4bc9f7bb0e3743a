"""The Cypher by which nodes are looked up, and what its records tell; whatever can be a parameter is one."""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from neo4j import Record

from examsgraph_callbacks.graph.cypher import quoted
from examsgraph_callbacks.graph.tap.collected import NAME_PROPERTIES, Collected, NodeKey
from examsgraph_callbacks.graph.tap.similarity import Similarities
from examsgraph_callbacks.graph.tap.statements import SHORTEST_VECTOR

__all__ = ["Found", "Index", "Question", "Wanted", "conversation", "wanted_of"]

_NODES_LIMIT = 500
_INDEXES_LIMIT = 8

Index: TypeAlias = tuple[str, str]
"""A label and a property, by which the database finds nodes without looking at all of them."""

_INDEXES = """
    SHOW INDEXES YIELD type, entityType, state, labelsOrTypes, properties
    WHERE entityType = 'NODE' AND state = 'ONLINE' AND type IN ['RANGE', 'VECTOR'] AND size(properties) = 1
    RETURN type, labelsOrTypes[0] AS label, properties[0] AS property
"""

# the embedding is known by its shape: a list of floats, as long as the query's where there is one
_NODES = """
    MATCH (node{label}) WHERE {node_key} IN $keys
    WITH node, {node_key} AS key, head([property IN keys(node) WHERE CASE
        WHEN valueType(node[property]) STARTS WITH 'LIST<FLOAT'
            THEN size(node[property]) = coalesce($dimension, size(node[property]))
                AND size(node[property]) >= $shortest
        ELSE false END]) AS embedding
    RETURN key, elementId(node) AS element_id, [property IN $names | node[property]] AS names,
        CASE WHEN embedding IS NOT NULL AND $query_vector IS NOT NULL
            THEN vector.similarity.cosine(node[embedding], $query_vector) END AS similarity,
        COLLECT {{
            MATCH (next{label}) WHERE {next_key} IN $next_keys[key] AND CASE
                WHEN valueType(next[embedding]) STARTS WITH 'LIST<FLOAT'
                    THEN size(next[embedding]) = size(node[embedding])
                ELSE false END
            RETURN [{next_key}, vector.similarity.cosine(node[embedding], next[embedding])]
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
    keys = {*[key for key in every if _is_wanting(collected, key)][:_NODES_LIMIT]}
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

    Which indexes there are is asked where they are not known and nodes are to be found by name.
    """
    answers = _Answers()
    if wanted.element_ids:
        keys = [NodeKey(element_id, None) for element_id in wanted.element_ids]
        answers.take((yield _question(wanted, keys, [_by_element_id()])), _id_key)
    if wanted.by_name:
        keys = [NodeKey(None, name) for name in wanted.by_name]
        indexes = known_indexes
        if indexes is None:
            indexes = _ordered((yield Question(_INDEXES, {})))
            remember(indexes)
        indexes = _fitting(indexes, wanted)
        if indexes:
            answers.take((yield _question(wanted, keys, [_by_index(index) for index in indexes])), _name_key)
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


def _question(wanted: Wanted, keys: Sequence[NodeKey], ways: Sequence[str]) -> Question:
    texts = [_text(key) for key in keys]
    parameters = {
        "keys": texts,
        "next_keys": {text: [*wanted.next_keys.get(text, ())] for text in texts},
        "names": [*wanted.names],
        "query_vector": None if wanted.query_vector is None else [*wanted.query_vector],
        "dimension": None if wanted.query_vector is None else len(wanted.query_vector),
        "shortest": SHORTEST_VECTOR,
    }
    return Question("UNION ALL".join(ways), parameters)


def _by_element_id() -> str:
    return _NODES.format(label="", node_key="elementId(node)", next_key="elementId(next)")


def _by_index(index: Index) -> str:
    label, name = map(quoted, index)
    return _NODES.format(label=f":{label}", node_key=f"node.{name}", next_key=f"next.{name}")


def _ordered(records: Iterable[Record]) -> tuple[Index, ...]:
    """The indexes that find nodes by a property, those of labels that have embeddings first."""
    rows = [(record["type"], record["label"], record["property"]) for record in records]
    embedded = {label for kind, label, _ in rows if kind == "VECTOR"}
    found = {
        (label, name)
        for kind, label, name in rows
        if kind == "RANGE" and not any("\\" in part for part in (label, name))
    }
    return tuple(sorted(found, key=lambda index: (index[0] not in embedded, *index)))


def _fitting(indexes: Sequence[Index], wanted: Wanted) -> tuple[Index, ...]:
    """Those over names, of labels that the queries speak of; of any label where they speak of none."""
    over_names = [(label, name) for label, name in indexes if name in wanted.names]
    spoken_of = [index for index in over_names if any(index[0] in text for text in wanted.texts)]
    return tuple((spoken_of or over_names)[:_INDEXES_LIMIT])


def _is_wanting(collected: Collected, key: NodeKey) -> bool:
    seen = collected.nodes.get(key)
    return seen is None or not (seen.is_whole or (seen.name and seen.embedding))


def _text(key: NodeKey) -> str:
    return key.element_id or key.name or ""


def _id_key(text: str) -> NodeKey:
    return NodeKey(text, None)


def _name_key(text: str) -> NodeKey:
    return NodeKey(None, text)
