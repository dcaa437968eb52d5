"""Mirror of a scale in MLflow: files first, MLflow second.

DVC restores runs from its cache without running any code, so a training that logs by itself would leave holes. The
mirror reads the files of the runs, tables and figures that params name, whenever it is called, and writes what the
store does not have (:mod:`vqa.tracking.store`). Deleting the store loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vqa.settings.params import Params
from vqa.tracking.live import in_progress
from vqa.tracking.provenance import provenance
from vqa.tracking.store import FINGERPRINT, PARENT, Store, one_writer
from vqa.tracking.tables import report_entries
from vqa.tracking.trainings import training_entries


@dataclass(frozen=True)
class Tally:
    """What one call did: entries written, entries already there, older ones marked as superseded."""

    new: int
    unchanged: int
    superseded: int

    def __str__(self) -> str:
        return f"{self.new} new, {self.unchanged} unchanged, {self.superseded} superseded"


def track(params: Params, folder: Path, uri: str) -> Tally:
    """Bring the store up to date with the files of a scale.

    Args:
        params: of the scale; the experiment is called ``vqa-<scale>``.
        folder: of the scale: holds ``runs/`` and ``reports/``, and ``mlartifacts/``, the artifacts of a new experiment.
        uri: of the store, for example ``sqlite:///mlflow.db``.

    Raises:
        InputError: if a file of a run, a table or the figures are missing; nothing is written then.
    """
    # Tables first: the runs of their rows are nested below them.
    entries = [*report_entries(params, folder / "reports"), *training_entries(params, folder / "runs")]
    tags = provenance(folder, folder / params.root)
    new = superseded = 0
    with one_writer(uri, folder):
        store = Store(uri, params.common.scale, folder)
        present, ids = store.present(), dict[tuple[str, str], str]()
        for entry in entries:
            key = entry.kind, entry.name
            links = {tag: text for tag, text in entry.links.items() if text} | (
                {PARENT: ids["vqa.table", entry.parent]} if entry.parent else {}
            )
            there = [run for run in present.get(key, []) if not in_progress(run, folder)]
            same = [run for run in there if run.data.tags.get(FINGERPRINT) == entry.fingerprint]
            if same:
                ids[key] = same[0].info.run_id
                store.link(same[0], links)
            else:
                ids[key] = store.write(entry, links, tags)
                new += 1
            for run in there:
                if run not in same:
                    store.supersede(run)
                    superseded += 1
    return Tally(new, len(entries) - new, superseded)
