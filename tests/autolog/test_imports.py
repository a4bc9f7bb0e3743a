"""The import hook: it tells of awaited modules, changes nothing about them, and goes when it is done."""

import importlib
import importlib.util
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.autolog.imports import ImportWatch


class Heard(list[str]):
    """The names of modules, in the order in which they were told."""

    def watch(self, *names: str) -> ImportWatch:
        return ImportWatch({name: lambda name=name: self.append(name) for name in names})  # type: ignore[misc]


@pytest.fixture
def heard() -> Iterator[Heard]:
    path, before = list(sys.path), set(sys.modules)
    finders = list(sys.meta_path)
    yield Heard()
    sys.path[:] = path
    sys.meta_path[:] = finders
    for name in set(sys.modules) - before:
        del sys.modules[name]
    importlib.invalidate_caches()


def library(directory: Path, name: str, text: str = "value = 1\n") -> None:
    (directory / f"{name}.py").write_text(text)
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    importlib.invalidate_caches()


def test_a_module_is_told_once_it_has_been_executed_and_only_once(heard: Heard, tmp_path: Path) -> None:
    library(tmp_path, "awaited_library")
    seen: list[Any] = []
    watch = ImportWatch({"awaited_library": lambda: seen.append(sys.modules["awaited_library"].value)})
    watch.start()
    assert seen == []
    module = importlib.import_module("awaited_library")
    assert seen == [1]
    importlib.reload(module)
    assert seen == [1]


def test_a_module_that_is_there_already_is_told_at_once(heard: Heard) -> None:
    heard.watch("json", "not_there").start()
    assert heard == ["json"]


def test_the_finder_is_gone_when_all_are_told_or_when_it_is_stopped(heard: Heard, tmp_path: Path) -> None:
    library(tmp_path, "awaited_library")
    done, stopped = heard.watch("awaited_library", "json"), heard.watch("never_imported", "awaited_library")
    done.start()
    stopped.start()
    stopped.stop()
    assert done in sys.meta_path
    assert stopped not in sys.meta_path
    importlib.import_module("awaited_library")
    assert done not in sys.meta_path
    assert heard == ["json", "awaited_library"]


def test_a_module_keeps_its_own_loader_resources_and_source(heard: Heard, tmp_path: Path) -> None:
    library(tmp_path, "awaited_library")
    heard.watch("awaited_library").start()
    module = importlib.import_module("awaited_library")

    assert module.__spec__ is not None
    loader: Any = module.__spec__.loader
    assert type(loader) is importlib.machinery.SourceFileLoader
    assert "exec_module" not in vars(loader)
    assert loader.get_source("awaited_library") == "value = 1\n"


def test_a_module_that_fails_fails_as_ever_and_is_awaited_further(heard: Heard, tmp_path: Path) -> None:
    library(tmp_path, "awaited_library", "raise RuntimeError('broken')\n")
    heard.watch("awaited_library").start()
    with pytest.raises(RuntimeError, match="broken"):
        importlib.import_module("awaited_library")
    assert heard == []

    library(tmp_path, "awaited_library", "value = 'now it is whole'\n")
    importlib.import_module("awaited_library")
    assert heard == ["awaited_library"]


def test_looking_for_a_module_is_not_importing_it(heard: Heard, tmp_path: Path) -> None:
    library(tmp_path, "awaited_library")
    heard.watch("awaited_library").start()
    assert importlib.util.find_spec("awaited_library") is not None
    assert importlib.util.find_spec("no_such_library") is None
    assert heard == []


def test_of_a_zip_file_only_the_awaited_module_is_told(heard: Heard, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "libraries.zip", "w") as archive:
        archive.writestr("awaited_library.py", "import beside_it\n")
        archive.writestr("beside_it.py", "")
    sys.path.insert(0, str(tmp_path / "libraries.zip"))
    heard.watch("awaited_library").start()
    importlib.import_module("awaited_library")
    assert heard == ["awaited_library"]


def test_two_hooks_do_not_hide_modules_from_each_other(heard: Heard, tmp_path: Path) -> None:
    library(tmp_path, "awaited_library")
    heard.watch("awaited_library").start()
    heard.watch("awaited_library").start()
    importlib.import_module("awaited_library")
    assert heard == ["awaited_library", "awaited_library"]
