"""A judge's evaluation in a real MLflow: a run a variant, each question with assessments and reasons."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from decimal import Decimal
from itertools import product
from pathlib import Path

import mlflow
import pytest
from langchain_openai import ChatOpenAI
from mlflow import MlflowClient
from mlflow.entities import Run, Trace
from mlflow.exceptions import MlflowException
from mlflow.tracking._model_registry import utils as registry
from mlflow.tracking._tracking_service import utils as tracking

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.deliver.judge_evaluation import EVALUATED_TAG, JudgeRun, evaluate_judging
from examsgraph_callbacks.deliver.judge_model import mlflow_judge
from examsgraph_callbacks.errors import DeliveryError, InvalidInputError
from examsgraph_callbacks.events import LLMCall, PromptComparison, PromptScore
from examsgraph_callbacks.experiments.comparing import tag_of
from examsgraph_callbacks.experiments.judging import Judging
from examsgraph_callbacks.experiments.opinions import Judge, Opinion, Placed
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain.asking import judging
from tests.deliver.factories import comparison
from tests.deliver.readback import experiment_id, run_of
from tests.deliver.test_forgetting import forgotten
from tests.servers.judge_server import REASON, JudgeServer
from tests.servers.openai_server import Answer

VARIANTS = ("v2_friendly", "v3_encouraging")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    with JudgeServer() as server:
        yield server


@pytest.fixture
def compared(journal: Journal, request: pytest.FixtureRequest) -> PromptComparison:
    """The document's comparison, of a name of the test's own, and the same for another question."""
    first, second = (
        comparison(f"{request.node.name} {number}").model_copy(
            update={"tags": (tag_of("tone"),), "question_id": question, "user_id": "user_001"}
        )
        for number, question in enumerate(("q_002", "q_003"))
    )
    journal.write(first)
    journal.write(second)
    return first


def evaluated(
    journal: Journal, tracking_uri: str, judge: Judge, budget_usd: Decimal | None = None
) -> tuple[Judging, dict[str, JudgeRun]]:
    work = Judging("tone", judge, journal, budget_usd=budget_usd)
    return work, {run.variant: run for run in evaluate_judging(work, tracking_uri)}


def run(tracking_uri: str, made: JudgeRun) -> Run:
    return MlflowClient(tracking_uri=tracking_uri).get_run(made.run_id)


def traces(tracking_uri: str, made: JudgeRun) -> list[Trace]:
    """The run's traces, as MLflow's page of the evaluation finds them."""
    place = experiment_id(tracking_uri, "Prompt_Experimentation")
    client = MlflowClient(tracking_uri=tracking_uri)
    return list(client.search_traces(locations=[place], run_id=made.run_id))


def said(trace: Trace) -> dict[str, object]:
    return {each.name: each.feedback.value for each in trace.info.assessments if each.feedback is not None}


def test_an_evaluation_run_a_variant_holds_what_the_judge_said_of_each_question(
    journal: Journal, tracking_uri: str, server: JudgeServer, compared: PromptComparison
) -> None:
    work, runs = evaluated(journal, tracking_uri, mlflow_judge("openai:/gpt-4o", server.url))

    assert [*runs] == [*VARIANTS]
    assert len(server.requests) == 8
    friendly, encouraging = (run(tracking_uri, runs[name]) for name in VARIANTS)
    assert friendly.info.experiment_id == experiment_id(tracking_uri, "Prompt_Experimentation")
    assert friendly.info.run_name == "v2_friendly against v1_strict (tone)"
    assert friendly.data.tags["mlflow.runType"] == "genai_evaluate"
    assert friendly.data.params["judge"] == "openai:/gpt-4o"
    # 4 calls of 420 and 40 tokens, at $2.50 and $10 a million
    assert friendly.data.metrics == {
        "judge_score/mean": 1,
        "position_consistent/mean": 1,
        "position_inconsistent_share": 0,
        "win_rate": 1,
        "pairs": 2,
        "wins": 2,
        "losses": 0,
        "ties": 0,
        "unjudged": 0,
        "judge_calls": 4,
        "judge_cost_usd": pytest.approx(0.0058),
    }
    # what stands first is preferred both times
    assert encouraging.data.metrics["position_inconsistent_share"] == 1
    assert encouraging.data.metrics["judge_score/mean"] == 0.5
    assert "win_rate" not in encouraging.data.metrics

    found = traces(tracking_uri, runs["v2_friendly"])
    assert len(found) == 2
    assert runs["v2_friendly"].missing == 0
    (trace,) = (each for each in found if each.info.tags[EVALUATED_TAG] == compared.event_id)
    assert said(trace) == {"preferred": "v2_friendly", "judge_score": 1.0, "position_consistent": True}
    assert {each.source.source_id for each in trace.info.assessments} == {"openai:/gpt-4o"}
    assert {each.source.source_type for each in trace.info.assessments} == {"LLM_JUDGE"}
    for each in trace.info.assessments:
        assert each.rationale == (
            f"A v2_friendly, B v1_strict: A. {REASON}\nA v1_strict, B v2_friendly: B. {REASON}"
        )
    (root,) = trace.data.spans
    assert root.inputs["v1_strict"] == compared.generated_responses["v1_strict"]
    assert root.outputs == compared.generated_responses["v2_friendly"]
    assert all(said(each)["preferred"] == "tie" for each in traces(tracking_uri, runs["v3_encouraging"]))
    assert work.spent().cost_usd == Decimal("0.0116")


def test_judgements_and_calls_are_facts_and_the_score_stands_on_the_answers_run(
    journal: Journal, sqlite_uri: str, server: JudgeServer, compared: PromptComparison
) -> None:
    evaluated(journal, sqlite_uri, mlflow_judge("openai:/gpt-4o", server.url))

    facts = [*journal.read()]
    calls = [fact for fact in facts if isinstance(fact, LLMCall)]
    assert {(call.provider, call.requested_model, call.task_type) for call in calls} == {
        ("openai", "gpt-4o", "prompt_judging")
    }
    assert {(call.input_tokens, call.output_tokens, call.usage_source) for call in calls} == {
        (420, 40, "reported")
    }
    assert all(call.tags == (tag_of("tone"),) and call.latency_ms > 0 for call in calls)
    assert {call.question_id for call in calls} == {"q_002", "q_003"}
    scores = [fact for fact in facts if isinstance(fact, PromptScore)]
    assert {(score.prompt_variant, score.score, score.position_consistent) for score in scores} == {
        ("v2_friendly", 1.0, True),
        ("v3_encouraging", 0.5, False),
    }
    ship(journal, sqlite_uri)
    answer = run_of(sqlite_uri, "Prompt_Experimentation", f"{compared.event_id}/v2_friendly")
    assert answer.data.metrics["judge_score"] == 1.0


def test_evaluated_again_nothing_is_asked_and_the_page_is_whole(
    journal: Journal, sqlite_uri: str, server: JudgeServer, compared: PromptComparison
) -> None:
    server.will(Answer(status=400))
    judge = mlflow_judge("openai:/gpt-4o", server.url)
    first, runs = evaluated(journal, sqlite_uri, judge)
    assert len(first.failed) == 1
    assert "refused with 400" in first.failed[0]
    problems = [
        each.error.error_message
        for made in runs.values()
        for trace in traces(sqlite_uri, made)
        for each in trace.info.assessments
        if each.error is not None
    ]
    assert problems == first.failed

    asked = len(server.requests)
    second, again = evaluated(journal, sqlite_uri, judge)
    assert len(server.requests) == asked + 2
    assert second.reused == 3
    assert all("preferred" in said(trace) for made in again.values() for trace in traces(sqlite_uri, made))
    assert {trace.info.assessments[0].rationale for trace in traces(sqlite_uri, again["v2_friendly"])} == {
        f"A v2_friendly, B v1_strict: A. {REASON}\nA v1_strict, B v2_friendly: B. {REASON}"
    }


def test_a_chat_model_of_langchain_judges_too_and_leaves_no_traces_of_its_own(
    journal: Journal, sqlite_uri: str, server: JudgeServer, compared: PromptComparison
) -> None:
    model = ChatOpenAI(model="gpt-4o-mini", base_url=server.url)
    work, runs = evaluated(journal, sqlite_uri, judging(model, "the small one"))
    assert run(sqlite_uri, runs["v2_friendly"]).data.metrics["wins"] == 2
    assert {call.served_model for call in journal.read() if isinstance(call, LLMCall)} == {
        "gpt-4o-mini-2024-07-18"
    }
    # 8 calls of 420 and 40 tokens, at $0.15 and $0.60 a million
    assert work.spent().cost_usd == Decimal("0.000696")
    place = experiment_id(sqlite_uri, "Prompt_Experimentation")
    everything = MlflowClient(tracking_uri=sqlite_uri).search_traces(locations=[place])
    assert len(everything) == 4
    assert all(EVALUATED_TAG in trace.info.tags for trace in everything)


def test_where_the_provider_reports_no_usage_the_cost_is_unknown_and_no_figure(
    journal: Journal, sqlite_uri: str, compared: PromptComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    with JudgeServer(reports_usage=False) as server:
        judge = mlflow_judge("openai:/gpt-4o", server.url)
        work, runs = evaluated(journal, sqlite_uri, judge, budget_usd=Decimal(1))
    assert len(server.requests) == 2
    assert (work.spent().unpriced, work.spent().cost_usd) == (2, None)
    assert work.unasked == 3
    assert "judge_cost_usd" not in run(sqlite_uri, runs["v2_friendly"]).data.metrics
    assert run(sqlite_uri, runs["v3_encouraging"]).data.metrics["unjudged"] == 2


def test_a_judgement_that_mlflow_did_not_take_is_told_and_kept(
    journal: Journal,
    sqlite_uri: str,
    server: JudgeServer,
    compared: PromptComparison,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(**_arguments: object) -> None:
        raise MlflowException("the disk is full")

    judge = mlflow_judge("openai:/gpt-4o", server.url)
    with monkeypatch.context() as patched:
        patched.setattr(mlflow, "log_assessment", refused)
        _, runs = evaluated(journal, sqlite_uri, judge)
    assert [made.missing for made in runs.values()] == [2, 2]
    _, again = evaluated(journal, sqlite_uri, judge)
    assert [made.missing for made in again.values()] == [0, 0]
    assert len(server.requests) == 8


def test_where_mlflow_is_away_nobody_is_asked(
    journal: Journal, server: JudgeServer, compared: PromptComparison
) -> None:
    with pytest.raises(DeliveryError, match="expected an MLflow server"):
        evaluated(journal, "http://127.0.0.1:9", mlflow_judge("openai:/gpt-4o", server.url))
    assert server.requests == []


def test_mlflow_is_left_as_it_was(
    journal: Journal, sqlite_uri: str, compared: PromptComparison, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ)
    tracking_uri = mlflow.get_tracking_uri()
    evaluated(journal, sqlite_uri, Judge("anybody", tie))
    assert mlflow.get_tracking_uri() == tracking_uri
    assert mlflow.active_run() is None
    assert dict(os.environ) == before
    assert capsys.readouterr() == ("", "")


def tie(_placed: Placed, _journal: Journal) -> Opinion:
    return Opinion("TIE")


@pytest.fixture
def judged(journal: Journal, compared: PromptComparison) -> Judging:
    assert compared.tags == (tag_of("tone"),)
    return Judging("tone", Judge("anybody", tie), journal)


def surroundings() -> tuple[dict[str, str], str | None, str | None]:
    return dict(os.environ), tracking._tracking_uri, registry._registry_uri


@pytest.mark.parametrize(
    "uris",
    [*product([None, "sqlite:///the-hosts-own.db"], [None, "http://127.0.0.1:9"])],
)
@pytest.mark.parametrize("fails", [False, True])
def test_the_hosts_own_uris_are_left_as_they_were_set_or_in_the_environment_or_neither(
    judged: Judging,
    sqlite_uri: str,
    monkeypatch: pytest.MonkeyPatch,
    uris: tuple[str | None, str | None],
    fails: bool,
) -> None:
    set_to, variable = uris
    monkeypatch.setattr(tracking, "_tracking_uri", set_to)
    monkeypatch.setattr(registry, "_registry_uri", set_to)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
        if variable is not None:
            monkeypatch.setenv(name, variable)
    if fails:

        def refused(**_arguments: object) -> None:
            raise MlflowException("the disk is full")

        monkeypatch.setattr(mlflow.genai, "evaluate", refused)
    before = surroundings()
    with pytest.raises(DeliveryError) if fails else nullcontext():
        evaluate_judging(judged, sqlite_uri)
    assert surroundings() == before


def test_two_threads_at_once_evaluate_one_after_the_other_and_leave_all_as_it_was(
    journal: Journal, sqlite_uri: str, compared: PromptComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(tracking, "_tracking_uri", None)
    before = surroundings()
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(evaluated, journal, sqlite_uri, Judge(name, tie)) for name in ("anybody", "somebody")
        ]
        runs = [made for each in both for made in each.result()[1].values()]
    assert [made.missing for made in runs] == [0] * 4
    assert surroundings() == before


def test_a_request_that_failed_is_not_repeated_past_the_budget_and_is_one_call_in_the_journal(
    journal: Journal, sqlite_uri: str, server: JudgeServer, compared: PromptComparison
) -> None:
    server.will(*(Answer(status=500) for _ in range(3)))
    work, _ = evaluated(journal, sqlite_uri, mlflow_judge("openai:/gpt-4o", server.url))
    calls = [fact for fact in journal.read() if isinstance(fact, LLMCall)]
    assert len(calls) == len(server.requests)
    assert [call.status for call in calls].count("error") == len(work.failed) == 3


def test_what_was_judged_of_a_learner_is_forgotten_with_the_learner(
    journal: Journal, sqlite_uri: str, server: JudgeServer, compared: PromptComparison
) -> None:
    _, runs = evaluated(journal, sqlite_uri, mlflow_judge("openai:/gpt-4o", server.url))
    ship(journal, sqlite_uri)
    assert len(traces(sqlite_uri, runs["v2_friendly"])) == 2
    forgotten(journal, sqlite_uri, "user_001")
    assert traces(sqlite_uri, runs["v2_friendly"]) == []
    assert not [fact for fact in journal.read() if isinstance(fact, PromptScore)]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: mlflow_judge("gpt-4o"), "such as openai:/gpt-4o"),
        (lambda: mlflow_judge("anthropic:/claude", "http://127.0.0.1:9"), "expected an openai:/ model"),
    ],
)
def test_a_judge_that_cannot_be_is_told(make: Callable[[], Judge], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        make()


def test_a_run_of_ones_own_is_not_written_into(
    journal: Journal, sqlite_uri: str, compared: PromptComparison, server: JudgeServer, tmp_path: Path
) -> None:
    mlflow.set_tracking_uri(sqlite_uri)
    try:
        with (
            mlflow.start_run(experiment_id=experiment_id(sqlite_uri, "mine")),
            pytest.raises(InvalidInputError, match="no active MLflow run"),
        ):
            evaluated(journal, sqlite_uri, mlflow_judge("openai:/gpt-4o", server.url))
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    assert server.requests == []


def test_broken_off_it_ends_and_what_was_judged_is_kept(journal: Journal, sqlite_uri: str) -> None:
    # more than MLflow hands in at a time
    for number in range(12):
        journal.write(
            comparison(f"broken off {number}").model_copy(update={"tags": (tag_of("tone"),)}),
        )
    asked = 0

    def interrupted(_placed: Placed, _journal: Journal, /) -> Opinion:
        nonlocal asked
        asked += 1
        if asked == 5:
            raise KeyboardInterrupt
        return Opinion("TIE")

    work = Judging("tone", Judge("somebody", interrupted), journal)
    with pytest.raises(KeyboardInterrupt):
        evaluate_judging(work, sqlite_uri, concurrency=1)
    assert len([fact for fact in journal.read() if isinstance(fact, PromptScore)]) == 2
    assert asked == 5
