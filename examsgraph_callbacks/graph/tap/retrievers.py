"""The retrievers of a framework whose runs are heard: those that were named, or all of them.

Retrievers themselves are left as they are. The methods of their classes by which they search are
wrapped, and ask whether the retriever at hand is to be heard; one that is not goes its way.
"""

import threading
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any
from weakref import finalize

from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph.tap.driver import listen_to_the_driver
from examsgraph_callbacks.graph.tap.heard_run import About, HeardRun, Options, begin_heard_run
from examsgraph_callbacks.graph.tap.hearing import heard_by
from examsgraph_callbacks.graph.tap.replacing import Method, Replacement, subclasses, telling_of_subclasses

__all__ = ["Describe", "Retrievers"]

Describe = Callable[[Any, tuple[Any, ...], Mapping[str, Any]], About]
"""From a retriever, and the arguments of its search, to what is known of the run."""


class Retrievers:
    """The retrievers that derive from `base` and search by `methods`; `describe` tells of a run."""

    def __init__(self, base: type, methods: tuple[str, ...], describe: Describe) -> None:
        self._base = base
        self._methods = methods
        self._describe = describe
        self._named: dict[int, Options] = {}
        self._every: Options | None = None
        self._wrapped: dict[tuple[type, str], Replacement] = {}
        # reentrant: a retriever may be garbage-collected in here
        self._lock = threading.RLock()

    def record(self, retriever: object, options: Options) -> None:
        """Hear this retriever's runs as long as it lives; doing so again changes the options."""
        with self._lock:
            is_new = id(retriever) not in self._named
            self._named[id(retriever)] = options
            if is_new:
                # not by the retriever itself: it may have no hash, and be equal to another
                forget = finalize(retriever, self._forget, id(retriever), listen_to_the_driver())
                forget.atexit = False
            self._wrap_all()

    def record_all(self, options: Options) -> Callable[[], None]:
        """Hear every retriever's runs until what is returned is called."""
        with self._lock:
            self._every = options
            stop_listening = listen_to_the_driver()
            self._wrap_all()

        def stop() -> None:
            stop_listening()
            with self._lock:
                if self._every is options:
                    self._every = None
                    self._unwrap_if_idle()

        return stop

    def _forget(self, identity: int, stop_listening: Callable[[], None]) -> None:
        stop_listening()
        with self._lock:
            self._named.pop(identity, None)
            self._unwrap_if_idle()

    def _wrap_all(self) -> None:
        for owner in subclasses(self._base):
            self._wrap(owner)
        place = (self._base, "__init_subclass__")
        if place not in self._wrapped:
            self._wrapped[place] = telling_of_subclasses(self._base, self._wrap_new)
            self._wrapped[place].put()

    def _wrap(self, owner: type) -> None:
        for name in self._methods:
            method = vars(owner).get(name)
            if method is None or getattr(method, "__isabstractmethod__", False):
                continue
            if (owner, name) not in self._wrapped:
                self._wrapped[owner, name] = Replacement(owner, name, self._heard)
                self._wrapped[owner, name].put()

    def _unwrap_if_idle(self) -> None:
        if not self._named and self._every is None:
            # what somebody else has wrapped since is wrapped still, and need not be again
            self._wrapped = {
                place: method for place, method in self._wrapped.items() if not method.take_away()
            }

    def _wrap_new(self, owner: type) -> None:
        try:
            self._wrap(owner)
        except Exception as error:  # noqa: BLE001 - whatever it is, the host's class must come to be
            failures.report("recording a retriever's paths", error)

    def _heard(self, search: Method) -> Method:
        if iscoroutinefunction(search):

            @wraps(search)
            async def heard_async(retriever: object, *args: Any, **kwargs: Any) -> Any:
                if _records_itself(retriever):
                    with heard_by(None):
                        return await search(retriever, *args, **kwargs)
                run = self._begin(retriever, args, kwargs)
                if run is None:
                    return await search(retriever, *args, **kwargs)
                async with run:
                    run.result = await search(retriever, *args, **kwargs)
                return run.result

            return heard_async

        @wraps(search)
        def heard(retriever: object, *args: Any, **kwargs: Any) -> Any:
            if _records_itself(retriever):
                with heard_by(None):
                    return search(retriever, *args, **kwargs)
            run = self._begin(retriever, args, kwargs)
            if run is None:
                return search(retriever, *args, **kwargs)
            with run:
                run.result = search(retriever, *args, **kwargs)
            return run.result

        return heard

    def _begin(self, retriever: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> HeardRun | None:
        options = self._named.get(id(retriever), self._every)
        if options is None:
            return None
        return begin_heard_run(options, lambda: self._describe(retriever, args, kwargs))


def _records_itself(retriever: object) -> bool:
    """Whether it is a path retriever of this package, which knows more than its queries tell."""
    return any(owner.__module__.startswith("examsgraph_callbacks.") for owner in type(retriever).__mro__)
