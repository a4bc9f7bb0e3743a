"""Makes the API reference of what users import, from its docstrings; anything that pdoc warns of is an error.

python docs/reference.py FOLDER        # with  pip install -e '.[test]' pdoc
"""

import sys
import warnings
from importlib import import_module
from pathlib import Path

MODULES = [
    "examsgraph_callbacks",
    "examsgraph_callbacks.langchain",
    "examsgraph_callbacks.llama_index",
    "examsgraph_callbacks.graph",
    "examsgraph_callbacks.graph.tap",
    "examsgraph_callbacks.events",
    "examsgraph_callbacks.journal",
    "examsgraph_callbacks.measure",
    "examsgraph_callbacks.analytics",
    "examsgraph_callbacks.experiments",
    "examsgraph_callbacks.alerts",
    "examsgraph_callbacks.replay",
    "examsgraph_callbacks.pytest_plugin",
    "examsgraph_callbacks.server",
    "examsgraph_callbacks.settings",
    "examsgraph_callbacks.errors",
]


def main() -> None:
    """Write the pages."""
    warnings.simplefilter("error")
    # what is imported for type checkers only is shown as it is written, without a link
    warnings.filterwarnings("ignore", message="Error parsing type annotation")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own, as they are imported
        from pdoc import pdoc, render

        for name in MODULES:
            module = import_module(name)
            for public in module.__all__:
                setattr(module, public, getattr(module, public))  # what comes at first use is here now
    folder = Path(sys.argv[1])
    render.configure(docformat="markdown", footer_text="ExamsGraph Callbacks", show_source=False)
    pdoc(*MODULES, output_directory=folder)
    print(f"{len(list(folder.rglob('*.html')))} pages in {folder}/index.html")


if __name__ == "__main__":
    main()
