"""What a LangChain user imports."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.lazy import lazy_names

if TYPE_CHECKING:
    from examsgraph_callbacks.langchain.budget import BudgetedModel
    from examsgraph_callbacks.langchain.handler import ExamsGraphCallbackHandler
    from examsgraph_callbacks.langchain.prompts import handed_out_prompt
    from examsgraph_callbacks.langchain.recorded_paths import record_paths
    from examsgraph_callbacks.langchain.replayed.embeddings import ReplayEmbeddings
    from examsgraph_callbacks.langchain.replayed.model import ReplayChatModel
    from examsgraph_callbacks.langchain.replayed.retriever import ReplayRetriever
    from examsgraph_callbacks.langchain.retriever import GraphPathRetriever

__all__ = [
    "BudgetedModel",
    "ExamsGraphCallbackHandler",
    "GraphPathRetriever",
    "ReplayChatModel",
    "ReplayEmbeddings",
    "ReplayRetriever",
    "handed_out_prompt",
    "record_paths",
]

# at first use: autolog is here while LangChain is half imported
__getattr__ = lazy_names(
    __name__,
    {
        "BudgetedModel": "budget",
        "ExamsGraphCallbackHandler": "handler",
        "GraphPathRetriever": "retriever",
        "handed_out_prompt": "prompts",
        "ReplayChatModel": "replayed.model",
        "ReplayEmbeddings": "replayed.embeddings",
        "ReplayRetriever": "replayed.retriever",
        "record_paths": "recorded_paths",
    },
)
