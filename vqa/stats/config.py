"""The block ``statistics`` of ``params.yaml``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Statistics:
    """How tests are made, and what counts.

    Attributes:
        permutations: of every permutation test.
        level: of every test; intervals of differences have 1 - ``level``.
        power: at which the detectable difference is stated.
        margin: difference of SRCC or PLCC that matters: two models that differ by less are as good as each other.
        rise_at: alpha at which the mean rise of the loss stands for sharpness in the verdicts; one of
            ``landscape.rise_at``.
    """

    permutations: int
    level: float
    power: float
    margin: float
    rise_at: float

    def __post_init__(self) -> None:
        if self.permutations < 1:
            raise ValueError("permutations must be at least 1")
        if not (0 < self.level < 1 and 0 < self.power < 1 and 0 < self.margin < 1):
            raise ValueError("level, power and margin must lie between 0 and 1")
