"""What a LlamaIndex user imports."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.errors import MissingExtraError
from examsgraph_callbacks.lazy import lazy_names

try:
    import llama_index.core  # noqa: F401 - asked for here, so that the error names the extra
except ModuleNotFoundError as error:
    if error.name is None or error.name.split(".")[0] != "llama_index":
        raise
    raise MissingExtraError("llama-index-core", "llama-index") from error

if TYPE_CHECKING:
    from examsgraph_callbacks.llama_index.budget import within_budget
    from examsgraph_callbacks.llama_index.handler import ExamsGraphEventHandler
    from examsgraph_callbacks.llama_index.prompts import handed_out_prompt
    from examsgraph_callbacks.llama_index.recorded_paths import record_paths
    from examsgraph_callbacks.llama_index.replayed.embedding import ReplayEmbedding
    from examsgraph_callbacks.llama_index.replayed.llm import ReplayLLM
    from examsgraph_callbacks.llama_index.replayed.retriever import ReplayRetriever
    from examsgraph_callbacks.llama_index.retriever import GraphPathRetriever

__all__ = [
    "ExamsGraphEventHandler",
    "GraphPathRetriever",
    "ReplayEmbedding",
    "ReplayLLM",
    "ReplayRetriever",
    "handed_out_prompt",
    "record_paths",
    "within_budget",
]

# at first use: autolog is here whenever LlamaIndex is imported, whether or not it will be used
__getattr__ = lazy_names(
    __name__,
    {
        "ExamsGraphEventHandler": "handler",
        "GraphPathRetriever": "retriever",
        "handed_out_prompt": "prompts",
        "ReplayEmbedding": "replayed.embedding",
        "ReplayLLM": "replayed.llm",
        "ReplayRetriever": "replayed.retriever",
        "record_paths": "recorded_paths",
        "within_budget": "budget",
    },
)
