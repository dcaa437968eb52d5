"""What one run trains and is tested on: one list of parts for every training of it (METHODS 3.8, 5.2)."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from vqa.data.items import Cut, Part, PreparedDataset
from vqa.settings.params import Params, Run


@dataclass(frozen=True)
class Training:
    """One training of a run: what draws its random numbers, and how the data set is cut for it.

    Attributes:
        seed: of all random streams.
        cut: seed of the random cut of the data set; 0 is the list's own split.
        fold: its name in result files and folders: the cut, or ``SEED-CUT`` in a run that lists its seeds.
    """

    seed: int
    cut: int
    fold: int | str

    @classmethod
    def from_fold(cls, fold: str, seed: int) -> "Training":
        """The training of that name; ``seed`` is the one of all runs that list none."""
        own, _, cut = fold.rpartition("-")
        return cls(int(own), int(cut), fold) if own else cls(seed, int(cut), int(cut))


def trainings(run: Run, seed: int) -> list[Training]:
    """All trainings of a run, seed by seed, every one on all cuts; ``seed`` is the one of a run that lists none."""
    cuts = run.partition.seeds if run.partition else (0,)
    if not run.seeds:
        return [Training(seed, cut, cut) for cut in cuts]
    return [Training(own, cut, f"{own}-{cut}") for own in run.seeds for cut in cuts]


def parts_by_training(run: Run, datasets: dict[str, PreparedDataset], seed: int) -> dict[Training, list[Part]]:
    """The training part and then every test part of each training.

    Args:
        run: its row of params.
        datasets: prepared data sets by name, all that the run names.
        seed: that of a run that lists none.
    """

    def parts(cut: int) -> list[Part]:
        own = Cut(cut, run.partition.train_share) if run.partition else None
        return [Part(datasets[name], split, own) for name, split in run.splits]

    return {training: parts(training.cut) for training in trainings(run, seed)}


def starting_weights(run: Run, training: Training, params: Params) -> Path:
    """File of the weights that a training of ``run`` starts from."""
    if not run.starts_by_seed:
        return Path(run.init)
    every = trainings(params.runs[str(run.parent)], params.common.seed)
    same = next(one for one in every if one.seed == training.seed)
    return weights_folder(Path("runs") / str(run.parent), every, same) / "last_ema.safetensors"


def weights_folder(out: Path, every: Collection[Training], training: Training) -> Path:
    """Folder of the weights of one training below ``out``: ``weights``, by training if there are several."""
    return out / "weights" if len(every) == 1 else out / "weights" / str(training.fold)
