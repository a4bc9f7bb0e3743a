"""What a LlamaIndex user imports."""

from examsgraph_callbacks.errors import MissingExtraError

try:
    from examsgraph_callbacks.llama_index.handler import ExamsGraphEventHandler
except ModuleNotFoundError as error:
    if error.name is None or error.name.split(".")[0] != "llama_index":
        raise
    raise MissingExtraError("llama-index-core", "llama-index") from error

__all__ = ["ExamsGraphEventHandler"]
