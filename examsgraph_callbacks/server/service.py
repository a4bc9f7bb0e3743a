"""What stands behind the routes: the tracker, the questions, who is let in, and what is counted."""

import os
from collections.abc import Callable
from datetime import tzinfo
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fastapi import Request, Response

from examsgraph_callbacks.analytics.answers import Answer
from examsgraph_callbacks.capture import pseudonym
from examsgraph_callbacks.errors import ExamsGraphError, JournalUnavailableError, LakeUnavailableError
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import configured_meter
from examsgraph_callbacks.server.access import Access, Scope
from examsgraph_callbacks.server.bodies import read_report
from examsgraph_callbacks.server.figures import Figures
from examsgraph_callbacks.server.questions import OneAtATime, Questions
from examsgraph_callbacks.server.rates import RateLimit
from examsgraph_callbacks.server.refusals import Refusal
from examsgraph_callbacks.server.together import Together
from examsgraph_callbacks.settings import Settings, current_settings
from examsgraph_callbacks.tracker import AnyReport, Tracker

if TYPE_CHECKING:
    from examsgraph_callbacks.analytics.dashboard import DashboardQuestions

__all__ = ["Service"]

ReportT = TypeVar("ReportT", bound=AnyReport)
AnswerT = TypeVar("AnswerT", bound=Answer)
ResultT = TypeVar("ResultT")


class Service:
    """One journal, served. `journal` is None for the configured place; `settings` None for those in force.

    Nothing is opened before it is needed. With `guarded` false neither tokens nor rates are looked at:
    for an application that lets nobody in by ways of its own.
    """

    def __init__(
        self,
        journal: Journal | str | Path | None = None,
        settings: Settings | None = None,
        *,
        guarded: bool = True,
        questions: Questions | None = None,
    ) -> None:
        self._given = journal
        self._settings_given = settings
        self._guarded = guarded
        self._questions_given = questions
        self._asking = OneAtATime("examsgraph-analytics")

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings_given or current_settings()

    @cached_property
    def tracker(self) -> Tracker:
        """Writes the facts."""
        given = self._given
        return Tracker(given if given is not None else self.settings.journal)

    @cached_property
    def figures(self) -> Figures:
        """What is counted."""
        return Figures(self.tracker.journal, self.settings)

    @cached_property
    def version(self) -> str:
        """The version of the package."""
        try:
            return version("examsgraph-callbacks")
        except PackageNotFoundError:
            return "0"

    @property
    def zone(self) -> tzinfo:
        """The zone of all times that are answered."""
        return self.settings.time_zone

    @cached_property
    def access(self) -> Access:
        """Who is let in."""
        tokens = self.settings.api_tokens
        return Access(None if tokens is None else tokens.get_secret_value())

    def admit(self, request: Request, scope: Scope | None) -> None:
        """Raise the `Refusal` that is due; `scope` is None for what anybody may ask."""
        if not self._guarded or scope is None:
            return
        self._rates.take(self.access.who(request))
        self.access.check(request, scope)

    async def record(self, request: Request, kind: type[ReportT]) -> str:
        """Record what the request reports; returns once the fact is on disk, with its `event_id`."""
        report = await read_report(request, kind, self.settings.api_body_limit)
        return await self.written(lambda: self.tracker.record(report, insist=True))

    async def written(self, write: Callable[[], ResultT]) -> ResultT:
        """The result of `write`, which insists on a fact, once that is as safe as it shall be."""
        try:
            result = write()
            if self.settings.api_fsync:
                await self._syncing.done()
        except JournalUnavailableError as error:
            raise Refusal(503, f"{error}: send it again later", headers={"Retry-After": "5"}) from error
        return result

    async def ask(self, question: Callable[[Questions], AnswerT]) -> AnswerT:
        """The answer to a question, worked out beside the requests that come meanwhile."""
        return await self.work_out(lambda: question(self._questions))

    async def work_out(self, work: Callable[[], ResultT], thread: OneAtATime | None = None) -> ResultT:
        """The result of work that takes a while, done beside the requests that come meanwhile.

        It waits for the questions before it, unless it has a `thread` of its own.
        """
        try:
            return await (thread or self._asking).do(work)
        except LakeUnavailableError as error:
            failures.report("reading the lake", error.__cause__ or error)
            raise Refusal(503, str(error), headers={"Retry-After": "5"}) from error
        except ExamsGraphError as error:
            # what was asked is checked before: it is this server that has to be put right
            raise Refusal(503, self.without_places(str(error))) from error
        except OSError as error:
            failures.report("reading the journal", error)
            what = error.strerror or type(error).__name__
            raise Refusal(503, f"the journal cannot be read now: {what}") from error

    def without_places(self, message: str) -> str:
        """A message as an answer may have it: it names no folder of this machine."""
        settings = self.settings
        places = {self.tracker.journal.path: "the journal's folder", settings.lake: "EXAMSGRAPH_LAKE"}
        places |= {settings.experiments: "EXAMSGRAPH_EXPERIMENTS", settings.alerts: "EXAMSGRAPH_ALERTS"}
        for place, name in places.items():
            if place is not None:
                message = message.replace(str(place), name)
        return message

    def recorded_user(self, user_id: str | None) -> str | None:
        """The id under which the facts know a user."""
        key = self.settings.user_key
        return user_id if user_id is None or key is None else pseudonym(user_id, key.get_secret_value())

    def can_write(self) -> bool:
        """Whether the journal takes facts, as far as that shows without writing one."""
        journal = self.tracker.journal
        place = journal.path
        try:
            while not place.exists():
                place = place.parent
        except OSError:
            return False  # not even looked at
        return journal.held == 0 and place.is_dir() and os.access(place, os.W_OK | os.X_OK)

    @cached_property
    def _rates(self) -> RateLimit:
        return RateLimit(self.settings.api_requests_per_second)

    @cached_property
    def _syncing(self) -> Together[None]:
        return Together(self.tracker.journal.sync, "examsgraph-fsync")

    @cached_property
    def scrapes(self) -> Together[Response]:
        """What Prometheus is told."""
        return Together(self.figures.text, "examsgraph-scrapes")

    @property
    def _questions(self) -> Questions:
        return self.dashboard if self._questions_given is None else self._questions_given

    @cached_property
    def dashboard(self) -> "DashboardQuestions":
        """The questions of the dashboard, for `work_out`."""
        from examsgraph_callbacks.analytics.dashboard import DashboardQuestions

        return DashboardQuestions(self.tracker.journal, self.settings, configured_meter())
