"""What one run trains and is tested on: one list of parts for every cut of its data set (METHODS 3.8, 5.2)."""

from collections.abc import Collection
from pathlib import Path

from vqa.data.items import Cut, Part, PreparedDataset
from vqa.params import Run


def parts_by_fold(run: Run, datasets: dict[str, PreparedDataset]) -> dict[int, list[Part]]:
    """The training part and then every test part, by the seed of the cut; 0 is the list's own split.

    Args:
        run: its row of params.
        datasets: prepared data sets by name, all that the run names.
    """
    if run.partition is None:
        return {0: [Part(datasets[name], split) for name, split in run.splits]}
    cuts = [Cut(seed, run.partition.train_share) for seed in run.partition.seeds]
    return {cut.seed: [Part(datasets[name], split, cut) for name, split in run.splits] for cut in cuts}


def weights_folder(out: Path, folds: Collection[int], fold: int) -> Path:
    """Folder of the weights of one training below ``out``: ``weights``, by cut if there are several."""
    return out / "weights" if len(folds) == 1 else out / "weights" / str(fold)
