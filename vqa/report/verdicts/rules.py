"""From numbers to a verdict: the rules by which claims and cells are judged, apart from where the numbers come from.

Every rule needs evidence for either answer, and no two answers can hold: what is significantly above 0 is neither "the
same" nor "not above", whatever the margin. A rule has two one-sided levels: ``support``, for the side that bears the
claim out, and ``refute``, for the other. Where one of several parts decides a claim alone, its side has the corrected
level (:func:`levels`); the other side, for which all parts are needed, has the plain one.
"""

import math
from collections.abc import Sequence

from vqa.stats.trainings import Estimate

VERDICTS = ("reproduced", "absent", "not distinguishable", "contradicted", "not run")
REPRODUCED, ABSENT, UNDECIDED, CONTRADICTED, NOT_RUN = VERDICTS
# Of cells alone: our data are not the paper's.
NOT_COMPARABLE = "not comparable"
CELL_VERDICTS = (*(verdict for verdict in VERDICTS if verdict != ABSENT), NOT_COMPARABLE)
# Slack for printed decimals in binary.
TINY = 1e-9
# A rank correlation below this is none.
NO_CORRELATION = 0.1


def levels(level: float, parts: int, every: bool, average: bool = False) -> tuple[float, float]:
    """Levels of support and of refutation for each of ``parts`` parts: Bonferroni where one part alone decides.

    Args:
        level: of the claim.
        parts: number of parts.
        every: whether the claim needs all of them; else it needs one.
        average: whether the mean over all parts can refute the claim too; it gets half of the level.
    """
    corrected = level / parts / (2 if average else 1)
    return (level, corrected) if every else (corrected, level)


def sides(found: Estimate, support: float, refute: float) -> tuple[Estimate, Estimate]:
    """The number as either side has it: a side whose level is corrected has the degrees of freedom of the trainings."""
    return found.strict() if support < refute else found, found.strict() if refute < support else found


def exceeds(found: Estimate, claimed: float, support: float, refute: float, at_least: float = 0.0) -> str:
    """Verdict on "is above 0", or on "is above s".

    Args:
        found: our number; below three trainings it decides nothing.
        claimed: the paper's own gain, or the smallest one that matters: below it, a gain is absent.
        support: level at which it has to be above s.
        refute: level at which it has to be below 0, or its whole interval below the gain.
        at_least: s >= 0.

    Returns:
        Reproduced if significantly above s; contradicted if significantly below 0, or a gain that is smaller than s;
        absent if there is no significant gain and the whole interval is below the claimed one.
    """
    if not found.of_method or math.isnan(found.error):
        return UNDECIDED
    bearing, refuting = sides(found, support, refute)
    if bearing.above(at_least) <= support:
        return REPRODUCED
    if refuting.below() <= refute:
        return CONTRADICTED
    gain, top = bearing.above() <= support, refuting.interval(refute)[1]
    if gain:
        return CONTRADICTED if top < at_least else UNDECIDED
    return ABSENT if top < max(claimed, at_least) else UNDECIDED


def correlates(found: Estimate, at_least: float, support: float, refute: float) -> str:
    """Verdict on "the correlation is above s": :func:`exceeds` in Fisher's z, where errors are nearly symmetric."""
    r = max(-0.999, min(0.999, found.value))
    z = Estimate(math.atanh(r), found.error / (1 - r**2), found.freedom, found.trainings)
    return exceeds(z, math.atanh(NO_CORRELATION), support, refute, math.atanh(at_least))


def equivalent(found: Estimate, margin: float, support: float, refute: float) -> str:
    """Verdict on "is the same": reproduced if the interval lies within +-margin and has 0 well inside.

    Contradicted if it lies wholly outside. A difference that is significant but smaller than the margin is neither.
    "Significant" is at the plain level, so that what is the same for one claim is above 0 for no other.
    """
    if not found.of_method or math.isnan(found.error):
        return UNDECIDED
    low, high = found.interval(support)
    if -margin <= low and high <= margin and min(found.above(), found.below()) > max(support, refute):
        return REPRODUCED
    low, high = sides(found, support, refute)[1].interval(refute)
    return CONTRADICTED if low > margin or high < -margin else UNDECIDED


def not_above(found: Estimate, margin: float, support: float, refute: float) -> str:
    """Verdict on "does not gain": reproduced if the interval ends below the margin and no gain is significant."""
    if not found.of_method or math.isnan(found.error):
        return UNDECIDED
    if sides(found, support, refute)[1].above() <= refute:
        return CONTRADICTED
    return REPRODUCED if found.interval(support)[1] <= margin and found.above() > support else UNDECIDED


def reaches(found: Estimate, at_least: float, support: float, refute: float) -> str:
    """Verdict on "is at least s" for a value: significantly above s, or significantly below."""
    if not found.of_method or math.isnan(found.error):
        return UNDECIDED
    if found.above(at_least) <= support:
        return REPRODUCED
    return CONTRADICTED if sides(found, support, refute)[1].below(at_least) <= refute else UNDECIDED


def holds(kind: str, printed: float, margin: float, at_least: float = 0.0) -> bool:
    """Whether a difference that the paper prints is as claimed, by the rule that ours are judged by.

    A printed difference has no interval, so that the margin decides: what is smaller is none.
    """
    if kind == "same":
        return abs(printed) < margin - TINY
    if kind == "not_above":
        return printed < margin - TINY
    claimed = -printed if kind == "smaller" else printed
    return claimed >= max(margin, at_least) - TINY


def agrees(value: float, error: float, freedom: float, paper: float, margin: float, level: float) -> str:
    """Verdict on a cell: ours against the paper's printed number.

    Reproduced if the interval of the difference lies within +-margin; contradicted if 0 is outside of it and the
    difference is larger than the margin.

    Args:
        value: ours.
        error: standard error of the difference. The paper's number has one too, for its training and its videos are
            others: about that of one training of ours.
        freedom: see :class:`vqa.stats.trainings.Estimate`.
        paper: the printed number.
        margin: largest difference of two numbers that agree.
        level: of the interval.
    """
    low, high = Estimate(value - paper, error, freedom, 1).interval(level)
    if -margin <= low and high <= margin:
        return REPRODUCED
    return CONTRADICTED if (low > 0 or high < 0) and abs(value - paper) > margin else UNDECIDED


def decidable(error: float, freedom: float, margin: float, level: float) -> bool:
    """Whether a cell could be reproduced at all: asked before its number is looked at."""
    low, high = Estimate(0.0, error, freedom, 1).interval(level)
    return high - low <= 2 * margin


def combine(verdicts: Sequence[str], every: bool) -> str:
    """Verdict on a claim from those on its parts.

    A claim about ``every`` part is refuted by one part that is contradicted, else by one that is absent, and reproduced
    by none but all. One about ``some`` part (up to so much) is reproduced by one part, and refuted by none but all.
    Parts that were not run count as undecided, unless none was run.
    """
    if all(verdict == NOT_RUN for verdict in verdicts):
        return NOT_RUN
    refuted = [verdict for verdict in verdicts if verdict in (CONTRADICTED, ABSENT)]
    if every:
        if refuted:
            return CONTRADICTED if CONTRADICTED in refuted else ABSENT
        return REPRODUCED if all(verdict == REPRODUCED for verdict in verdicts) else UNDECIDED
    if REPRODUCED in verdicts:
        return REPRODUCED
    if len(refuted) == len(verdicts):
        return ABSENT if ABSENT in refuted else CONTRADICTED
    return UNDECIDED
