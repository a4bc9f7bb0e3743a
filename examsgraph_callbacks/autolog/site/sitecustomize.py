"""Python imports this at its start: `examsgraph run` puts this directory first on `PYTHONPATH`.

It runs in every Python that the application starts, of whatever version and environment: plain syntax,
nothing raised, and the sitecustomize that it hides is imported as if this were not here.
"""
# ruff: noqa: INP001 - a directory of PYTHONPATH, no package

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _here]

if os.environ.get("EXAMSGRAPH_AUTOLOG") == "1":
    try:
        from examsgraph_callbacks.autolog.switch import autolog_from_environment

        autolog_from_environment()
    except Exception as error:  # noqa: BLE001 - it is the application that is to start
        # an environment without this package, or a Python too old for it: no matter in a subprocess
        if os.environ.get("EXAMSGRAPH_RUN") == str(os.getppid()):
            sys.stderr.write("examsgraph: not recorded by " + sys.executable + ": " + str(error) + "\n")

_this = sys.modules.pop("sitecustomize")
try:
    __import__("sitecustomize")
except ImportError as error:
    if getattr(error, "name", "sitecustomize") != "sitecustomize":
        raise
finally:
    sys.modules.setdefault("sitecustomize", _this)
