"""Stand-ins for LlamaIndex's models, embeddings and retrievers that answer from a recording."""
