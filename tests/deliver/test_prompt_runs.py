"""A comparison becomes runs of Prompt_Experimentation that MLflow compares, and prompts in its registry."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.tracing.utils.prompt import update_linked_prompts_tag

from examsgraph_callbacks.deliver import ShipReport, registered_prompts, ship
from examsgraph_callbacks.deliver.prompt_registry import registered_name
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Fact, PromptComparison, PromptExperimentPlan, PromptScore
from examsgraph_callbacks.experiments import load_experiments
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import BEGAN, comparison, hex_id, small_turn
from tests.deliver.readback import artifacts_of, experiment_id, found, run_of

PROMPTS = "Prompt_Experimentation"
SHORTLY_AFTER = BEGAN + timedelta(minutes=5)


def shipped(
    journal: Journal, tracking_uri: str, facts: Iterable[Fact], now: datetime = SHORTLY_AFTER
) -> ShipReport:
    for fact in facts:
        journal.write(fact)
    return ship(journal, tracking_uri, now=now)


def variants_of(tracking_uri: str, compared: PromptComparison) -> dict[str, Run]:
    """The runs under a comparison's own, as MLflow's UI finds them, by their variants."""
    parent = run_of(tracking_uri, PROMPTS, compared.event_id)
    under = found(tracking_uri, PROMPTS, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    runs = {run.data.params["variant"]: run for run in under}
    assert len(runs) == len(under)
    return runs


def versions_of(tracking_uri: str, name: str) -> dict[int, str]:
    """The texts of a registered prompt, by their versions."""
    client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
    return {int(each.version): each.template for each in client.search_prompt_versions(name)}


@pytest.fixture
def names(request: pytest.FixtureRequest, tracking_uri: str) -> dict[str, str]:
    """Variants of the test's own: the server is shared, and its registry with it."""
    mark = hex_id(f"{request.node.name} {tracking_uri}")[:8]
    return {name: f"{name}_{mark}" for name in comparison().prompt_variants}


def renamed(names: dict[str, str], name: str) -> PromptComparison:
    """The document's comparison under these names."""
    compared = comparison(name)
    return compared.model_copy(
        update={
            field: {names[variant]: text for variant, text in getattr(compared, field).items()}
            for field in ("prompt_variants", "generated_responses")
        },
    )


def test_the_documents_comparison_is_a_run_with_a_run_for_each_tone(
    journal: Journal, tracking_uri: str, names: dict[str, str]
) -> None:
    compared = renamed(names, f"compared {tracking_uri}")
    report = shipped(journal, tracking_uri, [compared])
    assert report.view_runs[PROMPTS] == 4

    parent = run_of(tracking_uri, PROMPTS, compared.event_id)
    assert (parent.info.run_name, parent.info.status) == ("q_002", "FINISHED")
    assert parent.data.params == {
        "question_id": "q_002",
        "user_answer": "제3정규형",
        "correct_answer": "제2정규형",
    }
    runs = variants_of(tracking_uri, compared)
    # in characters, counted by hand
    lengths = {names["v1_strict"]: 41, names["v2_friendly"]: 42, names["v3_encouraging"]: 48}
    assert {variant: run.data.metrics for variant, run in runs.items()} == {
        variant: {"response_length": length} for variant, length in lengths.items()
    }
    for variant, run in runs.items():
        assert run.info.run_name == variant
        assert run.info.status == "FINISHED"
        assert run.data.params == {"variant": variant, "question_id": "q_002"}
        assert {"variant": variant, "question_id": "q_002"}.items() <= run.data.tags.items()
        assert artifacts_of(tracking_uri, run) == {
            "prompt.txt": compared.prompt_variants[variant],
            "response.txt": compared.generated_responses[variant],
        }


def test_each_prompt_is_in_the_registry_linked_to_its_run_and_to_the_experiment(
    journal: Journal, tracking_uri: str, names: dict[str, str]
) -> None:
    compared = renamed(names, f"registered {tracking_uri}")
    shipped(journal, tracking_uri, [compared])

    client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
    for variant, run in variants_of(tracking_uri, compared).items():
        assert versions_of(tracking_uri, variant) == {1: compared.prompt_variants[variant]}
        linked = run.data.tags["mlflow.linkedPrompts"]
        (version,) = client.search_prompt_versions(variant)
        assert update_linked_prompts_tag(linked, [version]) == linked, "MLflow itself has nothing to add"
    here = client.search_prompts(f"experiment_id = '{experiment_id(tracking_uri, PROMPTS)}'")
    assert set(names.values()) <= {prompt.name for prompt in here}


