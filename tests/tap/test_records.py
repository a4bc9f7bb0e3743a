"""Which columns of which shapes are read as hops and seeds, and which are not taken for any."""

from typing import Any

import pytest
from neo4j import Record
from neo4j.graph import Graph, Node, Path, Relationship

from examsgraph_callbacks.graph.tap.arranging import arrange
from examsgraph_callbacks.graph.tap.collected import Collected
from examsgraph_callbacks.graph.tap.records import RecordReader
from examsgraph_callbacks.graph.tap.statements import read_statement

TELLS_TYPES = "MATCH (a)-[r]->(b) RETURN [a.name, type(r), b.name]"


class Drawn:
    """Nodes and relationships as the driver makes them."""

    def __init__(self) -> None:
        self.graph = Graph()

    def node(self, name: str, **more: Any) -> Node:
        return Node(self.graph, f"id of {name}", 0, ["Concept"], {"name": name, **more})

    def bare(self, name: str) -> Node:
        """As the end of a relationship that is returned without it."""
        return Node(self.graph, f"id of {name}", 0)

    def relationship(self, source: Node, kind: str, target: Node) -> Relationship:
        identity = f"{source.element_id} {kind} {target.element_id}"
        made: Relationship = self.graph.relationship_type(kind)(self.graph, identity, 0, {})
        made._start_node, made._end_node = source, target
        return made


@pytest.fixture
def drawn() -> Drawn:
    return Drawn()


def read(*rows: dict[str, Any], text: str = TELLS_TYPES) -> Collected:
    collected = Collected()
    reader = RecordReader(collected, read_statement(text))
    for row in rows:
        reader.read(Record(row))  # type: ignore[no-untyped-call]
    return collected


def hops(collected: Collected) -> list[tuple[str, str, str, str, int]]:
    names = {key: node.name for key, node in collected.nodes.items() if node.name}
    return [
        (hop.node, hop.relation, hop.next_node, hop.direction, hop.depth)
        for hop in arrange(collected, names).hops
    ]


def seeds(collected: Collected) -> dict[str | None, float | None]:
    return {collected.nodes[key].name: score for key, score in collected.seeds.items()}


CHAIN = [("정규화", "포함", "제1정규형", "out", 1), ("제1정규형", "해결", "이상현상", "out", 2)]


class TestPaths:
    def test_tell_their_hops_with_depth_and_direction(self, drawn: Drawn) -> None:
        a, b, c = (drawn.node(name) for name in ("정규화", "제1정규형", "이상현상"))
        path = Path(a, drawn.relationship(a, "포함", b), drawn.relationship(c, "관련", b))
        assert hops(read({"path": path})) == [CHAIN[0], ("제1정규형", "관련", "이상현상", "in", 2)]

    @pytest.mark.parametrize("nest", [lambda path: [path], lambda path: {"x": {"paths": [path]}}])
    def test_also_in_lists_and_maps(self, drawn: Drawn, nest: Any) -> None:
        a, b = drawn.node("정규화"), drawn.node("제1정규형")
        assert hops(read({"metadata": nest(Path(a, drawn.relationship(a, "포함", b)))})) == CHAIN[:1]

    def test_that_share_hops_tell_each_once_as_near_as_it_lies(self, drawn: Drawn) -> None:
        a, b, c = (drawn.node(name) for name in ("정규화", "제1정규형", "이상현상"))
        direct, onward = drawn.relationship(a, "포함", b), drawn.relationship(b, "해결", c)
        around = Path(c, onward, direct)
        straight = Path(a, direct)
        assert hops(read({"path": around}, {"path": straight})) == [
            ("이상현상", "해결", "제1정규형", "in", 1),
            CHAIN[0],
        ]

    def test_without_a_hop_begin_nothing(self, drawn: Drawn) -> None:
        assert hops(read({"path": Path(drawn.node("정규화"))})) == []

    def test_of_which_a_value_is_broken_are_read_as_far_as_they_are_whole(self, drawn: Drawn) -> None:
        from neo4j._codec.hydration import BrokenHydrationObject

        a, b = drawn.node("정규화"), drawn.node("제1정규형")
        broken = BrokenHydrationObject(ValueError("?"), "raw")  # type: ignore[no-untyped-call]
        row = {"path": Path(a, drawn.relationship(a, "포함", b)), "when": broken}
        assert hops(read(row)) == CHAIN[:1]


