"""The house: imports run one way, and each outside library is touched by one room."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "examsgraph_callbacks"

# from the ground up: a room may import only rooms of the lines before its own
LINES = [
    {"defaults", "errors", "lazy"},
    {"events", "failures", "settings"},
    {"background"},
    {"journal", "measure"},
    {"capture", "analytics"},
    {"replay"},
    {"graph", "experiments", "tracker", "alerts", "counters"},
    {"langchain", "llama_index", "openai", "deliver"},
    {"server"},
    {"console"},
    {"demo", "autolog"},
    {"cli", "pytest_plugin"},
    {"__main__"},
]

# the package's own front page re-exports; it stands on no line
FRONT = "__init__"

OWNERS = {
    "xxhash": {"capture"},
    "langchain": {"langchain"},
    "langchain_core": {"langchain"},
    "langchain_openai": {"demo"},
    "neo4j": {"graph"},
    "neo4j_graphrag": {"graph"},
    # what facts are where there are many: the journal keeps columns of them, the others work them out
    "numpy": {"graph", "journal", "measure", "analytics", "experiments", "counters"},
    "scipy": {"experiments"},
    "statsmodels": {"experiments"},
    "orjson": {"journal"},
    "pyarrow": {"journal", "measure", "analytics", "counters"},
    "fsspec": {"journal"},
    "ibis": {"analytics"},
    "pyspark": {"analytics"},
    "tiktoken": {"measure"},
    "genai_prices": {"measure"},
    "mlflow": {"deliver"},
    "opentelemetry": {"deliver"},
    "google": {"deliver"},
    "requests": {"deliver"},
    "rich": {"console"},
    "typer": {"cli"},
    "pydantic_settings": {"settings"},
    "llama_index": {"llama_index"},
    "llama_index_instrumentation": {"llama_index"},
    "openai": {"openai"},
    "slack_sdk": {"alerts"},
    "apprise": {"alerts"},
    "pytest": {"pytest_plugin"},
    "fastapi": {"server"},
    "starlette": {"server"},
    "uvicorn": {"server"},
    "prometheus_client": {"server"},
}
EVERY_ROOM_MAY = {"pydantic", "pydantic_core"}

# the demo is an application like a user's: it may import what a user's would
APPLICATION = {"demo"}


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    """The dotted names that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: expected absolute imports, found a relative one"
            found.add(node.module or "")
            if node.module == "examsgraph_callbacks":
                found.update(f"examsgraph_callbacks.{alias.name}" for alias in node.names)
    return found


FILES = sorted(PACKAGE.rglob("*.py"))
LINE_OF = {room: number for number, line in enumerate(LINES) for room in line}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_run_one_way(path: Path) -> None:
    room = _room(path)
    if room == FRONT:
        return
    assert room in LINE_OF, f"{room} has no line yet: say in LINES what it stands on"
    for name in _imports(path):
        if not name.startswith("examsgraph_callbacks."):
            continue
        other = name.split(".")[1]
        if other == room or other not in LINE_OF:
            continue
        assert LINE_OF[other] < LINE_OF[room], f"{room} may not import {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_outside_library_is_imported_in_one_room(path: Path) -> None:
    room = _room(path)
    outside = {name.split(".")[0] for name in _imports(path)} - set(sys.stdlib_module_names)
    for library in outside - EVERY_ROOM_MAY - {"examsgraph_callbacks", ""}:
        assert library in OWNERS, f"{library} has no room yet: say in OWNERS which one imports it"
        if library == "langchain_core" and room in APPLICATION:
            continue
        assert room in OWNERS[library], f"only {OWNERS[library]} may import {library}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_says_what_it_is_for_and_fits_on_a_few_screens(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first = text.splitlines()[0] if text else ""
    assert first.startswith('"""'), "expected the first line to say what the file is for"
    assert text.count("\n") <= 320, f"{text.count(chr(10))} lines: is there a room inside?"


def test_importing_the_package_brings_in_nothing_heavy() -> None:
    import subprocess

    heavy = ["mlflow", "neo4j", "tiktoken", "genai_prices", "numpy", "langchain_core", "rich", "typer"]
    code = f"import sys, examsgraph_callbacks; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_handler_brings_in_nothing_that_only_delivery_or_measuring_needs() -> None:
    import subprocess

    heavy = ["mlflow", "neo4j", "tiktoken", "genai_prices"]
    code = (
        "import sys; from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
