"""Many paths at once: judged as each is by itself."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams, Seed
from examsgraph_callbacks.journal.columns import columns_of_lines
from examsgraph_callbacks.journal.encode import encode_fact
from examsgraph_callbacks.measure import dead_ends, measure_path
from examsgraph_callbacks.measure.path_columns import measure_paths
from tests.measure.facts import NEW_YEAR

names = st.sampled_from(["정규화", "조인", "뷰", "BCNF", "키"])
scores = st.one_of(st.none(), st.sampled_from([0.5, 0.69, 0.7, 0.71, 1.0]))
hops = st.builds(
    Hop,
    node=names,
    relation=st.sampled_from(["포함", "해결"]),
    next_node=names,
    similarity_score=scores,
    edge_similarity=scores,
    depth=st.integers(1, 4),
    verdict=st.sampled_from(["followed", "followed", "below_threshold", "cycle", "beam", "max_hops"]),
)
bounds = st.one_of(st.none(), st.integers(0, 5))
explorations = st.builds(
    Exploration,
    event_id=st.just("e"),
    run_id=st.just("r"),
    started_at=st.just(NEW_YEAR),
    latency_ms=st.just(1.0),
    status=st.sampled_from(["ok", "ok", "error"]),
    source=st.sampled_from(["explorer", "explorer", "tap"]),
    retrieval_params=st.builds(
        RetrievalParams, depth=bounds, max_hops=bounds, similarity_threshold=st.sampled_from([None, 0.7])
    ),
    seeds=st.lists(st.builds(Seed, node=names, similarity_score=st.just(0.9)), max_size=3).map(tuple),
    hops=st.lists(hops, max_size=8).map(tuple),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(explorations, max_size=6))
def test_any_explorations_are_judged_as_each_is_by_itself(several: list[Exploration]) -> None:
    facts = columns_of_lines(b"".join(map(encode_fact, several)))
    measured = measure_paths(facts)
    found_hops, found_ends = measured.hops.to_pylist(), measured.dead_ends.to_pylist()
    for row, (exploration, figures) in enumerate(zip(several, measured.paths.to_pylist(), strict=True)):
        path = measure_path(exploration)
        anomalous = path.anomalous_hops
        assert figures == {
            "path_length": path.path_length,
            "exploration_depth": path.exploration_depth,
            "similarity_threshold": path.similarity_threshold,
            "anomalous_hops": None if anomalous is None else len(anomalous),
        }
        strange = None if anomalous is None else [id(each.hop) for each in anomalous]
        expected: list[dict[str, Any]] = [
            {
                "exploration": row,
                "node": hop.node,
                "relation": hop.relation,
                "next_node": hop.next_node,
                "depth": hop.depth,
                "anomalous": None if strange is None else id(hop) in strange,
            }
            for hop in path.path
        ]
        assert [hop for hop in found_hops if hop["exploration"] == row] == expected
        ends = [each for each in found_ends if each["exploration"] == row]
        assert tuple(each["concept"] for each in ends) == dead_ends(exploration)
        looked_from = {hop.node for hop in exploration.hops}
        assert all(each["has_relations"] == (each["concept"] in looked_from) for each in ends)
