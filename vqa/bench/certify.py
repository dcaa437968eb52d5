"""Stages run anew, drawn or asked for, and the certificate of how near they came to ``dvc.lock``."""

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from vqa.bench.anew import Rerun, Runs, Source, git
from vqa.bench.certificate import Facts, page
from vqa.bench.doctor import packages
from vqa.bench.draw import Drawn, costs, draw_number, draw_within
from vqa.bench.levels import EVALUATE, Judged, judge, near_runs
from vqa.bench.locked import Lock
from vqa.bench.machine import describe
from vqa.graph.plan import FINGERPRINTS, members
from vqa.graph.runner import gpus
from vqa.io import InputError, atomic, file_digest
from vqa.report.publish import CERTIFICATE
from vqa.settings.params import Params
from vqa.settings.strict import build
from vqa.stats.config import Statistics

TRAIN = "train@"
# Seconds that pass before the stages that were drawn begin, and after they end.
AROUND = 30


@dataclass(frozen=True)
class Wish:
    """Which stages are to be run, and how.

    Attributes:
        stages: these, or groups of them; all there are if ``every``; else they are drawn.
        every: whether all are.
        sample: how many to draw; 0: as many as fit into ``minutes``.
        minutes: that a drawn sample may take.
        seed: of the draw; None: from the digest of the lock, so that nobody chooses.
        jobs: stages at a time; 0: one per core, or one alone where there are GPUs.
        keep: folder for the clones and logs, which stay there; None: they are removed.
    """

    stages: tuple[str, ...] = ()
    every: bool = False
    sample: int = 0
    minutes: float = 2.0
    seed: int | None = None
    jobs: int = 0
    keep: Path | None = None


def certify(params: Params, wish: Wish) -> tuple[list[Judged], Path]:
    """Run stages of the scale in the working directory anew, and write its certificate.

    Returns:
        The level of every stage, in the order of the graph, and the file of the certificate.

    Raises:
        InputError: if what lies here is not the commit's or not up to date, or for a stage that is none.
    """
    root = Path(params.root).resolve()
    scale = Path.cwd().relative_to(root)
    committed = unchanged(root, scale)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill stops the stages too, like Ctrl-C
    jobs = wish.jobs or (1 if params.common.device != "cpu" and gpus() else len(os.sched_getaffinity(0)))
    with contextlib.closing(Lock()) as lock, _folder(root, wish.keep) as folder:
        digest = file_digest(Path("dvc.lock"))
        seed = int(digest[:8], 16) if wish.seed is None else wish.seed
        names, how = choose(lock, wish, seed, jobs)
        print(how, flush=True)
        if stale := lock.out_of_date([name for name in names if name != FINGERPRINTS]):
            raise InputError(f"{len(stale)} chosen stages are out of date, the first: {stale[0]}; `vqa repro` first")
        source, order = Source(root, scale, lock), {name: number for number, name in enumerate(lock.names)}
        groups = _run(groups_of(names, lock), Runs(source, folder, jobs, wish.keep is not None))
        groups.sort(key=lambda group: order[group[0].stage])
        near = near_runs(groups, lock, params, folder / "lock")
        level = build(Statistics, params.statistics, "params.yaml: statistics").level
        judged = sorted(judge(groups, near, level), key=lambda one: order[one.stage])
    facts = Facts(
        scale=params.common.scale,
        lock=digest[:12],
        committed=committed,
        commit=git(root, "rev-parse", "HEAD")[:12],
        packages=file_digest(root / "requirements.lock")[:12],
        installed=packages(root / "requirements.lock").what,
        selection=how,
        machine=describe(),
    )
    path = root / "results" / params.common.scale / CERTIFICATE
    with atomic(path) as draft:
        draft.write_text(page(judged, facts), encoding="utf-8")
    return judged, path


