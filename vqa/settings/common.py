"""The block ``common`` of ``params.yaml``: what every stage shares."""

from dataclasses import dataclass

from vqa.settings.strict import one_of

PRECISIONS = ("fp32", "bf16")
EXIF_RULES = ("ignore", "apply")


@dataclass(frozen=True)
class Perturbing:
    """Choices that all perturbed runs share (see :class:`vqa.optim.perturb.WeightPerturbation`).

    Attributes:
        tensors: ``released`` or ``matrices``.
        projection: ``box`` or ``ball``.
        fine_tuning: ``none``: fine-tuning is never perturbed, as in the released code; ``as_parent``: like the run it
            starts from, as the paper's text has it (discrepancy P11).
    """

    tensors: str
    projection: str
    fine_tuning: str

    def __post_init__(self) -> None:
        one_of("fine_tuning", self.fine_tuning, ("none", "as_parent"))


@dataclass(frozen=True)
class Released:
    """How the released protocol fills the tables.

    Attributes:
        weights: ``ema`` or ``raw``: the model whose test scores are tabulated.
        train_epoch: ``last`` or ``best`` (the epoch of the best test value): where the train value is read.
        draw: where tests are random, their clips are drawn anew in every ``epoch``, as in the released code, or once,
            from the same distribution (``fixed``): the best epoch then owes nothing to its draw (discrepancies P1, F1).
    """

    weights: str
    train_epoch: str
    draw: str = "epoch"

    def __post_init__(self) -> None:
        one_of("weights", self.weights, ("ema", "raw"))
        one_of("train_epoch", self.train_epoch, ("last", "best"))
        one_of("draw", self.draw, ("epoch", "fixed"))


@dataclass(frozen=True)
class Common:
    """What every stage shares.

    Attributes:
        scale: name of this parameter file: ``demo``, ``real``, ``paper`` or ``study``; printed on every page.
        seed: of all random streams.
        device: ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.
        threads: CPU threads of one process; the bytes of the results depend on it.
        loader_workers: processes that load clips; the results do not depend on it.
        deterministic: deterministic algorithms on CUDA.
        released: see :class:`Released`.
        perturbing: see :class:`Perturbing`.
        bootstrap: resamples of every interval.
        precision: in which networks compute, ``fp32`` as the released code or ``bf16`` (:mod:`vqa.models.precision`).
        compile: whether blocks of networks are compiled, which pays off on a GPU; last digits differ.
        exif_orientation: ``ignore``: images are read as they are stored; ``apply``: turned and mirrored as
            viewers show them. One rule for prepared data and for files that are scored.
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
    precision: str = "fp32"
    compile: bool = False
    exif_orientation: str = "ignore"

    def __post_init__(self) -> None:
        one_of("exif_orientation", self.exif_orientation, EXIF_RULES)
        # It names files and an experiment of MLflow.
        if not self.scale.isprintable() or "/" in self.scale or not 0 < len(self.scale) <= 80 or self.scale[0] in ". ":
            raise ValueError(f"scale: {self.scale!r} is not a name that a file can have")
        one_of("device", self.device, ("auto", "cpu", "cuda"))
        one_of("precision", self.precision, PRECISIONS)
        if self.threads < 1 or self.loader_workers < 0 or self.bootstrap < 1:
            raise ValueError("threads and bootstrap must be at least 1, loader_workers at least 0")
