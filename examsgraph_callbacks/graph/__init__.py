"""The path-recording explorer, the graphs it walks, and pictures of a path."""

from examsgraph_callbacks.graph.backend import (
    AsyncGraphBackend,
    Candidate,
    ConceptContent,
    FollowedDirection,
    GraphBackend,
    GraphDescription,
    Neighbourhood,
    Resource,
)
from examsgraph_callbacks.graph.bounds import Bounds
from examsgraph_callbacks.graph.concepts import Concept, ConceptGraph, Relation
from examsgraph_callbacks.graph.connection import connect
from examsgraph_callbacks.graph.document import path_artifact
from examsgraph_callbacks.graph.drawing import draw_path, shown_score
from examsgraph_callbacks.graph.embedder import Embedder, aembedded, embedded
from examsgraph_callbacks.graph.explorer import (
    ExplorationResult,
    aexplore,
    aexplore_by_level,
    explore,
    explore_by_level,
    judged,
    next_frontier,
)
from examsgraph_callbacks.graph.judging import best_seeds, judge_level
from examsgraph_callbacks.graph.memory import MemoryGraph
from examsgraph_callbacks.graph.neo4j_graph import (
    AnyDriver,
    AsyncNeo4jGraph,
    Neo4jGraph,
    Neo4jOptions,
    neo4j_graph,
)
from examsgraph_callbacks.graph.neo4j_load import load_graph, write_graph
from examsgraph_callbacks.graph.resources import AddedResource, add_resource
from examsgraph_callbacks.graph.retrieval import FoundConcept, aretrieve, retrieve
from examsgraph_callbacks.graph.trails import branches, trails
from examsgraph_callbacks.graph.what_if import WhatIf, sweep_thresholds, what_if
from examsgraph_callbacks.graph.what_if_report import ContextTokens, PathFigures, WhatIfReport, WhatIfTally

__all__ = [
    "AddedResource",
    "AnyDriver",
    "AsyncGraphBackend",
    "AsyncNeo4jGraph",
    "Bounds",
    "Candidate",
    "Concept",
    "ConceptContent",
    "ConceptGraph",
    "ContextTokens",
    "Embedder",
    "ExplorationResult",
    "FollowedDirection",
    "FoundConcept",
    "GraphBackend",
    "GraphDescription",
    "MemoryGraph",
    "Neighbourhood",
    "Neo4jGraph",
    "Neo4jOptions",
    "PathFigures",
    "Relation",
    "Resource",
    "WhatIf",
    "WhatIfReport",
    "WhatIfTally",
    "add_resource",
    "aembedded",
    "aexplore",
    "aexplore_by_level",
    "aretrieve",
    "best_seeds",
    "branches",
    "connect",
    "draw_path",
    "embedded",
    "explore",
    "explore_by_level",
    "judge_level",
    "judged",
    "load_graph",
    "neo4j_graph",
    "next_frontier",
    "path_artifact",
    "retrieve",
    "shown_score",
    "sweep_thresholds",
    "trails",
    "what_if",
    "write_graph",
]
