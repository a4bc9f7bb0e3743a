"""How far an exploration may go: the retrieval parameters, complete and checked."""

import math
from dataclasses import asdict, dataclass, fields

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import RetrievalParams

__all__ = ["Bounds"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`RetrievalParams` with nothing left open; the defaults are what an open one stands for.

    `similarity_threshold` is on the scale (1 + cos) / 2. Raises `InvalidInputError` for a threshold
    outside 0 to 1 or a count below 1.
    """

    depth: int = 3
    similarity_threshold: float = 0.7
    max_hops: int = 5
    beam_width: int = 2
    fan_out: int = 10
    seeds: int = 1
    max_degree: int = 200

    def __post_init__(self) -> None:
        threshold = self.similarity_threshold
        if not math.isfinite(threshold) or not 0.0 <= threshold <= 1.0:
            raise InvalidInputError(
                f"expected a similarity_threshold from 0 to 1, got {threshold!r}: "
                "turn a cosine into (1 + cosine) / 2, the scale of Neo4j's scores",
            )
        for field in fields(self):
            count = getattr(self, field.name)
            if field.name != "similarity_threshold" and (not isinstance(count, int) or count < 1):
                raise InvalidInputError(
                    f"expected {field.name} to be a whole number of at least 1, got {count!r}: "
                    "leave it out for the default",
                )

    @classmethod
    def of(cls, params: RetrievalParams) -> "Bounds":
        """The bounds that `params` sets, with the defaults where it leaves one open."""
        given = params.model_dump(include={field.name for field in fields(cls)}, exclude_none=True)
        return cls(**given)

    def as_params(self) -> RetrievalParams:
        """The same as the record keeps it."""
        return RetrievalParams(**asdict(self))
