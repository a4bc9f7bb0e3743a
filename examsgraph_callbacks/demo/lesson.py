"""The lesson: every learner greets the tutor, has the missed questions explained, and gives feedback."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

from langchain_core.runnables import Runnable

from examsgraph_callbacks.capture import tutoring
from examsgraph_callbacks.demo.learners import Learner, missed_questions, reaction
from examsgraph_callbacks.demo.questions import Question
from examsgraph_callbacks.demo.tutor import TutorInput, wrong_answer
from examsgraph_callbacks.errors import ExamsGraphError
from examsgraph_callbacks.tracker import Tracker

__all__ = ["give_lesson"]


def give_lesson(
    tutor: Runnable[TutorInput, str],
    tracker: Tracker,
    learners: Sequence[Learner],
    questions: Sequence[Question],
    on_progress: Callable[[int, int], None],
) -> int:
    """Serve all learners at once, each in a thread; returns how many turns failed.

    `on_progress` hears the turns done and the turns in all. A turn that fails is passed over: whoever
    listens to the chain has it on record. Raises `ExamsGraphError`, saying why, where every turn failed.
    """
    missed = {learner: missed_questions(learner, questions) for learner in learners}
    total = sum(1 + len(questions) for questions in missed.values())
    lesson = _Lesson(tutor, tracker, lambda done: on_progress(done, total))
    with ThreadPoolExecutor(max_workers=len(learners)) as threads:
        try:
            for served in [threads.submit(lesson.serve, *plan) for plan in missed.items()]:
                served.result()
        finally:
            # else Ctrl-C would wait for the whole class, and pay for it
            lesson.over = True
    if lesson.errors and len(lesson.errors) == total:
        last = lesson.errors[-1]
        raise ExamsGraphError(
            f"expected the tutor to answer, but all {total} turns failed, the last with "
            f"{type(last).__name__}: {last}; correct the keys and addresses in the environment "
            "(examsgraph demo --help lists them)",
        ) from last
    return len(lesson.errors)


class _Lesson:
    def __init__(
        self,
        tutor: Runnable[TutorInput, str],
        tracker: Tracker,
        on_progress: Callable[[int], None],
    ) -> None:
        self.errors: list[Exception] = []
        self.over = False
        self._done = 0
        self._tutor = tutor
        self._tracker = tracker
        self._on_progress = on_progress
        self._lock = threading.Lock()

    def serve(self, learner: Learner, missed: Sequence[Question]) -> None:
        with tutoring(user_id=learner.user_id, session_id=learner.session_id):
            with tutoring(task_type="simple_greeting"):
                self._answer({"message": learner.greeting})
            for question in missed:
                if self.over:
                    return
                with tutoring(
                    question_id=question.question_id,
                    task_type=question.task_type,
                    wrong_concept=question.wrong_concept,
                ):
                    self._explain(learner, question)

    def _explain(self, learner: Learner, question: Question) -> None:
        run_id = uuid4()
        explanation = self._answer(wrong_answer(question), run_id)
        if explanation is not None:
            said = reaction(learner, question)
            self._tracker.log_user_feedback(
                ai_explanation=explanation,
                feedback_type=said.feedback_type,
                understanding_score=said.understanding_score,
                followup_text=said.followup_text,
                trace_id=run_id,
            )

    def _answer(self, turn: TutorInput, run_id: UUID | None = None) -> str | None:
        """The tutor's answer, None where the turn failed; given a `run_id`, that is the turn's trace."""
        answer = error = None
        try:
            answer = "".join(self._tutor.stream(turn, {"run_id": run_id}))
        except Exception as raised:  # noqa: BLE001 - whatever a provider raises, the lesson goes on
            error = raised
        with self._lock:
            self._done += 1
            if error is not None:
                self.errors.append(error)
            self._on_progress(self._done)
        return answer
