"""Check one data set and make its item list: ``python -m stages.prepare DATASET``.

Reads ``data/DATASET``; writes ``prepared/DATASET`` (see :mod:`vqa.data.prepare`). A file that cannot be decoded ends
the stage with exit code 2 and its name, or is listed as excluded if the data set's params say so. A published data set
has features in the place of files (see :mod:`vqa.data.published.prepare`). A killed run, or one that stopped at bad
files, goes on from ``.state/`` after its last file.
"""

import shutil
from pathlib import Path

from stages.common import argument
from vqa.graph.fingerprints import fingerprint
from vqa.io import digest, file_digest, run_stage, versions
from vqa.settings.params import load


def main() -> None:
    """Prepare the data set named on the command line."""
    params = load()
    name = argument(__doc__, "dataset", params.datasets)
    dataset = params.datasets[name]
    data, out = Path("data") / name, Path("prepared") / name
    # Imports here: features need no decoder.
    if dataset.source == "published":
        from vqa.data.published.prepare import prepare_features

        report = prepare_features(data, out)
    else:
        from vqa.data.labels import LABELS
        from vqa.data.prepare import prepare

        exif, frame_store = params.common.exif_orientation, dataset.frame_store
        # All that determines what is found in a file names the folder of a resume.
        code = fingerprint(Path(params.root), ["stages.prepare"], None)
        lists = [file_digest(path) for path in data.glob(LABELS)]
        states = Path(".state") / f"prepare-{name}"
        decoders = versions("av", "decord", "decord2", "pillow")
        state = states / digest(repr((code, exif, frame_store, lists, decoders)))[:16]
        workers = params.common.loader_workers
        report = prepare(data, out, dataset.bad_files, frame_store, exif, state, workers)
        shutil.rmtree(states)
    others = len(report.get("other_frames", ()))
    differing = f"; decord gives other frames of {others}" if others else ""
    print(
        f"{name}: {report['usable']} of {report['listed']} items usable, {len(report['excluded'])} excluded{differing}"
    )


if __name__ == "__main__":
    run_stage(main)
