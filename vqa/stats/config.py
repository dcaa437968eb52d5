"""The block ``statistics`` of ``params.yaml``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Statistics:
    """How tests are made, and what counts.

    Attributes:
        level: of every test; intervals have 1 - ``level``.
        power: at which the smallest effect that could have been seen is stated.
        margin: difference of SRCC or PLCC that matters: two methods that differ by less are as good as each other. It
            lies below the effects that are claimed.
        agreement: difference of a cell from the paper's number that still counts as the same number.
        sharpness_margin: share by which the rise of the loss has to differ to matter.
        rise_at: alpha at which the mean rise of the loss stands for sharpness in the verdicts; one of
            ``landscape.rise_at``.
    """

    level: float
    power: float
    margin: float
    agreement: float
    sharpness_margin: float
    rise_at: float

    def __post_init__(self) -> None:
        shares = (self.level, self.power, self.margin, self.agreement, self.sharpness_margin)
        if not all(0 < share < 1 for share in shares):
            raise ValueError("level, power, margin, agreement and sharpness_margin must lie between 0 and 1")