class TestRelationships:
    def test_with_their_nodes_beside_them(self, drawn: Drawn) -> None:
        a, b = drawn.node("정규화"), drawn.node("제1정규형")
        assert hops(read({"n": a, "r": drawn.relationship(a, "포함", b), "m": b})) == CHAIN[:1]

    def test_named_by_another_column_of_another_record(self, drawn: Drawn) -> None:
        relationship = drawn.relationship(drawn.bare("정규화"), "포함", drawn.bare("제1정규형"))
        rows: list[dict[str, Any]] = [
            {"x": relationship},
            {"x": drawn.node("정규화")},
            {"x": drawn.node("제1정규형")},
        ]
        assert hops(read(*rows)) == CHAIN[:1]

    def test_in_a_list_make_a_path(self, drawn: Drawn) -> None:
        a, b, c = (drawn.node(name) for name in ("정규화", "제1정규형", "이상현상"))
        chain = [drawn.relationship(a, "포함", b), drawn.relationship(b, "해결", c)]
        assert hops(read({"r": chain})) == CHAIN

    def test_in_a_list_that_make_none_are_read_one_by_one(self, drawn: Drawn) -> None:
        a, b, c, d = (drawn.node(name) for name in ("정규화", "제1정규형", "조인", "키"))
        apart = [drawn.relationship(a, "포함", b), drawn.relationship(c, "관련", d)]
        assert hops(read({"r": apart})) == [CHAIN[0], ("조인", "관련", "키", "out", 1)]


class TestTriplets:
    @pytest.mark.parametrize(
        "row",
        [
            {"triplet": ["정규화", "포함", "제1정규형"]},
            {"triplets": [["정규화", "포함", "제1정규형"]]},
            {"anything": [{"name": "정규화"}, "포함", {"name": "제1정규형"}]},
            {"source": "정규화", "relation": "포함", "target": "제1정규형"},
            {"source_id": "정규화", "type": "포함", "target_id": "제1정규형", "rel_properties": {}},
            {"edge": {"from": "정규화", "type": "포함", "to": "제1정규형"}},
            {"a.name": "정규화", "type(r)": "포함", "b.name": "제1정규형"},
            {"path": [["정규화", "포함", "제1정규형"]]},
            {"nodes": ["정규화", "제1정규형"], "relations": ["포함"]},
            {"metadata": {"nodes": ["정규화", "제1정규형"], "rels": ["포함"], "score": 0.9}},
        ],
        ids=range(10),
    )
    def test_of_names(self, row: dict[str, Any]) -> None:
        assert hops(read(row)) == CHAIN[:1]

    def test_of_nodes(self, drawn: Drawn) -> None:
        row = {"source": drawn.node("정규화"), "type": "포함", "target": drawn.node("제1정규형")}
        assert hops(read(row)) == CHAIN[:1]

    @pytest.mark.parametrize(
        ("row", "text"),
        [
            ({"tags": ["정규화", "포함", "제1정규형"]}, TELLS_TYPES),
            ({"path": ["정규화", "제1정규형", "이상현상"]}, TELLS_TYPES),
            ({"paths": [["정규화", "제1정규형", "이상현상"], ["정규화", "조인", "키"]]}, TELLS_TYPES),
            ({"triplet": ["정규화", "제1정규형", "이상현상"]}, "RETURN [n IN nodes(p) | n.name] AS triplet"),
            ({"source": "교재.pdf", "type": "pdf", "page": 3}, TELLS_TYPES),
            ({"embedding": [0.1, 0.2, 0.3]}, TELLS_TYPES),
            ({"name": "정규화", "type": "Concept", "score": 0.9}, TELLS_TYPES),
        ],
        ids=range(7),
    )
    def test_are_not_seen_where_there_are_none(self, row: dict[str, Any], text: str) -> None:
        assert hops(read(row, text=text)) == []

    def test_that_follow_each_other_lie_as_deep_as_they_are_from_the_seed(self) -> None:
        rows = [
            {"source": "제1정규형", "type": "해결", "target": "이상현상"},
            {"source": "정규화", "type": "포함", "target": "제1정규형"},
            {"source": "데이터 모델링", "type": "포함", "target": "정규화"},
        ]
        collected = read(*rows)
        (seed,) = read({"name": "정규화", "score": 0.9}).seeds
        collected.seed(seed, 0.9)
        assert hops(collected) == [
            ("정규화", "포함", "제1정규형", "out", 1),
            ("정규화", "포함", "데이터 모델링", "in", 1),
            ("제1정규형", "해결", "이상현상", "out", 2),
        ]

    def test_of_lists_say_that_their_direction_is_not_known(self) -> None:
        collected = read({"nodes": ["정규화", "제1정규형"], "relations": ["포함"]})
        assert collected.has_unknown_directions

    def test_of_element_ids_record_none(self) -> None:
        ids = [f"4:0ecb33a8-c4d6-4009-9444-86b4d8a5590{digit}:{digit}" for digit in (1, 2)]
        collected = read({"source": ids[0], "type": "포함", "target": ids[1]})
        assert hops(collected) == []


