"""What a LangChain user imports."""

from examsgraph_callbacks.langchain.handler import ExamsGraphCallbackHandler
from examsgraph_callbacks.langchain.retriever import GraphPathRetriever

__all__ = ["ExamsGraphCallbackHandler", "GraphPathRetriever"]
