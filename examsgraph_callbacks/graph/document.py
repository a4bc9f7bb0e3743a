"""An exploration as the document that `graph_exploration_path.json` holds."""

from typing import Any

from pydantic import JsonValue

from examsgraph_callbacks.events import Exploration

__all__ = ["path_artifact"]


def path_artifact(exploration: Exploration) -> dict[str, JsonValue]:
    """The fields of the request that hands in a path over HTTP, in its order, then all the rest.

    `graph_path` holds the followed hops, `candidates` every hop that was looked at with its verdict.
    Of the rest, what is not known is left out.
    """
    fact: dict[str, Any] = exploration.model_dump(mode="json", exclude_none=True)
    hops = fact.pop("hops")
    return {
        "question_id": fact.pop("question_id", None),
        "wrong_concept": fact.pop("wrong_concept", None),
        "graph_path": [_without_verdict(hop) for hop in hops if hop["verdict"] == "followed"],
        "retrieval_params": fact.pop("retrieval_params"),
        "final_explanation": fact.pop("final_explanation", None),
        "query": fact.pop("query", None),
        "similarity_scale": fact.pop("similarity_scale"),
        "seeds": fact.pop("seeds"),
        "candidates": hops,
        **fact,
    }


def _without_verdict(hop: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in hop.items() if key != "verdict"}
