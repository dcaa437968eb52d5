"""``vqa publish``: results that can be read without running anything."""

from pathlib import Path

from vqa.cli.scale import Scale, entered
from vqa.io import InputError, file_digest

EXAMPLE = "Example: `vqa publish --scale real`, after `vqa repro --scale real`"


def publish(scale: Scale = None) -> None:
    """Write the pages of a scale to results/SCALE: front page, verdicts, tables, figures.

    Only what is up to date is published, so that the digest of dvc.lock on every page says what it was made from.
    """
    with entered(scale):
        from vqa.graph.plan import plan
        from vqa.report.publish import publish as write
        from vqa.settings.params import load

        params = load()
        if stale := plan()[1]:
            raise InputError(f"{len(stale)} stages are out of date, the first: {stale[0]}; `vqa repro` first")
        name = params.common.scale
        out = Path(params.root) / "results" / name
        files = write(Path("reports"), out, name, file_digest(Path("dvc.lock"))[:12])
        size = sum((out / file).stat().st_size for file in files)
        print(f"{out.resolve()}: {len(files)} files, {size / 2**20:.1f} MB")