def unchanged(root: Path, scale: Path) -> bool:
    """Whether the lock is the commit's too; all else that matters must be, for a clone has nothing else.

    Args:
        root: the project's folder.
        scale: that of the scale, seen from there.

    Raises:
        InputError: if a file that matters is not as in the commit, or is not in it.
    """
    if Path(git(root, "rev-parse", "--show-toplevel")).resolve() != root:
        raise InputError(f"{root} is not a git clone of its own: there is no commit to certify")
    changed = git(root, "diff", "--name-only", "HEAD").splitlines()
    changed += git(root, "ls-files", "--others", "--exclude-standard", "vqa", "stages").splitlines()
    files = [(scale / name).as_posix() for name in ("dvc.yaml", "params.yaml")]
    known = git(root, "ls-files", *files).splitlines()
    matter = [name for name in changed if Path(name).name != "dvc.lock" and not name.startswith("results/")]
    for name in [*matter, *(name for name in files if name not in known)]:
        raise InputError(f"{name} is not as in the commit, which is what would be certified: commit or restore it")
    return (scale / "dvc.lock").as_posix() not in changed


def choose(lock: Lock, wish: Wish, seed: int, jobs: int) -> tuple[list[str], str]:
    """The stages to run, the fingerprints always among them, and how they were chosen, in words.

    Raises:
        InputError: for a stage that is none.
    """
    if wish.every:
        return lock.names, f"All {len(lock.names)} stages."
    if wish.stages:
        named = {name for target in wish.stages for name in members(target, lock.names)}
        names = [name for group in groups_of([*named, FINGERPRINTS], lock) for name in group]
        return names, f"{len(names)} of {len(lock.names)} stages, asked for by name."
    seconds = costs(lock.names)
    units = {}
    for name in lock.names:
        if name != FINGERPRINTS:
            units[name] = sum(seconds[each] for each in groups_of([name], lock)[0])
    if wish.sample:
        drawn, limit = draw_number(list(units), wish.sample, seed), ""
    else:
        drawn = draw_within(units, jobs * (60 * wish.minutes - AROUND), seed)
        limit = f" of what fits into {wish.minutes:g} minutes, {jobs} at a time"
    names = [name for group in groups_of([*drawn.stages, FINGERPRINTS], lock) for name in group]
    return names, _how(names, len(lock.names), drawn, limit, seed)


def _how(names: Sequence[str], total: int, drawn: Drawn, limit: str, seed: int) -> str:
    text = f"{len(names)} of {total} stages, drawn with seed {seed}: one of every kind, then of any{limit}."
    return f"{text} None of {', '.join(drawn.left_out)}: they take longer." if drawn.left_out else text


def groups_of(names: Sequence[str], lock: Lock) -> list[list[str]]:
    """The stages in the order of the graph, each by itself; with a training goes the evaluation of its run."""
    groups = []
    for name in lock.names:
        run = name.partition("@")[2]
        if name not in names or (name.startswith(EVALUATE) and f"{TRAIN}{run}" in names):
            continue
        follows = name.startswith(TRAIN) and f"{EVALUATE}{run}" in lock.names
        groups.append([name, f"{EVALUATE}{run}"] if follows else [name])
    return groups


def _run(groups: Sequence[list[str]], runs: Runs) -> list[list[Rerun]]:
    """Run all groups, the fingerprints first, with a line for every stage as it ends.

    Raises:
        InputError: if the code or the params of the commit are not those that the lock is of.
    """
    total, ended = sum(map(len, groups)), []
    with tqdm(total=total, unit="stage", disable=None, dynamic_ncols=True) as bar:
        for fingerprints in (True, False):
            for group in runs.run([group for group in groups if (group[0] == FINGERPRINTS) is fingerprints]):
                ended.append(group)
                for done in group:
                    bar.update()
                    count = f"[{sum(map(len, ended)) - len(group) + group.index(done) + 1:>{len(str(total))}}/{total}]"
                    said = "the same bytes" if done.same else f"not the same bytes: {done.difference()}"
                    bar.write(f"{count} {done.stage}  {done.seconds:.1f} s  {said}", file=sys.stdout)
                    sys.stdout.flush()
            if fingerprints and ended and not ended[0][0].same:
                text = ended[0][0].difference()
                raise InputError(f"dvc.lock is of other code or params: {text}; `vqa repro` first")
    return ended


@contextlib.contextmanager
def _folder(root: Path, keep: Path | None) -> Iterator[Path]:
    """Where the clones lie: beside the cache, so that what they read can be links."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    (root / ".state").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="certify-", dir=root / ".state") as made:
        yield Path(made)
