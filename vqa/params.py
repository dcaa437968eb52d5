"""The schema of ``params.yaml``, and the only reader of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vqa.strict import ParamsError, build, known_name, one_of


@dataclass(frozen=True)
class Perturbing:
    """Choices that all perturbed runs share (see :class:`vqa.perturb.WeightPerturbation`)."""

    tensors: str
    projection: str


@dataclass(frozen=True)
class Released:
    """How the released protocol fills the tables.

    Attributes:
        weights: ``ema`` or ``raw``: the model whose test scores are tabulated.
        train_epoch: ``last`` or ``best`` (the epoch of the best test value): where the train value is read.
    """

    weights: str
    train_epoch: str

    def __post_init__(self) -> None:
        one_of("weights", self.weights, ("ema", "raw"))
        one_of("train_epoch", self.train_epoch, ("last", "best"))


@dataclass(frozen=True)
class Common:
    """What every stage shares.

    Attributes:
        scale: name of this parameter file: ``demo``, ``real`` or ``paper``; printed on every page.
        seed: of all random streams.
        device: ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.
        threads: CPU threads of one process; the bytes of the results depend on it.
        loader_workers: processes that load clips; the results do not depend on it.
        deterministic: deterministic algorithms on CUDA.
        released: see :class:`Released`.
        perturbing: see :class:`Perturbing`.
        bootstrap: resamples of every interval.
    """

    scale: str
    seed: int
    device: str
    threads: int
    loader_workers: int
    deterministic: bool
    released: Released
    perturbing: Perturbing
    bootstrap: int

    def __post_init__(self) -> None:
        one_of("device", self.device, ("auto", "cpu", "cuda"))
        if self.threads < 1 or self.loader_workers < 0 or self.bootstrap < 1:
            raise ValueError("threads and bootstrap must be at least 1, loader_workers at least 0")


@dataclass(frozen=True)
class Dataset:
    """One data set.

    Attributes:
        title: the paper's name of it.
        source: where the files come from; ``synthetic`` makes them, as ``synthetic.yaml`` says.
        bad_files: ``stop`` at a corrupt or missing file, or ``exclude`` it with a line in the report.
        frame_store: keep the decoded frames of all items in one file, so that training does not decode again.
    """

    title: str
    source: str
    bad_files: str
    frame_store: bool

    def __post_init__(self) -> None:
        one_of("source", self.source, ("synthetic",))
        one_of("bad_files", self.bad_files, ("stop", "exclude"))


@dataclass(frozen=True)
class Run:
    """One training. What is not said is the method's own recipe, without augmentation and perturbation.

    Attributes:
        method: a block of ``methods`` and a module of ``vqa.methods``.
        train: data set to train on, its split ``train``.
        test: ``dataset/split`` of every test set; the first one gives the curve of a figure.
        weight_decay: AdamW weight decay instead of the method's.
        augmentation: ``none``, ``autoaugment``, ``randaugment`` or ``trivialaugment``.
        perturbation: ``none``, ``rwp`` (random) or ``awp`` (adversarial).
        gamma: relative size of the perturbation.
        keep_epochs: epochs (from 1) whose weights are kept beside the last one's.
    """

    method: str
    train: str
    test: tuple[str, ...]
    weight_decay: float | None = None
    augmentation: str = "none"
    perturbation: str = "none"
    gamma: float = 0.0
    keep_epochs: tuple[int, ...] = ()

    @property
    def splits(self) -> list[tuple[str, str]]:
        """Data set and split of the training set and then of every test set."""
        return [(self.train, "train"), *((name, split) for name, _, split in (key.partition("/") for key in self.test))]

    @property
    def datasets(self) -> list[str]:
        """Names of all data sets that the run needs, the training set first."""
        return list(dict.fromkeys(name for name, _ in self.splits))


@dataclass(frozen=True)
class Table:
    """Rows of one table: the paper's ``setting`` (or method) of each row, and the run that fills it."""

    title: str
    dataset: str
    rows: dict[str, str]


@dataclass(frozen=True)
class Figure:
    """One figure: what it shows (``kind``), of which run, in which metric (``srcc`` or ``plcc``)."""

    kind: str
    run: str
    metric: str
    title: str

    def __post_init__(self) -> None:
        one_of("kind", self.kind, ("curves",))
        one_of("metric", self.metric, ("srcc", "plcc"))


@dataclass(frozen=True)
class Params:
    """A whole parameter file.

    Attributes:
        root: the project's folder, seen from the folder of this file.
        common: what every stage shares.
        datasets: data sets by name.
        methods: blocks that the modules of ``vqa.methods`` read themselves, by name.
        runs: trainings by name.
        tables: tables by file name in ``reports/paper``.
        figures: figures by file name.
    """

    root: str
    common: Common
    datasets: dict[str, Dataset]
    methods: dict[str, dict[str, Any]]
    runs: dict[str, Run]
    tables: dict[str, Table]
    figures: dict[str, Figure]


def load(path: Path = Path("params.yaml")) -> Params:
    """Read and check a parameter file.

    Raises:
        ParamsError: in one line, with the place, for anything that is missing, unknown, of the wrong type or
            inconsistent (a run whose method or data set does not exist, a table row without its run).
    """
    params = build(Params, _read(path), path.name)
    for name, run in params.runs.items():
        where = f"{path.name}: runs.{name}"
        known_name(f"{where}.method", run.method, params.methods)
        known_name(f"{where}.train", run.train, params.datasets)
        for dataset, split in run.splits:
            known_name(f"{where}.test", dataset, params.datasets)
            if not split:
                raise ParamsError(f"{where}.test: {dataset!r} must be dataset/split, for example {dataset}/test")
    for name, table in params.tables.items():
        known_name(f"{path.name}: tables.{name}.dataset", table.dataset, params.datasets)
        for row in table.rows.values():
            known_name(f"{path.name}: tables.{name}.rows", row, params.runs)
    for name, figure in params.figures.items():
        known_name(f"{path.name}: figures.{name}.run", figure.run, params.runs)
    return params


def load_synthetic(name: str, path: Path = Path("synthetic.yaml")) -> dict[str, Any]:
    """What the synthetic data set ``name`` is made of, for :class:`vqa.data.synthetic.spec.SyntheticSpec`.

    Raises:
        ParamsError: if the file cannot be read or has no block of that name.
    """
    blocks = build(dict[str, Any], _read(path), path.name)
    known_name(path.name, name, blocks)
    return blocks[name]


def _read(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(f"{path}: cannot be read ({error.strerror}); run from the folder of a scale") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
