"""Reads what one query's records tell of a graph: paths, relations, triplets, and where it began."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from neo4j import Record
from neo4j.graph import Node, Path, Relationship

from examsgraph_callbacks.events import Direction
from examsgraph_callbacks.graph.tap.collected import Collected, Link, NodeKey, Step
from examsgraph_callbacks.graph.tap.layouts import Layout, holds_paths, holds_triplets, layout_of
from examsgraph_callbacks.graph.tap.statements import Statement

__all__ = ["RecordReader"]

_DEEPEST = 5  # lists and maps within each other
_LONGEST_LIST = 10_000  # items
_ARROWS = ("->", "→", "<-", "←")
_FIGURES = frozenset({bool, float, int, type(None)})


class RecordReader:
    """Reads the records of one query, which `statement` is about, into `collected`.

    Only plain values are kept of them.
    """

    def __init__(self, collected: Collected, statement: Statement) -> None:
        self._collected = collected
        self._statement = statement
        self._columns: tuple[str, ...] = ()
        self._layout: Layout | None = None  # of the columns
        self._whole: dict[str, NodeKey] = {}  # nodes that were seen whole, by element id
        self._first_start: NodeKey | None = None  # of the first path in the record at hand

    def read(self, record: Record) -> None:
        """Read one more record; raises nothing that its own values do not raise."""
        layout = self._layout
        if layout is None:
            self._columns = tuple(record.keys())
            layout = self._layout = layout_of(self._columns)
        # past the record's own iteration, which raises where one of its values could not be decoded
        values = tuple(tuple.__iter__(record))
        self._first_start = None
        self._read_fields(self._columns, layout, values, 0)
        if layout.score is not None:
            self._read_seed(layout, values)

    def _read_fields(
        self, names: tuple[str, ...], layout: Layout, values: Sequence[object], depth: int
    ) -> None:
        """Of a record or a map."""
        read: tuple[int, ...] = ()
        if layout.triplet and self._read_link(*(values[position] for position in layout.triplet)):
            read = layout.triplet
        if layout.lists and self._read_lists(*(values[position] for position in layout.lists)):
            read = (*read, *layout.lists)
        for position, (name, value) in enumerate(zip(names, values, strict=True)):
            if value.__class__ not in _FIGURES and position not in read:
                self._read_value(name, value, depth)

    def _read_value(self, name: str, value: object, depth: int) -> None:
        if isinstance(value, Path):
            self._read_path(value)
        elif isinstance(value, str):
            if any(arrow in value for arrow in _ARROWS):
                self._collected.columns_of_text.add(name)
        elif isinstance(value, Relationship):
            self._read_relationship(value)
        elif isinstance(value, Node):
            self._node(value)
        elif depth < _DEEPEST:
            if isinstance(value, list):
                self._read_list(name, value, depth)
            elif isinstance(value, dict):
                names = tuple(value)
                self._read_fields(names, layout_of(names), tuple(value.values()), depth + 1)

    def _read_list(self, name: str, items: list[object], depth: int) -> None:
        # an embedding, most likely
        if not items or isinstance(items[0], (int, float)):
            return
        if isinstance(items[0], Relationship) and len(items) > 1:
            chain = [item for item in items if isinstance(item, Relationship)]
            if self._read_chain(chain):
                return
        if self._is_triplet(items, named=holds_triplets(name)) and self._read_link(*items):
            return
        if holds_paths(name) and self._read_triplets(items):
            return
        for item in items[:_LONGEST_LIST]:
            self._read_value(name, item, depth + 1)

    def _read_path(self, path: Path) -> None:
        nodes = [self._node(node) for node in path.nodes]
        self._start(nodes[0])
        for depth, relationship in enumerate(path.relationships, start=1):
            node, next_node = nodes[depth - 1], nodes[depth]
            self._step(relationship, node, next_node, depth)

    def _read_chain(self, relationships: Sequence[Relationship]) -> bool:
        """The relations of a path, without its nodes; False where they make none."""
        ends = [ends for relationship in relationships if (ends := self._ends(relationship)) is not None]
        if len(ends) != len(relationships):
            return False
        here = next((end for end in ends[0] if end not in ends[1]), None)
        if here is None or any(not {*one} & {*following} for one, following in pairwise(ends)):
            return False
        self._start(here)
        for depth, (relationship, (source, target)) in enumerate(
            zip(relationships, ends, strict=True), start=1
        ):
            following = target if here == source else source
            self._step(relationship, here, following, depth)
            here = following
        return True

    def _read_relationship(self, relationship: Relationship) -> None:
        ends = self._ends(relationship)
        if ends is not None:
            self._collected.link(relationship.element_id, Link(ends[0], relationship.type, ends[1]))

    def _read_lists(self, nodes: object, relations: object) -> bool:
        """A path's nodes and its relations' types, each a list."""
        if not isinstance(nodes, list) or not isinstance(relations, list):
            return False
        keys = [self._end(node) for node in nodes]
        if len(keys) != len(relations) + 1 or len(keys) < 2 or None in keys:
            return False
        if not all(isinstance(relation, str) for relation in relations):
            return False
        found = [key for key in keys if key is not None]
        self._start(found[0])
        for depth, (relation, (node, next_node)) in enumerate(
            zip(relations, pairwise(found), strict=True), start=1
        ):
            step = Step(node, str(relation), next_node, "out", depth)
            self._collected.has_unknown_directions = True
            self._collected.step((node, relation, next_node), step)
        return True

    def _read_triplets(self, items: Sequence[object]) -> bool:
        """A path as a list of triplets, each of which continues the one before."""
        triplets = [item for item in items if isinstance(item, list) and self._is_triplet(item, named=True)]
        if len(triplets) != len(items) or any(one[2] != other[0] for one, other in pairwise(triplets)):
            return False
        for source, relation, target in triplets:
            self._read_link(source, relation, target)
        return True

    def _is_triplet(self, items: Sequence[object], *, named: bool) -> bool:
        """Whether it is [node, type, node]; three texts are one only in a column that is named so."""
        if len(items) != 3 or not isinstance(items[1], str):
            return False
        ends = (items[0], items[2])
        if all(isinstance(end, str) for end in ends):
            return named and self._statement.tells_types
        return all(isinstance(end, (Node, dict)) for end in ends)

    def _read_link(self, source: object, relation: object, target: object) -> bool:
        if isinstance(relation, Relationship):
            self._read_relationship(relation)
            return True
        ends = self._end(source), self._end(target)
        if not isinstance(relation, str) or ends[0] is None or ends[1] is None:
            return False
        link = Link(ends[0], relation, ends[1])
        self._collected.link(link, link)
        return True

    def _read_seed(self, layout: Layout, values: Sequence[object]) -> None:
        score = values[layout.score] if layout.score is not None else None
        if not isinstance(score, (int, float)):
            return
        key = self._seed(layout, values)
        if key is not None:
            self._collected.seed(key, None if self._statement.ranks_text else float(score))

    def _seed(self, layout: Layout, values: Sequence[object]) -> NodeKey | None:
        """Whose score the record tells: its node, or where its path begins, or what it names."""
        node = None if layout.node is None else values[layout.node]
        if isinstance(node, Node):
            return self._node(node)
        if self._first_start is not None:
            return self._first_start
        for value in values:
            if isinstance(value, Node):
                return self._node(value)
        for position in layout.seeds:
            if (key := self._end(values[position])) is not None:
                return key
        return None

    def _start(self, key: NodeKey) -> None:
        self._collected.start(key)
        if self._first_start is None:
            self._first_start = key

    def _step(self, relationship: Relationship, node: NodeKey, next_node: NodeKey, depth: int) -> None:
        known = self._collected.steps.get(relationship.element_id)
        if known is not None and known.depth <= depth:
            return
        source = relationship.start_node
        direction: Direction = "out" if source is None or source.element_id == node.element_id else "in"
        step = Step(node, relationship.type, next_node, direction, depth)
        self._collected.step(relationship.element_id, step)

    def _ends(self, relationship: Relationship) -> tuple[NodeKey, NodeKey] | None:
        source, target = relationship.nodes
        return None if source is None or target is None else (self._node(source), self._node(target))

    def _end(self, value: object) -> NodeKey | None:
        """The node that a triplet's end stands for: itself, its properties, or its name."""
        if isinstance(value, Node):
            return self._node(value)
        properties = value if isinstance(value, Mapping) else {"name": value}
        name = self._collected.name_in(properties)
        if name is None:
            return None
        key = NodeKey(None, name)
        self._collected.see(key, properties, is_whole=False)
        return key

    def _node(self, node: Node) -> NodeKey:
        element_id = node.element_id
        key = self._whole.get(element_id)
        if key is None:
            key = NodeKey(element_id, None)
            # a relation's ends come without labels and properties, where they are not returned themselves
            is_whole = bool(node.labels) or len(node) > 0
            self._collected.see(key, node, is_whole=is_whole)
            if is_whole:
                self._whole[element_id] = key
        return key
