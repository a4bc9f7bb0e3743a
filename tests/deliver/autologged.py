"""A chain of two calls a turn under MLflow's autolog; prints the seconds until all are delivered."""

import sys
import time
from uuid import uuid4

import mlflow
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda

from tests.langchain.models import ScriptedModel

USAGE = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}


def main(tracking_uri: str, turns: int) -> None:
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(f"autolog-{uuid4().hex}")
    mlflow.langchain.autolog()
    model = ScriptedModel(answer="데이터 중복을 제거합니다.", usage=USAGE)
    chain = model | StrOutputParser() | RunnableLambda(str) | model | StrOutputParser()
    chain.invoke("정규화의 목적은?")
    mlflow.flush_trace_async_logging()
    began = time.perf_counter()
    for _ in range(turns):
        chain.invoke("정규화의 목적은?")
    mlflow.flush_trace_async_logging()
    print(time.perf_counter() - began)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
