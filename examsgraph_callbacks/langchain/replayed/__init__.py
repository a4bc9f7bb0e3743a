"""Stand-ins for LangChain's models, embeddings and retrievers that answer from a recording."""
