"""Which of three things holds of stages that ran anew: the same bytes, within tolerance, statistically the same.

The bytes of every output are held against ``dvc.lock``. Where those of a run differ, its metrics are held against the
lock's with the tolerances of ``vqa check``, and then its predictions by a paired test over the same items. Whatever has
no metrics is the same bytes or different.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqa.bench.anew import Rerun
from vqa.bench.locked import Lock
from vqa.bench.sameness import FILES, Nearness, nearness, widest
from vqa.io import InputError
from vqa.settings.params import Params
from vqa.stats.families import holm

LEVELS = ("the same bytes", "within tolerance", "statistically the same", "different")
SAME, WITHIN, ALIKE, DIFFERENT = range(len(LEVELS))
EVALUATE = "evaluate@"


@dataclass(frozen=True)
class Judged:
    """What is said of one stage.

    Attributes:
        stage: its name.
        seconds: that it took.
        level: place in :data:`LEVELS`.
        differs: in words; empty for the same bytes.
    """

    stage: str
    seconds: float
    level: int
    differs: str


def judge(groups: Sequence[Sequence[Rerun]], near: dict[str, Nearness], level: float) -> list[Judged]:
    """The level of every stage.

    Args:
        groups: stages that ran one after the other.
        near: by run, of those that gave other bytes and could be evaluated.
        level: of the tests, over all of them together (Holm).
    """
    asked = [one for one in near.values() if not one.within]
    adjusted = holm(np.array([test.two_sided() for one in asked for test in one.tests.values()]))
    ends = np.cumsum([0, *(len(one.tests) for one in asked)])
    smallest = {one.run: adjusted[a:b] for one, a, b in zip(asked, ends[:-1], ends[1:], strict=True)}
    judged = []
    for group in groups:
        last = group[-1].stage
        found = near.get(last.removeprefix(EVALUATE)) if last.startswith(EVALUATE) else None
        for done in group:
            reached, text = DIFFERENT, done.difference()
            if done.same:
                reached = SAME
            elif found and not done.failure and found.within:
                reached, text = WITHIN, f"{text}; {found.moved}"
            elif found and not done.failure:
                p = smallest[found.run]
                text = f"{text}; {found.moved}; {widest(found.tests, level)}"
                if len(p):
                    text += f"; the smallest p of {len(adjusted)} together is {np.min(p):.2g}"
                # Of a number that is not defined nothing can be said.
                reached = ALIKE if len(p) and bool(np.all(p >= level)) else DIFFERENT
            judged.append(Judged(done.stage, done.seconds, reached, text))
    return judged


def near_runs(groups: Sequence[Sequence[Rerun]], lock: Lock, params: Params, folder: Path) -> dict[str, Nearness]:
    """How near the evaluated runs are that gave other bytes, by run.

    Args:
        groups: stages that ran one after the other.
        lock: theirs.
        params: of the scale.
        folder: where the files of the lock may be laid out.
    """
    near = {}
    for group in groups:
        last, run = group[-1], group[-1].stage.removeprefix(EVALUATE)
        if all(done.same for done in group) or last.failure or not last.stage.startswith(EVALUATE):
            continue
        locked = [lock.stage(done.stage) for done in group]
        every = {path: md5 for stage in locked for path, md5 in (stage.reads | stage.made).items()}
        place = Path("runs") / run
        files = {name: every[name] for name in ((place / file).as_posix() for file in FILES) if name in every}
        lock.lay_out(files, folder)
        with contextlib.suppress(FileNotFoundError, InputError):  # a file was not written, or belies another
            near[run] = nearness(run, folder / place, last.folder / place, params)
    return near


def worst(judged: Sequence[Judged]) -> int:
    """The level of all together."""
    return max(one.level for one in judged)