def test_a_new_text_is_a_new_version_and_an_old_one_is_its_own(
    journal: Journal, tracking_uri: str, names: dict[str, str]
) -> None:
    strict = names["v1_strict"]
    first, second = "엄격하게 설명하세요.", "아주 엄격하게 설명하세요."
    texts = [first, first, second, first]
    all_compared = [
        comparison(f"{number} {tracking_uri}", prompt_variants={strict: text}, generated_responses={})
        for number, text in enumerate(texts)
    ]
    for compared in all_compared:
        shipped(journal, tracking_uri, [compared])

    assert versions_of(tracking_uri, strict) == {1: first, 2: second}
    linked = [
        json.loads(variants_of(tracking_uri, compared)[strict].data.tags["mlflow.linkedPrompts"])
        for compared in all_compared
    ]
    assert [prompt["version"] for (prompt,) in linked] == ["1", "1", "2", "1"]


@pytest.mark.parametrize("variant", ["v1_strict", "v1.1-엄격한", "친절한", "..", "a/b"])
def test_every_variant_has_a_name_that_the_registry_takes(
    variant: str, journal: Journal, sqlite_uri: str
) -> None:
    compared = comparison(prompt_variants={variant: "설명하세요."}, generated_responses={variant: "네."})
    assert shipped(journal, sqlite_uri, [compared]).refused == 0
    assert variants_of(sqlite_uri, compared)[variant].data.tags["variant"] == variant
    assert versions_of(sqlite_uri, registered_name(variant)) == {1: "설명하세요."}
    assert (registered_name(variant) == variant) == variant.startswith("v1_")


def test_a_prompt_that_the_registry_refuses_costs_its_run_only_the_link(
    journal: Journal, sqlite_uri: str
) -> None:
    MlflowClient(tracking_uri=sqlite_uri, registry_uri=sqlite_uri).create_registered_model("v1_strict")
    before = failures.counts().get("registering a prompt in MLflow", 0)
    compared = comparison()
    assert shipped(journal, sqlite_uri, [compared]).refused == 0

    runs = variants_of(sqlite_uri, compared)
    assert {name for name, run in runs.items() if "mlflow.linkedPrompts" not in run.data.tags} == {
        "v1_strict"
    }
    assert failures.counts()["registering a prompt in MLflow"] == before + 1


def test_what_is_known_of_an_answer_is_shown_and_what_is_not_is_left_out(
    journal: Journal, tracking_uri: str, names: dict[str, str]
) -> None:
    turn = f"answered {tracking_uri}"
    strict, friendly, encouraging = names.values()
    compared = renamed(names, turn).model_copy(
        update={
            "trace_ids": {strict: hex_id(turn)},
            "manual_scores": {friendly: 4.5},
            "generated_responses": {strict: "틀렸습니다.", friendly: "아쉽네요!"},
        },
    )
    shipped(journal, tracking_uri, [*small_turn(turn), compared])

    runs = variants_of(tracking_uri, compared)
    assert runs[strict].data.metrics == {
        "response_length": 6,
        "total_tokens": 90,
        "estimated_cost_usd": 0.00035775,
    }
    assert runs[strict].data.tags["trace_id"] == f"tr-{hex_id(turn)}"
    assert runs[friendly].data.metrics == {"response_length": 5, "manual_score": 4.5}
    assert runs[encouraging].data.metrics == {}
    assert artifacts_of(tracking_uri, runs[encouraging]).keys() == {"prompt.txt"}


def test_a_turn_that_arrives_later_adds_its_tokens_and_cost(
    journal: Journal, tracking_uri: str, names: dict[str, str]
) -> None:
    turn = f"answered later {tracking_uri}"
    strict = names["v1_strict"]
    compared = renamed(names, turn).model_copy(update={"trace_ids": {strict: hex_id(turn)}})
    shipped(journal, tracking_uri, [compared])
    before = variants_of(tracking_uri, compared)
    assert before[strict].data.metrics.keys() == {"response_length"}

    assert shipped(journal, tracking_uri, small_turn(turn)).view_runs[PROMPTS] == 0

    after = variants_of(tracking_uri, compared)
    assert after[strict].info.run_id == before[strict].info.run_id
    assert after[strict].data.metrics == {
        "response_length": 41,
        "total_tokens": 90,
        "estimated_cost_usd": 0.00035775,
    }
    assert after[strict].info.status == "FINISHED"
    others = names["v2_friendly"], names["v3_encouraging"]
    assert [after[name].to_dictionary() for name in others] == [
        before[name].to_dictionary() for name in others
    ]


