"""The command ``vqa`` with its sub-commands, exit codes and one-line errors."""

import sys
from importlib import import_module

import typer
from typer.exceptions import Abort, Exit, TyperException

from vqa.io import InputError, run_stage

COMMANDS = (
    *("repro", "why", "doctor", "score", "features", "new", "fetch", "check", "certify"),
    *("track", "power", "bench", "store", "rehearse", "publish"),
)

app = typer.Typer(
    help="Rebuild a video quality assessment paper, test new methods and data in the same way, score videos.",
    epilog="`vqa COMMAND --help` has an example of each. Exit codes: 0 good, 1 a check failed, 2 wrong use or input.",
    rich_markup_mode="markdown",
)
for name in COMMANDS:
    module = import_module(f"vqa.cli.{name}")
    app.command(name, epilog=module.EXAMPLE)(getattr(module, name))


def run(arguments: list[str]) -> int:
    """Run a command line; the exit code.

    Raises:
        InputError: for a wrong use, in one line.
    """
    try:
        return app(arguments or ["--help"], prog_name="vqa", standalone_mode=False) or 0
    except Exit as stop:
        return stop.exit_code
    except Abort:
        return 130
    except TyperException as error:
        text = " ".join(error.format_message().split())
        raise InputError(f"{text[:1].lower()}{text[1:].rstrip('.')}; `vqa --help` says what there is") from None


def main() -> None:
    """Entry point of the console script."""
    run_stage(lambda: run(sys.argv[1:]))
