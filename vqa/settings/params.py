"""The schema of ``params.yaml``, and the only reader of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa.settings.common import Common
from vqa.settings.consistent import check
from vqa.settings.plain import read_yaml
from vqa.settings.strict import build, known_name, one_of


@dataclass(frozen=True)
class Dataset:
    """One data set.

    Attributes:
        title: the paper's name of it.
        source: where the files come from: ``synthetic`` makes them, as ``sources.yaml`` says; ``provided`` takes
            them from ``$VQA_DATA/NAME``; ``published`` are label lists and features that others computed; ``own`` are
            files and labels of the user's, and ``sources.yaml`` says where (:mod:`vqa.data.own`).
        bad_files: ``stop`` at a corrupt or missing file, or ``exclude`` it with a line in the report.
        frame_store: keep the decoded frames of all items in one file, so that training does not decode again.
        list: key of one of the catalog's item lists (:mod:`vqa.data.catalog`), the expected one if empty.
    """

    title: str
    source: str
    bad_files: str
    frame_store: bool
    list: str = ""

    def __post_init__(self) -> None:
        one_of("source", self.source, ("synthetic", "provided", "published", "own"))
        one_of("bad_files", self.bad_files, ("stop", "exclude"))


@dataclass(frozen=True)
class Partition:
    """Random cuts of a data set, each by its seed: one training per cut, and the median of their results.

    Attributes:
        seeds: of Python's own shuffle, one per cut.
        train_share: share of the items that train, rounded down.
    """

    seeds: tuple[int, ...]
    train_share: float

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 1:
            raise ValueError("seeds must be different positive numbers, at least one")
        if not 0 < self.train_share < 1:
            raise ValueError(f"train_share: {self.train_share} is not between 0 and 1")


@dataclass(frozen=True)
class Extraction:
    """One data set described by one frozen extractor; written to ``features/EXTRACTOR/DATASET``.

    Attributes:
        extractor: a block of ``extractors`` and a module of ``vqa.extract``.
        dataset: whose videos are described.
        reads: what else is read, a dependency of the stage: ``data/DATASET``, the files themselves, or the weights of
            a run that the extractor's networks start from.
        changes: keys of the extractor's block that this data set has other values of.
    """

    extractor: str
    dataset: str
    reads: str
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One training. What is not said is the method's own recipe, without augmentation and perturbation.

    Attributes:
        method: a block of ``methods`` and a module of ``vqa.methods``.
        init: file of the weights to start from: ``initial/METHOD.safetensors``, or one in the weights of another run,
            which makes this a fine-tuning; ``runs/RUN/weights``: every training starts from the averaged last weights
            of that run's training of the same seed.
        data: what the run reads, as a dependency of its stages: ``prepared/NAME``, ``features/EXTRACTOR/NAME`` with
            what an extractor makes of it, or ``zero_shot/ROOM.json``, which stands for all data sets of a run that is
            tested on others.
        train: data set to train on, its split ``train``.
        test: ``dataset/split`` of every test set; the first one gives the curve of a figure.
        partition: random cuts in place of the list's own ``train`` and ``test``.
        weight_decay: weight decay instead of the method's.
        augmentation: ``none``, ``autoaugment``, ``randaugment`` or ``trivialaugment``.
        perturbation: ``none``, ``rwp`` (random) or ``awp`` (adversarial).
        gamma: relative size of the perturbation.
        keep_epochs: epochs (from 1) whose weights are kept beside the last one's.
        seeds: one training for each of them (and for each cut), and the median of their results; none: ``common.seed``
            alone.
    """

    method: str
    init: str
    data: str
    train: str
    test: tuple[str, ...]
    partition: Partition | None = None
    weight_decay: float | None = None
    augmentation: str = "none"
    perturbation: str = "none"
    gamma: float = 0.0
    keep_epochs: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.seeds)) < len(self.seeds) or any(seed < 0 for seed in self.seeds):
            raise ValueError("seeds must be different numbers, none of them negative")

    @property
    def splits(self) -> list[tuple[str, str]]:
        """Data set and split of the training set and then of every test set."""
        return [(self.train, "train"), *((name, split) for name, _, split in (key.partition("/") for key in self.test))]

    @property
    def datasets(self) -> list[str]:
        """Names of all data sets that the run needs, the training set first."""
        return list(dict.fromkeys(name for name, _ in self.splits))

    @property
    def starts_by_seed(self) -> bool:
        """Whether every training starts from another run's training of its own seed."""
        return self.parent is not None and not Path(self.init).suffix

    @property
    def parent(self) -> str | None:
        """Name of the run whose weights this one starts from; None unless it is a fine-tuning."""
        room, _, rest = self.init.partition("/")
        return rest.partition("/")[0] if room == "runs" else None


@dataclass(frozen=True)
class Transfer:
    """Weights that are only scored, on data that they never saw; nothing is trained.

    Attributes:
        method: a block of ``methods``.
        weights: file of the weights, ``.safetensors``.
        data: what is read, as of a run: ``prepared/NAME`` or ``features/EXTRACTOR/NAME``.
        test: ``dataset/split`` of the test set.
    """

    method: str
    weights: str
    data: str
    test: str


