"""A judge by MLflow's model URI: MLflow asks the model, each call is a fact of the journal."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from examsgraph_callbacks.capture import Clock, Privacy
from examsgraph_callbacks.capture.clock import ms, utc
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import SCHEMA_VERSION, LLMCall
from examsgraph_callbacks.experiments.costs import JUDGING
from examsgraph_callbacks.experiments.opinions import CRITERION, Judge, Opinion, Placed, Winner
from examsgraph_callbacks.journal import Journal

if TYPE_CHECKING:
    from mlflow.entities import Feedback

__all__ = ["JUDGE_INSTRUCTIONS", "is_model_uri", "mlflow_judge"]

JUDGE_INSTRUCTIONS = f"""{CRITERION}
문제와 학생의 답: {{{{ inputs }}}}
설명 A와 설명 B: {{{{ outputs }}}}
결과는 더 나은 설명의 A 또는 B, 우열이 없으면 TIE입니다"""
"""What MLflow's judge is told, `{{ inputs }}` and `{{ outputs }}` being what it is shown."""

_WINNERS: dict[str, Winner] = {"A": "A", "B": "B", "TIE": "TIE"}
_CHAT = "/chat/completions"
_ASK_ONCE: ContextVar[bool] = ContextVar("examsgraph_ask_once", default=False)
_INVOKE = "invoke_judge_model"
_MARK = "examsgraph_asks_once"
_patching = threading.Lock()


def is_model_uri(name: str) -> bool:
    """Whether it is a model as MLflow names it, such as `openai:/gpt-4o`."""
    return ":/" in name


def mlflow_judge(model_uri: str, base_url: str | None = None) -> Judge:
    """The judge that `mlflow.genai.judges.make_judge` makes of a model such as `openai:/gpt-4o`.

    MLflow reaches OpenAI, Anthropic, Gemini, Mistral and others by itself, with the key of each in its
    environment variable (`OPENAI_API_KEY`), and what else litellm knows where that is installed. `base_url`
    is another address of OpenAI's API (as `OPENAI_BASE_URL` is for all), for `openai:/` models alone.

    MLflow tells the tokens of a call, and neither which snapshot served it nor what was cached: its cost is
    that of the requested model without a discount. A call is one request: MLflow would repeat a failing one
    ten times and tell of one, past every budget; what failed is asked again by judging again.

    Raises `InvalidInputError` for a model that is none.
    """
    from mlflow.entities import Feedback
    from mlflow.exceptions import MlflowException
    from mlflow.genai.judges import make_judge

    provider, _, model = model_uri.partition(":/")
    if base_url is not None and provider != "openai":
        raise InvalidInputError(
            f"expected an openai:/ model with a base URL of its own, got {model_uri!r}: name the model of an "
            "OpenAI-compatible server  openai:/…",
        )
    try:
        judge = make_judge(
            name="preferred",
            instructions=JUDGE_INSTRUCTIONS,
            model=model_uri,
            feedback_value_type=Literal["A", "B", "TIE"],
            # MLflow takes the address of the endpoint itself
            base_url=None if base_url is None else base_url.rstrip("/").removesuffix(_CHAT) + _CHAT,
        )
    except (MlflowException, ImportError) as error:
        raise InvalidInputError(
            f"expected a model as MLflow names it, such as openai:/gpt-4o, got {model_uri!r}: {error}",
        ) from error
    _heed_ask_once()
    clock, privacy = Clock(), Privacy.configured()

    def ask(placed: Placed, journal: Journal) -> Opinion:
        began, began_at = clock.elapsed_ns(), clock.wall_ns()

        def record(**known: object) -> None:
            fields = {
                "kind": "llm_call",
                "schema_version": SCHEMA_VERSION,
                "event_id": clock.new_id(),
                "run_id": clock.new_id(),
                "started_at": utc(began_at),
                "latency_ms": ms(clock.elapsed_ns() - began),
                "name": "judge",
                "task_type": JUDGING,
                "question_id": placed.question_id,
                "tags": placed.tags,
                "provider": provider,
                "requested_model": model,
                **known,
            }
            said = {name: value for name, value in fields.items() if value is not None}
            journal.write_fields(privacy.recorded_fields(LLMCall, said))

        try:
            with _asking_once():
                feedback = judge(
                    inputs={"학생의 답": placed.user_answer, "정답": placed.correct_answer},
                    outputs={"A": placed.a, "B": placed.b},
                )
        except Exception as error:
            record(status="error", error_type=type(error).__name__, error_message=str(error))
            raise
        if not isinstance(feedback, Feedback):  # what MLflow's type says and its judges never do
            record(status="ok")
            return Opinion(None, str(feedback))
        record(status="ok", **_usage(feedback))
        return Opinion(_WINNERS.get(str(feedback.value)), feedback.rationale or None)

    return Judge(model_uri, ask)


@contextmanager
def _asking_once() -> Iterator[None]:
    before = _ASK_ONCE.set(True)
    try:
        yield
    finally:
        _ASK_ONCE.reset(before)


def _heed_ask_once() -> None:
    """Have MLflow's judges repeat no request within `_asking_once`; those of the host go on as they do.

    They take no number of retries, though what they call does.
    """
    from mlflow.genai.judges import instructions_judge as judges

    with _patching:
        invoke: Callable[..., object] = vars(judges)[_INVOKE]
        if getattr(invoke, _MARK, False):
            return

        def invoke_judge_model(*arguments: object, **named: object) -> object:
            once = {"num_retries": 0} if _ASK_ONCE.get() else {}
            return invoke(*arguments, **{**named, **once})

        setattr(invoke_judge_model, _MARK, True)
        setattr(judges, _INVOKE, invoke_judge_model)


def _usage(feedback: "Feedback") -> dict[str, object]:
    """The call's tokens, as far as MLflow was told them."""
    from mlflow.tracing.constant import AssessmentMetadataKey

    told = feedback.metadata or {}
    counts = {
        "input_tokens": told.get(AssessmentMetadataKey.JUDGE_INPUT_TOKENS),
        "output_tokens": told.get(AssessmentMetadataKey.JUDGE_OUTPUT_TOKENS),
    }
    tokens = {name: int(count) for name, count in counts.items() if count is not None}
    return {**tokens, "usage_source": "reported"} if len(tokens) == len(counts) else {**tokens}
