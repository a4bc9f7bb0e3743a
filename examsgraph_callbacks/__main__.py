"""`python -m examsgraph_callbacks` is `examsgraph`, and so is the console script."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; an application that is only to be run starts without its libraries."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"] and _names_an_application(arguments[1:2]):
        from examsgraph_callbacks.autolog.launch import run_application
        from examsgraph_callbacks.errors import InvalidInputError

        try:
            run_application(arguments[1:])
        except InvalidInputError:
            """The command line below finds the same, and tells it in its own way."""
    if arguments[:2] == ["ship", "--background"] and len(arguments) == 3:
        _ship_in_the_background(arguments[2])
        return
    from examsgraph_callbacks.cli import app

    app(prog_name="examsgraph")


def _ship_in_the_background(journal: str) -> None:
    """What a process that writes a journal starts: it detaches itself before it imports anything heavy."""
    from examsgraph_callbacks.background.detaching import detach

    detach()
    from pathlib import Path

    from examsgraph_callbacks.deliver.background import follow_in_a_helper

    follow_in_a_helper(Path(journal))


def _names_an_application(first: list[str]) -> bool:
    return bool(first) and (first[0] == "-m" or not first[0].startswith("-"))


if __name__ == "__main__":
    main()
