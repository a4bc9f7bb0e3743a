"""The tap: unmodified retrievers on a real Neo4j, their paths recorded, and nothing of them changed."""
