"""The LangChain handler and retriever, driven by real chains."""
