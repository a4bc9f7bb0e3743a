"""The demonstration from end to end: a lesson is recorded, shipped to MLflow and summed up."""

from examsgraph_callbacks.background import ship_by_hand
from examsgraph_callbacks.console import Screen, ship_with_progress, show_report, show_shipped
from examsgraph_callbacks.deliver import ShipReport
from examsgraph_callbacks.demo.concept_graph import open_graph
from examsgraph_callbacks.demo.embeddings import QuestionVectors
from examsgraph_callbacks.demo.learners import CLASS
from examsgraph_callbacks.demo.lesson import give_lesson
from examsgraph_callbacks.demo.models import tutor_models
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.demo.tutor import tutor_chain
from examsgraph_callbacks.errors import ExamsGraphError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from examsgraph_callbacks.langchain.retriever import GraphPathRetriever
from examsgraph_callbacks.measure import configured_meter
from examsgraph_callbacks.tracker import Tracker

__all__ = ["record_lesson", "run_demo"]


def run_demo(journal: Journal, screen: Screen, pace: float = 1.0) -> None:
    """Give the lesson with `journal` listening, then ship the journal and show what it says.

    `pace` stretches the scripted models' pauses; 0 leaves them out. Raises `ExamsGraphError` where the
    graph or the models cannot be had; that MLflow cannot be reached is said, and costs nothing else.
    """
    ship_by_hand()
    record_lesson(journal, screen, pace)
    shipped = _shipped(journal, screen)
    screen.say("")
    show_report(journal, screen, configured_meter())
    screen.say("")
    if shipped is not None:
        show_shipped(shipped, journal, screen)
    screen.say("The summary again:")
    screen.command(f"examsgraph report --journal {journal.path}")


def record_lesson(journal: Journal, screen: Screen, pace: float = 1.0) -> None:
    """Give the lesson with `journal` listening; says which models and which graph it uses.

    Raises `ExamsGraphError` where these cannot be had.
    """
    questions = load_questions()
    models = tutor_models(questions, pace)
    with open_graph() as (graph, whereabouts):
        screen.say(f"Models   {models.description}")
        screen.say(f"Graph    {whereabouts}")
        screen.say(f"Journal  {journal.path}")
        retriever = GraphPathRetriever(
            graph=graph,
            embeddings=QuestionVectors(questions),
            depth=3,
            similarity_threshold=0.7,
            beam_width=1,
            seeds=1,
        )
        # this one line records everything but the learners' feedback
        tutor = tutor_chain(retriever, models).with_config(callbacks=[ExamsGraphCallbackHandler(journal)])
        with screen.progress("Tutoring") as advance:
            failed = give_lesson(tutor, Tracker(journal), CLASS, questions, advance)
    if failed:
        screen.warn(f"{failed} turn{'s' if failed > 1 else ''} failed, the lesson went on: see the summary.")


def _shipped(journal: Journal, screen: Screen) -> ShipReport | None:
    try:
        return ship_with_progress(journal, screen)
    except ExamsGraphError as error:
        screen.warn(f"Not shipped: {error}.")
        screen.say("Everything is in the journal. To ship it later:")
        screen.command(f"examsgraph ship --journal {journal.path}")
        return None