def test_delivering_again_changes_nothing(
    journal: Journal, tracking_uri: str, names: dict[str, str], tmp_path: Path
) -> None:
    compared = renamed(names, f"again {tracking_uri}")
    shipped(journal, tracking_uri, [compared])
    before = variants_of(tracking_uri, compared)

    assert shipped(Journal(tmp_path / "again"), tracking_uri, [compared]).view_runs[PROMPTS] == 0

    after = variants_of(tracking_uri, compared)
    assert {name: run.to_dictionary() for name, run in after.items()} == {
        name: run.to_dictionary() for name, run in before.items()
    }
    assert versions_of(tracking_uri, names["v1_strict"]).keys() == {1}


def test_a_score_given_later_is_a_metric_of_its_answer_and_a_later_one_takes_its_place(
    journal: Journal, tracking_uri: str, names: dict[str, str]
) -> None:
    compared = renamed(names, f"scored {tracking_uri}")
    friendly = names["v2_friendly"]

    def score(value: float, minutes: int, scorer: str = "person") -> PromptScore:
        return PromptScore.model_validate(
            {
                "event_id": hex_id(f"{scorer} {value} {minutes} {tracking_uri}"),
                "started_at": BEGAN + timedelta(minutes=minutes),
                "comparison_id": compared.event_id,
                "prompt_variant": friendly,
                "score": value,
                "scorer": scorer,
            },
        )

    shipped(journal, tracking_uri, [score(2, 1)])  # before its comparison
    shipped(journal, tracking_uri, [compared])
    shipped(journal, tracking_uri, [score(4.5, 3), score(1, 2, "judge")])
    shipped(journal, tracking_uri, [], now=SHORTLY_AFTER + timedelta(hours=1))

    runs = variants_of(tracking_uri, compared)
    metrics = runs[friendly].data.metrics
    assert (metrics["manual_score"], metrics["judge_score"]) == (4.5, 1.0)
    assert "manual_score" not in runs[names["v1_strict"]].data.metrics
    history = MlflowClient(tracking_uri=tracking_uri).get_metric_history(
        runs[friendly].info.run_id, "manual_score"
    )
    assert sorted(metric.value for metric in history) == [2.0, 4.5]


def test_the_prompts_that_learners_are_given_are_in_the_registry_under_the_experiments_name(
    journal: Journal, tracking_uri: str, names: dict[str, str], tmp_path: Path
) -> None:
    strict, friendly = names["v1_strict"], names["v2_friendly"]
    texts = {strict: "당신은 엄격한 교수입니다. 주제: {{topic}}", friendly: "당신은 친절한 코치입니다."}
    planned = PromptExperimentPlan(
        event_id=hex_id(f"planned {tracking_uri}"),
        started_at=BEGAN,
        experiment="tone",
        prompt_variants=texts,
        weights={strict: 0.5, friendly: 0.5},
        primary_metric="satisfaction",
        minimum_effect=0.05,
        significance=0.05,
        power=0.8,
        planned_looks=28,
    )
    shipped(journal, tracking_uri, [planned])
    shipped(journal, tracking_uri, [planned.model_copy(update={"event_id": hex_id(f"again {tracking_uri}")})])
    assert versions_of(tracking_uri, strict) == {1: texts[strict]}

    file = tmp_path / "experiments.toml"
    lines = [f'{name} = "prompts:/{name}@tone"' for name in texts]
    file.write_text("\n".join(["[experiments.tone.variants]", *lines]), encoding="utf-8")
    loaded = load_experiments(file, lambda addresses: registered_prompts(addresses, tracking_uri))["tone"]
    assert loaded.variants == {strict: "당신은 엄격한 교수입니다. 주제: {topic}", friendly: texts[friendly]}
    with pytest.raises(InvalidInputError, match="pass load_experiments a registry"):
        load_experiments(file)
    with pytest.raises(InvalidInputError, match="expected a prompt at prompts:/nobody/1"):
        registered_prompts({"a": "prompts:/nobody/1"}, tracking_uri)
