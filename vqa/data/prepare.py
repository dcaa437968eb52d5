"""From the files of a data set to a checked item list: every file probed, every exclusion named and counted.

Reads ``<data>/labels.csv`` (``name,mos,split``) and the files it names; writes into the prepared folder

* ``items.csv``: one row per usable item: label, :class:`vqa.data.video.Probe` and its place in the frame store,
* ``excluded.csv``: one row per item left out, with the reason,
* ``report.json``: counts, MOS statistics and the digest of the item list of every split, what is odd about how many
  items, and the files of which decord, the usual loader, gives other frames (:mod:`vqa.data.usual`),
* ``patches.csv``, checked, if the data set has opinions on patches (:mod:`vqa.data.patches`),
* ``frames.bin``: the decoded frames of all items one after the other, if the data set keeps a frame store.
"""

import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from vqa.data.items import ITEMS, items_digest
from vqa.data.journal import Journal
from vqa.data.labels import LABELS, read_labels
from vqa.data.listed import shown
from vqa.data.patches import FILE as PATCHES
from vqa.data.patches import fit_patches, read_patches, write_patches
from vqa.data.survey import FRAMES, JOURNAL, survey
from vqa.data.usual import USUAL_DECODER
from vqa.io import InputError, atomic, write_csv, write_json


def prepare(
    data: Path,
    out: Path,
    bad_files: str,
    frame_store: bool,
    exif: str = "ignore",
    state: Path | None = None,
    workers: int = 1,
) -> dict:
    """Probe all files of the data set in ``data`` and write the prepared folder ``out``.

    Args:
        data: folder with ``labels.csv`` and the files that it names.
        out: folder to write; files appear atomically.
        bad_files: ``stop``: raise at the end with all bad files; ``exclude``: list them in ``excluded.csv``.
        frame_store: also write the decoded frames.
        exif: rule for images (:func:`vqa.data.images.read_image`), kept in the report for who reads the files later.
        state: folder that keeps what is done (:func:`vqa.data.survey.survey`), so that a killed run, or one that
            stopped at bad files, goes on from there; it must stand for the label list and the choices above but
            ``bad_files``. None: nothing is kept.
        workers: processes; their number does not change a byte.

    Returns:
        The content of ``report.json``.

    Raises:
        InputError: for a bad label list, for bad files under ``stop``, if no item is usable, or if a worker was ended
            from outside.
    """
    labels = read_labels(data / LABELS)
    if state is None:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".", dir=out) as folder:
            return prepare(data, out, bad_files, frame_store, exif, Path(folder), workers)
    every = survey(data, labels.name.tolist(), frame_store, exif, state, workers)
    rows, excluded, offset = [], [], 0
    odd: Counter[str] = Counter()
    differing: list[dict[str, str]] = []
    for label, found in zip(labels.itertuples(index=False), every, strict=True):
        if found.reason:
            excluded.append({"name": label.name, "split": label.split, "reason": found.reason})
            continue
        odd.update(found.odd)
        if found.difference:
            differing.append({"name": label.name, USUAL_DECODER: found.difference})
        known = {"name": label.name, "mos": label.mos, "split": label.split}
        rows.append({**known, **found.facts, "offset": offset if frame_store else -1})
        offset += found.stored
    if excluded and bad_files == "stop":
        # What is wrong may be the disk or the decoder: it is looked at again next time.
        Journal(state / JOURNAL).keep(found for found in every if not found.reason)
        first = excluded[0]["reason"]
        others = f" (and {len(excluded) - 1} more bad files)" if len(excluded) > 1 else ""
        remedy = f"datasets.{data.name}.bad_files: exclude leaves them out and lists them"
        raise InputError(f"{first}{others} ({remedy})")
    if not rows:
        raise InputError(f"{data}: none of its {len(labels)} files can be decoded")
    items = pd.DataFrame(rows, columns=list(ITEMS))
    _keep_patches(data / PATCHES, out / PATCHES, items, set(labels.name))
    write_csv(out / "items.csv", items)
    write_csv(out / "excluded.csv", pd.DataFrame(excluded, columns=["name", "split", "reason"]))
    report = {
        "dataset": data.name,
        "listed": len(labels),
        "usable": len(items),
        "excluded": excluded,
        "exif_orientation": exif,
        "odd": dict(sorted(odd.items())),
        "decoders": items.decoder.value_counts().sort_index().to_dict(),
        "other_frames": differing,
        "splits": {split: _split_report(part) for split, part in items.groupby("split")},
    }
    write_json(out / "report.json", report)
    # Last: once it is away, a run that is killed would have to decode again.
    with atomic(out / FRAMES) as draft:
        shutil.move(state / FRAMES, draft)
    return report


def _keep_patches(listed: Path, kept: Path, items: pd.DataFrame, labelled: set[str]) -> None:
    """Check the patches of the usable items and keep their list, if the data set has one."""
    if not listed.is_file():
        kept.unlink(missing_ok=True)
        return
    patches = read_patches(listed)
    unknown = next((name for name in patches if name not in labelled), None)
    if unknown is not None:
        raise InputError(f"{listed}: {shown(unknown)} is not in the label list; remove its patches")
    write_patches(kept, fit_patches(listed, patches, items))


def _split_report(items: pd.DataFrame) -> dict:
    return {
        "items": len(items),
        "items_digest": items_digest(items),
        "mos": {name: float(getattr(items.mos, name)()) for name in ("mean", "std", "min", "max")},
        "frames": [int(items.n_frames.min()), int(items.n_frames.max())],
        "sizes": sorted({f"{w}x{h}" for w, h in zip(items.width, items.height, strict=True)}),
        "codecs": items.codec.value_counts().sort_index().to_dict(),
        "rotated": int((items.rotation != 0).sum()),
    }
