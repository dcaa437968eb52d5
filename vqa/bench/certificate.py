"""The page that says which level holds, of what, where and under which lock.

It has no date, no name of a machine and no path: it is committed with the results, and the commit says when.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vqa.bench.levels import LEVELS, Judged, worst

MEANING = """\
*The same bytes*: every output has the hash that `dvc.lock` has of it. *Within tolerance*: other bytes, and every
metric lies as near to the lock's as `vqa check` asks for on another kind of machine. *Statistically the same*: the
paired test over items and trainings does not tell the test metrics of the two apart, at 5 % over all that were
compared (Holm); how wide its interval is says what it could have seen. *Different*: none of these. A stage without
metrics is the same bytes or different; a training is judged by the evaluation of its run.

Every stage ran in a fresh clone of its own, which holds the commit and what the stages before it wrote, as `dvc.lock`
has it: no output was restored, and a difference is found where it arises. Only an evaluation that follows the training
of its run reads what that gave anew."""


@dataclass(frozen=True)
class Facts:
    """What the page says beside the levels.

    Attributes:
        scale: name of the scale.
        lock: digest of its ``dvc.lock``.
        committed: whether that is the commit's.
        commit: of git.
        packages: digest of ``requirements.lock``.
        installed: whether the packages are the lock's, in words.
        selection: how the stages were chosen, in words.
        machine: by what it is (:func:`vqa.bench.machine.describe`).
    """

    scale: str
    lock: str
    committed: bool
    commit: str
    packages: str
    installed: str
    selection: str
    machine: dict[str, str]


def page(judged: Sequence[Judged], facts: Facts) -> str:
    """The certificate, in Markdown."""
    counts = {level: sum(one.level == level for one in judged) for level in range(len(LEVELS))}
    said = ", ".join(f"{count} {LEVELS[level]}" for level, count in counts.items() if count)
    rows = [f"| {one.stage} | {one.seconds:.1f} | {LEVELS[one.level]} | {_cell(one.differs)} |" for one in judged]
    where = facts.machine | {
        "Packages": f"`requirements.lock` with SHA-256 `{facts.packages}`: {facts.installed}",
        "Commit": f"`{facts.commit}`",
        "Lock": f"`dvc.lock` with SHA-256 `{facts.lock}`, {'as' if facts.committed else 'not as'} in the commit",
    }
    lines = [
        f"# Scale {facts.scale} run anew: {LEVELS[worst(judged)]}",
        "",
        f"*Results of scale `{facts.scale}`, made from the `dvc.lock` with SHA-256 `{facts.lock}`: a certificate by "
        f"`make certify`.*",
        "",
        f"{facts.selection} Of these: {said}.",
        "",
        "| Stage | Seconds | Level | What differs |",
        "| --- | ---: | --- | --- |",
        *rows,
        "",
        "| Where | |",
        "| --- | --- |",
        *(f"| {name} | {_cell(text)} |" for name, text in where.items()),
        "",
        MEANING,
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
