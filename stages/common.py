"""The argument of a stage: one key of params."""

import argparse
from collections.abc import Iterable

from vqa.settings.strict import known_name


def argument(description: str, name: str, known: Iterable[str]) -> str:
    """Read the one argument of a stage from the command line.

    Args:
        description: docstring of the stage, its help text.
        name: what the argument is, ``dataset`` or ``run``.
        known: the keys of params that it may be.

    Raises:
        vqa.settings.strict.ParamsError: if it is none of them.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(name, help=f"a key of params.yaml: {name}s")
    value = getattr(parser.parse_args(), name)
    known_name(f"params.yaml: {name}s", value, known)
    return value
