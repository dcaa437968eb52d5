"""Say what is on disk and whether it is right: ``python -m stages.audit [DATASET] [--quick]``.

Compares ``data/`` with the catalog: every file of every data set of params and of every published entry that is there
is present, missing, corrupt (not the bytes of its checksum, or not those that were prepared), undecodable or extra.
Prints one line for each that is not as it should be, and the numbers. Exit code 1 if something is missing, corrupt or
undecodable.
"""

import argparse
from pathlib import Path

from vqa.data.audit import BAD, Finding, audit_dataset, audit_entry, counts
from vqa.data.published.entries import PUBLISHED, ROOT
from vqa.io import run_stage
from vqa.settings.params import load
from vqa.settings.strict import known_name


def main() -> int:
    """Audit the data set named on the command line, or everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", help="a key of params.yaml: datasets; everything if not said")
    parser.add_argument("--quick", action="store_true", help="do not decode: checksums and lists alone")
    arguments = parser.parse_args()
    return check(arguments.dataset, decode=not arguments.quick)


def check(dataset: str | None, decode: bool = True) -> int:
    """Print the audit of one data set, or of all data sets and published entries; return the exit code.

    Raises:
        vqa.settings.strict.ParamsError: if params have no such data set.
    """
    params = load()
    if dataset is not None:
        known_name("params.yaml: datasets", dataset, params.datasets)
    found: dict[str, list[Finding]] = {}
    for name in params.datasets if dataset is None else [dataset]:
        data, prepared = Path("data") / name, Path("prepared") / name
        found[name] = audit_dataset(name, params.datasets[name].source, data, prepared, decode)
    entries = [name for name in PUBLISHED if name in params.published or (ROOT / name).is_dir()]
    for name in entries if dataset is None else []:
        found[f"published/{name}"] = audit_entry(name, ROOT / name)
    for name, findings in found.items():
        for finding in findings:
            if finding.detail:
                print(f"{finding.kind}: {finding.place}: {finding.detail}")
        print(f"{name}: {', '.join(f'{number} {kind}' for kind, number in counts(findings).items())}")
    return int(any(finding.kind in BAD for findings in found.values() for finding in findings))


if __name__ == "__main__":
    run_stage(main)
