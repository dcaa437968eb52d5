"""Lines of ``vqa`` that the tests reach, in every process that runs them, and a floor under their share.

Lines are counted by SlipCover, which takes its probe out of a line that was reached: a tracer would make the tests half
as long again. What stages do in processes of their own is not counted, nor what runs before pytest reads its options,
nor kernels, which Triton translates before they run.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from project import ROOT
from slipcover import FileMatcher, ImportManager, Slipcover

VQA = ROOT / "vqa"
KERNELS = "vqa/models/window_kernels.py"
Lines = dict[str, set[int]]
# Files that are named at the end, and characters of a line about one.
SHOWN, WIDTH = 10, 150


class Counter:
    """Counts in this process, and sums up where the processes of pytest-xdist report to.

    Args:
        floor: in percent; the session fails below it.
    """

    def __init__(self, floor: float) -> None:
        self.floor = floor
        self.reached: Lines = {}
        self._counter = Slipcover(source=[str(VQA)])
        matcher = FileMatcher([VQA])
        ImportManager(self._counter, matcher).__enter__()

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A process of pytest-xdist hands over what it saw."""
        lines, _ = self._seen()
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["lines"] = {name: sorted(numbers) for name, numbers in lines.items()}
            return
        self._add(lines)
        if self._share() < self.floor and session.exitstatus == 0:
            session.exitstatus = 1

    def pytest_testnodedown(self, node: Any) -> None:
        """One of them has ended."""
        self._add(getattr(node, "workeroutput", {}).get("lines", {}))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The files with most lines that are not reached, and the share of all."""
        _, every = self._seen()
        left = {name: sorted(numbers - self.reached.get(name, set())) for name, numbers in every.items()}
        for name in sorted(left, key=lambda name: -len(left[name]))[:SHOWN]:
            if left[name]:
                terminalreporter.write_line(f"not reached in {name}: {', '.join(_runs(left[name]))}"[:WIDTH])
        verdict = f"below the floor of {self.floor:g} %" if self._share() < self.floor else f"floor {self.floor:g} %"
        terminalreporter.write_line(f"{self._share():.1f} % of the lines of vqa are reached, {verdict}")

    def _add(self, lines: dict[str, Any]) -> None:
        for name, numbers in lines.items():
            self.reached.setdefault(name, set()).update(numbers)

    def _share(self) -> float:
        _, every = self._seen()
        reached = sum(len(numbers & self.reached.get(name, set())) for name, numbers in every.items())
        return 100 * reached / sum(map(len, every.values()))

    def _seen(self) -> tuple[Lines, Lines]:
        """By file: lines that this process reached, and all that there are."""
        files = self._counter.get_coverage()["files"]
        found = {(VQA.parent / name).relative_to(VQA.parent).as_posix(): lines for name, lines in files.items()}
        found.pop(KERNELS, None)
        reached = {name: set(lines["executed_lines"]) for name, lines in found.items()}
        return reached, {name: reached[name] | set(lines["missing_lines"]) for name, lines in found.items()}


def _runs(numbers: list[int]) -> Iterator[str]:
    """Numbers as ``3-5``, ``9``."""
    start = previous = numbers[0]
    for number in [*numbers[1:], -1]:
        if number != previous + 1:
            yield f"{start}" if start == previous else f"{start}-{previous}"
            start = number
        previous = number
