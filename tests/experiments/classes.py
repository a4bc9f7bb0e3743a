"""Classes of learners as facts: what they were given, and what they said, without a clock or a chain."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from examsgraph_callbacks.events import Exposure, Fact, Feedback, FeedbackType, PromptExperimentPlan

__all__ = ["BEGAN", "DAYS", "exposures_of", "plan", "taught"]

BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAYS = 28


def plan(weights: Mapping[str, float], **settled: object) -> PromptExperimentPlan:
    """What was settled beforehand."""
    return PromptExperimentPlan.model_validate(
        {
            "event_id": "plan",
            "started_at": BEGAN,
            "experiment": "tone",
            "weights": dict(weights),
            "primary_metric": "satisfaction",
            "minimum_effect": 0.1,
            "significance": 0.05,
            "power": 0.8,
            "planned_looks": DAYS,
            **settled,
        },
    )


def exposures_of(counts: Mapping[str, int]) -> Iterator[Exposure]:
    """So many learners of each variant, each exposed once on the first day."""
    for variant, count in counts.items():
        for number in range(count):
            yield _exposure(f"{variant}_{number}", variant, number, BEGAN)


def taught(
    learners: Mapping[str, int],
    satisfied: Mapping[str, float],
    seed: int = 1,
    days: int = DAYS,
    reacting: float = 0.7,
) -> Iterator[Fact]:
    """A class that is taught for some days, twice a day each, and likes its variant so much on average."""
    dice = np.random.default_rng(seed)
    likes = {
        variant: dice.beta(4 * satisfied[variant], 4 * (1 - satisfied[variant]), count)
        for variant, count in learners.items()
    }
    for day in range(days):
        for variant, count in learners.items():
            for number in np.flatnonzero(dice.random(count) < 0.3):
                user_id = f"{variant}_{number}"
                began = BEGAN + timedelta(days=day, seconds=int(number))
                exposure = _exposure(user_id, variant, day, began)
                yield exposure
                if dice.random() < reacting:
                    up = dice.random() < likes[variant][number]
                    yield _feedback(exposure, "thumbs_up" if up else "thumbs_down", 4 if up else 2)


def _exposure(user_id: str, variant: str, number: int, at: datetime) -> Exposure:
    return Exposure(
        event_id=f"exposure {user_id} {number}",
        started_at=at,
        experiment="tone",
        user_id=user_id,
        session_id=f"session of {user_id}",
        question_id=f"q_{number:03}",
        prompt_variant=variant,
    )


def _feedback(exposure: Exposure, feedback_type: FeedbackType, score: int) -> Feedback:
    """As it comes over HTTP: by session and question, with no word of the variant."""
    return Feedback(
        event_id=f"feedback on {exposure.event_id}",
        started_at=exposure.started_at + timedelta(minutes=5),
        session_id=exposure.session_id,
        question_id=exposure.question_id,
        feedback_type=feedback_type,
        understanding_score=score,
    )
