"""How landscapes are measured: the blocks ``landscape`` and ``landscapes`` of params."""

import re
from dataclasses import dataclass

from vqa.landscape.curves import LandscapeConfig
from vqa.settings.params import Params
from vqa.settings.strict import ParamsError, build


@dataclass(frozen=True)
class WorstRise:
    """Size and steps of :func:`vqa.landscape.sharpness.worst_rise`."""

    gamma: float
    steps: int


@dataclass(frozen=True)
class Eigenvalue:
    """When :func:`vqa.landscape.sharpness.top_eigenvalue` stops, and how many fixed batches it looks at (0: all)."""

    tolerance: float
    max_iterations: int
    batches: int


@dataclass(frozen=True)
class Measuring:
    """Block ``landscape`` of params: how every landscape is measured.

    Attributes:
        curve: see :class:`vqa.landscape.curves.LandscapeConfig`.
        batches: fixed mini-batches of every part, of the method's own batch size; 0 for all that are full.
        rise_at: alphas of the curve at which the mean rise is read.
        curvature_step: distance of the points that the curvature is taken from.
        worst: see :class:`WorstRise`.
        eigenvalue: see :class:`Eigenvalue`.
        surface_points: alphas of each of the two directions of a surface, over the span of the curve.
    """

    curve: LandscapeConfig
    batches: int
    rise_at: tuple[float, ...]
    curvature_step: float
    worst: WorstRise
    eigenvalue: Eigenvalue
    surface_points: int

    def __post_init__(self) -> None:
        for alpha in self.rise_at:
            if not {-alpha, alpha} <= {round(a, 9) for a in self.curve.alphas}:
                raise ValueError(f"rise_at: {alpha} and its negative must be alphas of the curve")
        if 0 not in self.curve.alphas:
            raise ValueError("curve: 0 must be an alpha; take an odd number of points and a symmetric span")
        if self.batches < 0 or self.surface_points < 2 or not self.curvature_step > 0:
            raise ValueError("batches must not be negative, surface_points at least 2, curvature_step positive")

    @property
    def rise_alphas(self) -> list[float]:
        """The points of a curve from which the mean rises follow."""
        return sorted({0.0, *self.rise_at, *(-alpha for alpha in self.rise_at)})


@dataclass(frozen=True)
class Landscape:
    """Block of one run in ``landscapes``.

    Attributes:
        method: of the run; repeated here because the graph needs it.
        data: what the run reads; repeated for the same reason.
        weights: files of the run's weights, without suffix: ``last_ema``, ``last_raw``, ``epoch_3_ema`` ...
        surface: measure a surface too, around the first of the weights.
        linearity: measure the rise of FAST-VQA's linearity term too, around the first of the weights: a function of
            the PLCC of a batch, it has no units, so that methods whose losses differ can be compared by it.
    """

    method: str
    data: str
    weights: tuple[str, ...]
    surface: bool = False
    linearity: bool = False

    def __post_init__(self) -> None:
        right = [re.fullmatch(r"(last|epoch_[1-9]\d*)_(ema|raw)", name) for name in self.weights]
        if not right or not all(right) or len(set(self.weights)) < len(right):
            raise ValueError("weights: name files such as last_ema or epoch_3_raw, at least one, each once")


def read_blocks(params: Params) -> tuple[Measuring, dict[str, Landscape]]:
    """The blocks ``landscape`` and ``landscapes`` of params; ParamsError says what does not fit them or the runs."""
    rows = build(dict[str, Landscape], params.landscapes, "params.yaml: landscapes")
    for name, row in rows.items():
        run = params.runs[name]
        if (row.method, row.data) != (run.method, run.data):
            raise ParamsError(f"params.yaml: landscapes.{name}: method and data must be those of its run")
    return build(Measuring, params.landscape, "params.yaml: landscape"), rows


def epoch_of(weights: str, epochs: int) -> int:
    """Epoch of a file of weights, ``last_raw`` or ``epoch_3_ema`` for example, in a training of ``epochs``."""
    return epochs if weights.startswith("last_") else int(weights.split("_")[1])
