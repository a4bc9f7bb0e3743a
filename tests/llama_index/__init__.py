"""The LlamaIndex handler, driven by real LLM classes, query engines and agents."""
