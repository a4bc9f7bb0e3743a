"""Makes the exploration of what was heard: hops with their scores, seeds, and what could not be seen."""

from collections.abc import Iterable, Mapping

from examsgraph_callbacks.capture import ExplorationRecord
from examsgraph_callbacks.events import Hop, RetrievalParams, Seed
from examsgraph_callbacks.graph.judging import SCORE_DIGITS
from examsgraph_callbacks.graph.tap.arranging import Arranged, ArrangedHop, arrange
from examsgraph_callbacks.graph.tap.collected import RELATIONS_LIMIT, NodeKey
from examsgraph_callbacks.graph.tap.hearing import Hearing
from examsgraph_callbacks.graph.tap.lookup_statements import Found
from examsgraph_callbacks.graph.tap.similarity import Similarities, similarities

__all__ = ["exploration_of"]

_SAME_SCORE = 0.02
"""By which an index's score may differ from the similarity of its vectors, which it quantizes."""


def exploration_of(
    hearing: Hearing,
    found: Found,
    *,
    query: str | None,
    params: RetrievalParams,
    not_looked_up: str | None,
    error: BaseException | None,
) -> ExplorationRecord:
    """The exploration; `found` is what was looked up, `not_looked_up` why nothing was, where it was wanted.

    `params` are bounds that the retriever itself told, before which those in its queries stand back.
    """
    collected = hearing.collected
    names = {key: node.name for key, node in collected.nodes.items() if node.name is not None}
    names.update(found.names)
    arranged = arrange(collected, names)
    known = _similarities(hearing, arranged, found)
    hops = tuple(_hop(hop, known) for hop in arranged.hops)
    seeds, own_scores_differ = _seeds(hearing, arranged, names, known)
    notes = [
        *_about_hops(hearing, arranged, hops),
        *_about_scores(hearing, found, hops, not_looked_up),
    ]
    if own_scores_differ:
        notes.append(
            "The retriever's own scores are not on the scale (1+cos)/2: the seeds' come from embeddings.",
        )
    return ExplorationRecord(
        query=query,
        retrieval_params=_bounds(hearing, params),
        seeds=seeds,
        hops=hops,
        similarity_scale="(1+cos)/2",
        backend=f"{hearing.agent or 'Neo4j'}, heard on the driver",
        round_trips=hearing.queries,
        started_wall_ns=hearing.started_wall_ns,
        latency_ms=(hearing.ended_ns - hearing.began_ns) / 1e6,
        error=error,
        source="tap",
        uncaptured=tuple(notes),
    )


def _bounds(hearing: Hearing, told: RetrievalParams) -> RetrievalParams:
    """What the retriever told, and what it did not as its queries told it."""
    if not told.model_fields_set:
        return RetrievalParams(**hearing.bounds)
    return RetrievalParams(**{**hearing.bounds, **told.model_dump(exclude_none=True)})


def _similarities(hearing: Hearing, arranged: Arranged, found: Found) -> Similarities:
    keys = dict.fromkeys(
        [*arranged.starts, *(key for hop in arranged.hops for key in (hop.key, hop.next_key))]
    )
    nodes = hearing.collected.nodes
    embeddings = {key: node.embedding for key in keys if (node := nodes.get(key)) and node.embedding}
    pairs = [(hop.key, hop.next_key) for hop in arranged.hops]
    return similarities(hearing.query_vector, embeddings, pairs).or_else(found.similarities)


def _hop(hop: ArrangedHop, known: Similarities) -> Hop:
    return Hop(
        node=hop.node,
        relation=hop.relation,
        next_node=hop.next_node,
        similarity_score=_rounded(known.to_query.get(hop.next_key)),
        edge_similarity=_rounded(known.of_pair(hop.key, hop.next_key)),
        direction=hop.direction,
        depth=hop.depth,
        verdict="followed",
    )


def _seeds(
    hearing: Hearing,
    arranged: Arranged,
    names: Mapping[NodeKey, str],
    known: Similarities,
) -> tuple[tuple[Seed, ...], bool]:
    """The seeds, best first, and whether the retriever's own scores differ from their similarities.

    A seed of which neither is known is left out, as its score is what makes it one.
    """
    scores: dict[str, float] = {}
    differ = False
    for key in dict.fromkeys([*hearing.collected.seeds, *arranged.starts]):
        own, similarity = hearing.collected.seeds.get(key), known.to_query.get(key)
        if own is not None and similarity is not None and abs(own - similarity) > _SAME_SCORE:
            differ = True
            own = None
        score = similarity if own is None else own
        if score is not None and key in names:
            scores[names[key]] = max(score, scores.get(names[key], score))
    best = sorted(scores.items(), key=lambda item: (-round(item[1], SCORE_DIGITS), item[0]))
    return tuple(Seed(node=name, similarity_score=round(score, SCORE_DIGITS)) for name, score in best), differ


def _about_hops(hearing: Hearing, arranged: Arranged, hops: tuple[Hop, ...]) -> Iterable[str]:
    collected = hearing.collected
    if not hops:
        yield "The queries returned no path, relationship or triplet that names its nodes."
        if hearing.unread:
            yield f"The retriever read no record of {_counted(hearing.unread, 'query')} while it ran."
        for column in sorted(collected.columns_of_text):
            yield f"The column {column!r} holds text: hops that are told in words are not read."
    if arranged.unnamed:
        yield f"No name is known for an end of {_counted(arranged.unnamed, 'relation')}: left out."
    if collected.has_more:
        yield f"There were more than {RELATIONS_LIMIT} relations: those that came later are left out."
    if collected.has_unknown_directions:
        yield "Lists of names and types do not tell which way a relation points: taken as along the path."
    if hearing.has_failed:
        yield "Some of the records could not be read: the log of failures has the reason."


def _about_scores(
    hearing: Hearing, found: Found, hops: tuple[Hop, ...], not_looked_up: str | None
) -> Iterable[str]:
    if hearing.query_vector is None and (hops or hearing.collected.seeds):
        yield "No query had a vector among its parameters: no hop has a similarity_score."
    if hearing.has_other_vectors:
        yield "The queries had several vectors: the scores compare with the first."
    if not_looked_up is not None:
        yield not_looked_up
    if found.ambiguous:
        yield f"{_counted(found.ambiguous, 'name')} stood for several nodes each: no scores of theirs."
    unscored = {hop.next_node for hop in hops if hop.similarity_score is None}
    if unscored and hearing.query_vector is not None:
        yield (
            f"No embedding of {len(hearing.query_vector)} numbers is known of "
            f"{_counted(len(unscored), 'node')}: hops there have no similarity_score."
        )


def _counted(count: int, noun: str) -> str:
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{count} {noun}s"


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, SCORE_DIGITS)
