"""Says when modules are imported, from a finder on `sys.meta_path` that is gone once all of them are."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["ImportWatch"]


class ImportWatch:
    """Calls each of `when_imported` once, right after the module of its name has been executed.

    A module that is there already counts as imported when the watch starts. What is called must not
    raise: the host's `import` statement is what it would break.
    """

    def __init__(self, when_imported: Mapping[str, Callable[[], None]]) -> None:
        self._awaited = dict(when_imported)

    def start(self) -> None:
        """Watch from now on."""
        sys.meta_path.insert(0, self)
        for name in list(self._awaited):
            if name in sys.modules:
                self._imported(name)

    def stop(self) -> None:
        """Watch no more; nothing is called from now on."""
        self._awaited.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """What the finders behind find; an awaited module is then noticed when it has been executed."""
        if name not in self._awaited or self not in sys.meta_path:
            return None
        # those before have found nothing, or ask this one as it asks those behind
        finders = sys.meta_path[sys.meta_path.index(self) + 1 :]
        specs = (finder.find_spec(name, path, target) for finder in finders if hasattr(finder, "find_spec"))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            self._listen_to(spec.loader, name)
        return spec

    def _listen_to(self, loader: Loader, name: str) -> None:
        # on the loader itself, not around it: resources and sources are asked of the host's own loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            # a zip file's loader loads many modules
            if module.__name__ == name:
                vars(loader).pop("exec_module", None)
                self._imported(name)

        try:
            loader.exec_module = exec_module  # type: ignore[method-assign]
        except AttributeError:
            # a loader without attributes of its own: the module is not recorded, but it is imported
            return

    def _imported(self, name: str) -> None:
        call = self._awaited.pop(name, None)
        if call is not None:
            call()
        if not self._awaited:
            self.stop()
