"""``vqa fetch``: bring data sets, or say what is there of them."""

from pathlib import Path
from typing import Annotated

import typer

from vqa.cli.repro import reproduce_scale
from vqa.cli.scale import Scale, entered
from vqa.settings.strict import known_name

EXAMPLE = "Examples: `vqa fetch konvid1k`, `vqa fetch --scale paper --check --quick`"


def fetch(
    datasets: Annotated[list[str] | None, typer.Argument(help="keys of params.yaml: datasets; default: all")] = None,
    check: Annotated[bool, typer.Option("--check", help="fetch nothing, say what is on disk")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="with --check: decode nothing")] = False,
    jobs: Annotated[int, typer.Option(help="data sets at a time; 0: one per core")] = 0,
    scale: Scale = None,
) -> int:
    """Bring data sets to data/: made, downloaded and verified, or linked from $VQA_DATA.

    With --check every item of every data set, and every published file, is compared with what should be there:
    present, missing, corrupt (not the bytes of its checksum, or not those that were prepared), undecodable or extra.
    One line for each that is not as it should be, and the numbers; exit code 1 if something is missing, corrupt or
    undecodable.
    """
    from vqa.settings.params import load

    with entered(scale):
        params = load()
        for name in datasets or ():
            known_name("params.yaml: datasets", name, params.datasets)
        if check:
            return audit(datasets or None, decode=not quick)
        stages = [f"fetch@{name}" for name in datasets or params.datasets]
        if not datasets:
            stages += [f"published@{name}" for name in params.published]
        return reproduce_scale(stages, jobs)


def audit(datasets: list[str] | None, decode: bool = True) -> int:
    """Print the audit of some data sets of the scale in the working directory, or of all and of published entries.

    Returns:
        The exit code.
    """
    from vqa.data.audit import BAD, Finding, audit_dataset, audit_entry, counts
    from vqa.data.published.entries import PUBLISHED, ROOT
    from vqa.settings.params import load

    params = load()
    found: dict[str, list[Finding]] = {}
    for name in datasets or params.datasets:
        data, prepared = Path("data") / name, Path("prepared") / name
        found[name] = audit_dataset(name, params.datasets[name].source, data, prepared, decode)
    entries = [name for name in PUBLISHED if name in params.published or (ROOT / name).is_dir()]
    for name in entries if datasets is None else []:
        found[f"published/{name}"] = audit_entry(name, ROOT / name)
    for name, findings in found.items():
        for finding in findings:
            if finding.detail:
                print(f"{finding.kind}: {finding.place}: {finding.detail}")
        print(f"{name}: {', '.join(f'{number} {kind}' for kind, number in counts(findings).items())}")
    return int(any(finding.kind in BAD for findings in found.values() for finding in findings))
