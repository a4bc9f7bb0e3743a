"""Paths under autolog: retrievers are heard beside Neo4j's driver, in whichever order they are imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import importlib, json, sys
from examsgraph_callbacks import autolog

autolog(sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)

def code(owner, method):
    return getattr(owner, method).__code__.co_filename if owner is not None else ""

def owner(module, name):
    return getattr(sys.modules[module], name) if module in sys.modules else None

def heard():
    places = {
        "langchain": (
            owner("langchain_core.vectorstores", "VectorStoreRetriever"), "_get_relevant_documents"
        ),
        "llama_index": (owner("llama_index.core.retrievers", "VectorIndexRetriever"), "_retrieve"),
        "graphrag": (owner("neo4j_graphrag.retrievers", "VectorCypherRetriever"), "search"),
        "driver": (owner("neo4j", "Session"), "run"),
    }
    return sorted(name for name, place in places.items() if "examsgraph_callbacks" in code(*place))

first = heard()
tap = "examsgraph_callbacks.graph" in sys.modules
autolog(disable=True)
from examsgraph_callbacks.failures import failures
print(json.dumps([first, tap, heard(), failures.counts()]))
"""

LANGCHAIN, LLAMA_INDEX = "langchain_core.vectorstores", "llama_index.core.retrievers"
GRAPHRAG = "neo4j_graphrag.retrievers"


@pytest.mark.parametrize(
    ("imported", "heard"),
    [
        (["neo4j", LANGCHAIN], ["driver", "langchain"]),
        ([LANGCHAIN, "neo4j"], ["driver", "langchain"]),
        (["neo4j", LLAMA_INDEX], ["driver", "llama_index"]),
        ([LLAMA_INDEX, "neo4j"], ["driver", "llama_index"]),
        ([GRAPHRAG], ["driver", "graphrag"]),
        ([LANGCHAIN, GRAPHRAG, LLAMA_INDEX], ["driver", "graphrag", "langchain", "llama_index"]),
        ([LLAMA_INDEX, "langchain_neo4j"], ["driver", "graphrag", "langchain", "llama_index"]),
    ],
    ids=" ".join,
)
def test_whichever_is_imported_last(imported: list[str], heard: list[str], tmp_path: Path) -> None:
    assert run(tmp_path, *imported) == [heard, True, [], {}]


@pytest.mark.parametrize("imported", [[LANGCHAIN, LLAMA_INDEX], ["neo4j"]], ids=" ".join)
def test_without_the_driver_or_retrievers_nothing_of_it_is_imported(
    imported: list[str], tmp_path: Path
) -> None:
    assert run(tmp_path, *imported) == [[], False, [], {}]


def run(journal: Path, *imported: str) -> object:
    command = [sys.executable, "-c", PROGRAM, str(journal), *imported]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)