@dataclass(frozen=True)
class Table:
    """One table of the paper; a row is named by its ``name=value`` setting, else by its method.

    Attributes:
        title: what the table is about, without its number.
        rows: the run of a row, or several of which the test set of a cell picks one; a key of ``regressions`` or
            ``quotable`` stands for its numbers.
        quoted: the paper's rows that are quoted from the literature and not run.
        added: rows that the paper does not have, as ``rows``.
        stand_in: our rows are of another method than the paper's: differences between rows can be held against its own,
            values cannot, and are not judged.
        columns: test sets of a table that the paper does not have, whose rows are all added; ``KoNViD-1k`` is any split
            of the data set of that title, ``KoNViD-1k_all`` the split ``all``.
        splits: of such a table: ``test``, or ``train``, ``test`` and ``gap`` of every test set.
    """

    title: str
    rows: dict[str, tuple[str, ...]]
    quoted: tuple[str, ...] = ()
    added: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stand_in: bool = False
    columns: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("test",)

    def __post_init__(self) -> None:
        for split in self.splits:
            one_of("splits", split, ("train", "test", "gap"))
        if self.columns and (self.rows or self.quoted):
            raise ValueError("columns are for a table that the paper does not have: its rows belong in added")
        for row, runs in {**self.rows, **self.added}.items():
            if not runs:
                raise ValueError(f"row {row!r} names no run; leave it out, or name it in quoted")
            if row in self.quoted:
                raise ValueError(f"row {row!r} has a run and is quoted; say one of them")


@dataclass(frozen=True)
class Params:
    """A whole parameter file.

    Attributes:
        root: the project's folder, seen from the folder of this file.
        common: what every stage shares.
        datasets: data sets by name.
        checksums: SHA-256 of published weights that come without one, as the user vouches for them, by name.
        extractors: blocks that the modules of ``vqa.extract`` read themselves, by name.
        extractions: which data sets they describe, by name.
        methods: blocks that the modules of ``vqa.methods`` read themselves, by name.
        zero_shot: the data sets that runs with ``data: zero_shot/ROOM.json`` train and are tested on.
        shared: pieces that rows of ``runs`` take over by YAML's own ``<<``; not read otherwise.
        runs: trainings by name.
        tables: tables by file name in ``reports/paper``.
        landscape: block that :mod:`vqa.landscape.measure` reads: how loss landscapes are measured.
        landscapes: blocks of the runs whose landscapes are measured, read by the same module, by run.
        statistics: block that :mod:`vqa.report.tables.compare` reads: tests, and the difference that matters.
        figures: blocks that :mod:`vqa.report.figures.figure` reads, by file name.
        published: blocks of published files (labels, features, predictions, results), by name.
        regressions: blocks of regressions on published features, by name.
        quotable: blocks of numbers that follow from published predictions and results, by name.
        transfers: weights that are scored and not trained, by name.
    """

    root: str
    common: Common
    datasets: dict[str, Dataset]
    checksums: dict[str, str]
    extractors: dict[str, dict[str, Any]]
    extractions: dict[str, Extraction]
    methods: dict[str, dict[str, Any]]
    zero_shot: tuple[str, ...]
    shared: dict[str, Any]
    runs: dict[str, Run]
    tables: dict[str, Table]
    landscape: dict[str, Any]
    landscapes: dict[str, dict[str, Any]]
    statistics: dict[str, Any]
    figures: dict[str, dict[str, Any]]
    published: dict[str, Any] = field(default_factory=dict)
    regressions: dict[str, Any] = field(default_factory=dict)
    quotable: dict[str, Any] = field(default_factory=dict)
    transfers: dict[str, Transfer] = field(default_factory=dict)

    @property
    def own(self) -> bool:
        """Whether this is a scale of the user's own data, of which the paper says nothing."""
        return any(dataset.source == "own" for dataset in self.datasets.values())

    def perturbation(self, run: Run) -> tuple[str, float]:
        """Kind and gamma of a run's perturbation, see :class:`Perturbing` for fine-tuning."""
        if run.perturbation == "none" and run.parent is not None and self.common.perturbing.fine_tuning == "as_parent":
            return self.perturbation(self.runs[run.parent])
        return run.perturbation, run.gamma


def root_of(path: Path) -> str:
    """``root`` of a parameter file of which nothing else is looked at: the project's folder, seen from the file's."""
    content = read_yaml(path)
    return str(content.get("root", ".")) if isinstance(content, dict) else "."


def load(path: Path = Path("params.yaml")) -> Params:
    """Read and check a parameter file.

    Raises:
        ParamsError: in one line, with the place, for anything that is missing, unknown, of the wrong type or
            inconsistent (:func:`vqa.settings.consistent.check`).
    """
    params = build(Params, read_yaml(path), path.name)
    check(params, path.name)
    return params


def load_source(name: str, path: Path = Path("sources.yaml")) -> dict[str, Any]:
    """What the data set ``name`` is made of: recipe of a synthetic one, places of the user's own.

    :class:`vqa.data.synthetic.spec.SyntheticSpec` and :class:`vqa.data.own.Source` read it.

    Raises:
        ParamsError: if the file cannot be read or has no block of that name.
    """
    blocks = build(dict[str, Any], read_yaml(path), path.name)
    known_name(path.name, name, blocks)
    return blocks[name]
