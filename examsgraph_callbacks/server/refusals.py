"""How the API says no: one shape for every error, with the field, what came and what is allowed."""

import json
from collections.abc import Mapping

from fastapi.responses import Response
from pydantic import BaseModel

from examsgraph_callbacks.tracker import Problem

__all__ = ["ErrorAnswer", "Refusal", "refusal_of_field"]


class ErrorDetails(BaseModel):
    """What is wrong; the last three are null where it is not about a field."""

    message: str
    field: str | None
    came: str | None
    allowed: str | None


class ErrorAnswer(BaseModel):
    """The answer to every request that is refused."""

    error: ErrorDetails


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """The answer to a request that is refused, with its HTTP status."""

    def __init__(
        self,
        status: int,
        message: str,
        problem: Problem | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = problem
        self.headers = headers

    def response(self) -> Response:
        """As it is sent."""
        problem = self.problem
        details = ErrorDetails(
            message=str(self),
            field=problem and problem.field,
            came=problem and problem.came,
            allowed=problem and problem.allowed,
        )
        return Response(
            json.dumps({"error": details.model_dump()}, ensure_ascii=False).encode("utf-8", "replace"),
            self.status,
            self.headers,
            "application/json",
        )


def refusal_of_field(problem: Problem, status: int = 422) -> Refusal:
    """What is said of a field that cannot be taken."""
    return Refusal(status, str(problem), problem)