class TestSeeds:
    def test_are_the_node_of_that_name(self, drawn: Drawn) -> None:
        row = {"other": drawn.node("조인"), "node": drawn.node("정규화"), "score": 0.9}
        assert seeds(read(row)) == {"정규화": 0.9}

    def test_are_where_the_path_begins(self, drawn: Drawn) -> None:
        a, b = drawn.node("정규화"), drawn.node("제1정규형")
        path = Path(a, drawn.relationship(a, "포함", b))
        assert seeds(read({"paths": [path], "last": b, "score": 0.9})) == {"정규화": 0.9}

    @pytest.mark.parametrize(
        "row",
        [
            {"node": {"name": "정규화", "embedding": None}, "id": "4:x:1", "score": 0.9},
            {"text": "정규화는…", "score": 0.9, "metadata": {"title": "정규화"}},
            {"name": "정규화", "type": "Concept", "properties": {"id": 3}, "score": 0.9},
        ],
        ids=["neo4j-graphrag", "langchain-neo4j", "LlamaIndex"],
    )
    def test_are_told_by_maps_and_names(self, row: dict[str, Any]) -> None:
        assert seeds(read(row)) == {"정규화": 0.9}

    def test_have_their_best_score(self) -> None:
        rows = [{"name": "정규화", "score": score} for score in (0.7, 0.9, 0.8)]
        assert seeds(read(*rows)) == {"정규화": 0.9}

    def test_have_none_where_the_score_ranks_words(self) -> None:
        text = "CALL db.index.fulltext.queryNodes($index, $text) YIELD node, score"
        assert seeds(read({"name": "정규화", "score": 1.0}, text=text)) == {"정규화": None}

    def test_without_a_name_are_none(self) -> None:
        assert seeds(read({"text": "정규화는…", "score": 0.9})) == {}


def test_a_node_is_called_by_its_name_never_by_its_text(drawn: Drawn) -> None:
    text = Node(drawn.graph, "1", 0, ["Chunk"], {"text": "정규화는 데이터 중복을 제거하고…"})
    named = Node(drawn.graph, "2", 0, ["Chunk"], {"id": 7, "title": "제1장", "name": ""})
    collected = read({"a": text, "b": named})
    assert [node.name for node in collected.nodes.values()] == [None, "제1장"]


def test_text_that_tells_of_hops_in_words_is_noticed() -> None:
    assert read({"context": "정규화 -포함-> 제1정규형", "text": "정규화는…"}).columns_of_text == {"context"}
