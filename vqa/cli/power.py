"""``vqa power``: how many trainings and items a claim needs."""

from pathlib import Path
from typing import Annotated

import typer

from vqa.cli.scale import Scale, entered

EXAMPLE = "Example: `vqa power --scale real`, after `vqa repro --scale real`"


def power(
    scale: Scale = None,
    every: Annotated[bool, typer.Option("--all", help="all claims, not only those that the paper stands for")] = False,
    protocol: Annotated[str, typer.Option(help="released or clean")] = "clean",
) -> None:
    """How many trainings and items each claim needs, from the spread over both that was measured.

    For the gain that the paper prints (0.005 where it prints none), at the level and power of `statistics` in
    params.yaml, before any correction: of the part that needs most, and of the mean over all parts, which can refute.
    """
    with entered(scale):
        print(_table(every, protocol))


def _table(every: bool, protocol: str) -> str:
    """The table as text."""
    from tabulate import tabulate

    from vqa.report.tables.cells import PROTOCOLS
    from vqa.report.verdicts.claims import read_claims
    from vqa.report.verdicts.evidence import Printed
    from vqa.report.verdicts.needs import COLUMNS, needs
    from vqa.settings.params import load
    from vqa.settings.strict import build, known_name
    from vqa.stats.config import Statistics

    known_name("--protocol", protocol, dict.fromkeys(PROTOCOLS))
    params = load()
    settings = build(Statistics, params.statistics, "params.yaml: statistics")
    source = Path(params.root) / "reports"
    printed = Printed(source / "paper")
    claims = read_claims(source / "claims.yaml", printed)
    chosen = {name: claim for name, claim in claims.items() if every or claim.main}
    rows = needs(chosen, printed, Path("reports") / "statistics", protocol, settings)
    return tabulate(rows, COLUMNS, disable_numparse=True)
