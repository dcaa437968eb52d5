"""What is on disk against what should be: present, missing, corrupt, undecodable, extra."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from vqa.data.catalog import CATALOG
from vqa.data.labels import read_labels
from vqa.data.probe import probe_file
from vqa.data.provided import surprises
from vqa.data.published.entries import published_entry
from vqa.io import InputError, file_digest
from vqa.settings.strict import one_of

KINDS = ("present", "missing", "corrupt", "undecodable", "extra", "note")
BAD = ("missing", "corrupt", "undecodable")


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        kind: ``present``, ``missing``, ``corrupt`` (other bytes than should be), ``undecodable``, ``extra`` (nobody
            asked for it) or ``note`` (a list that differs from the catalog's, which is no error).
        place: the file or folder.
        detail: what is wrong with it, in one line; empty for what is as it should be.
    """

    kind: str
    place: str
    detail: str = ""

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)


def audit_entry(name: str, folder: Path) -> list[Finding]:
    """Findings for every file of the published entry ``name`` in ``folder``, and for every other file there."""
    entry, findings = published_entry(name), []
    for path, source in entry.sources.items():
        file = folder / path
        if not file.is_file():
            findings.append(Finding("missing", str(file), f"run `python -m stages.published {name}`"))
        elif (actual := file_digest(file)) != source.sha256:
            findings.append(Finding("corrupt", str(file), f"sha256 is {actual}, expected {source.sha256}"))
        else:
            findings.append(Finding("present", str(file)))
    return findings + _extra(folder, {folder / path for path in entry.files})


def audit_dataset(name: str, source: str, data: Path, prepared: Path, decode: bool = True) -> list[Finding]:
    """Findings for every item of a data set.

    Args:
        name: of the data set.
        source: ``datasets.NAME.source`` of params.
        data: its folder, as the stage ``fetch`` makes it.
        prepared: its prepared folder; what was prepared must not have changed since.
        decode: decode every file in full.
    """
    try:
        labels = read_labels(data / "labels.csv")
    except InputError as error:
        path = data / "labels.csv"
        detail = str(error).removeprefix(f"{path}: ")
        return [Finding("corrupt" if path.exists() else "missing", str(path), detail)]
    notes = [] if source == "synthetic" or name not in CATALOG else surprises(CATALOG[name], labels)
    findings = [Finding("note", str(data / "labels.csv"), line) for line in notes]
    if source == "published":
        tables = sorted((data / "features").glob("*.npy"))
        findings += [_features(path, len(labels)) for path in tables]
        findings += [] if tables else [Finding("missing", str(data / "features"), "no features")]
        return findings + _extra(data, {data / "labels.csv", *tables})
    known = _prepared_digests(prepared)
    for item in tqdm(labels.name, desc=f"audit {name}", unit="file", disable=None):
        findings.append(_item(data / item, known.get(item), decode))
    return findings + _extra(data, {data / "labels.csv", *(data / item for item in labels.name)})


def counts(findings: list[Finding]) -> dict[str, int]:
    """Number of findings of every kind but notes."""
    return {kind: sum(finding.kind == kind for finding in findings) for kind in KINDS if kind != "note"}


def _item(path: Path, sha256: str | None, decode: bool) -> Finding:
    if not path.is_file():
        return Finding("missing", str(path), "in the label list, but not there")
    if sha256 is not None and file_digest(path) != sha256:
        return Finding("corrupt", str(path), "not the file that was prepared")
    if decode:
        try:
            probe_file(path)
        except InputError as error:
            return Finding("undecodable", str(path), str(error).removeprefix(f"{path}: "))
    return Finding("present", str(path))


def _features(path: Path, rows: int) -> Finding:
    try:
        table = np.load(path, allow_pickle=False)
        fits = table.dtype == np.float32 and table.ndim == 2 and len(table) == rows and bool(np.isfinite(table).all())
    except (ValueError, EOFError, OSError):
        fits = False
    if not fits:
        return Finding("corrupt", str(path), f"not {rows} rows of finite numbers")
    return Finding("present", str(path))


def _prepared_digests(prepared: Path) -> dict[str, str]:
    path = prepared / "items.csv"
    if not path.is_file():
        return {}
    items = pd.read_csv(path, dtype={"name": str, "sha256": str}, keep_default_na=False)
    return dict(zip(items.name, items.sha256, strict=True))


def _extra(folder: Path, wanted: set[Path]) -> list[Finding]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path not in wanted)
    return [Finding("extra", str(path), "not asked for") for path in files]
