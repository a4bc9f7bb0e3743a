"""What users import says what it is."""

import inspect
import runpy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

MODULES: list[str] = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "reference.py"))["MODULES"]


def own(name: str, value: object) -> bool:
    """Whether a member is a method or property that a class of ours adds."""
    function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return (
        not name.startswith("_")
        and inspect.isfunction(function)
        and (function.__module__ or "").startswith("examsgraph_callbacks")
    )


def without_docstring(public: Any) -> bool:
    said = (inspect.getdoc(public) or "").strip()
    return (inspect.isclass(public) or inspect.isroutine(public)) and len(said) < 10


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_has_a_docstring(name: str) -> None:
    module = import_module(name)
    assert module.__doc__
    assert module.__all__
    bare = [f"{name}.{public}" for public in module.__all__ if without_docstring(getattr(module, public))]
    assert not bare


@pytest.mark.parametrize("name", MODULES)
def test_every_public_method_has_a_docstring_or_keeps_a_promise_that_has(name: str) -> None:
    module = import_module(name)
    classes = [one for one in (getattr(module, public) for public in module.__all__) if inspect.isclass(one)]
    methods = [(one, member) for one in classes for member, value in vars(one).items() if own(member, value)]
    # of a protocol, which says it for all who keep it, or of a framework's base class
    said = {member for one, member in methods if inspect.getdoc(getattr(one, member))}
    inherited = {
        (one, member) for one, member in methods if any(hasattr(base, member) for base in one.__mro__[1:])
    }
    bare = [
        f"{one.__name__}.{member}"
        for one, member in methods
        if member not in said and (one, member) not in inherited
    ]
    assert not bare
