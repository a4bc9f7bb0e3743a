"""What a LangChain user imports."""

from examsgraph_callbacks.langchain.handler import ExamsGraphCallbackHandler

__all__ = ["ExamsGraphCallbackHandler"]
