"""Error rates of every kind of claim at the sizes of the scales: ``python tests/court/rates.py`` measures them anew.

It writes ``reports/court.csv``, which the page of verdicts and docs/statistics.md show.
"""

import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from kinds import KINDS
from world import SIZES

COLUMNS = [
    *("kind", "scale", "trainings", "items"),
    *("false_reproduced", "false_contradicted", "false_absent", "coverage", "power"),
]


def measure(kind: str, scale: str, replicates: int) -> dict[str, float | str | int]:
    """Shares of wrong verdicts, of intervals that hold the truth, and of right ones, in percent."""
    function, truths = KINDS[kind]
    size, found = SIZES[scale], {}
    rates: dict[str, float] = {}
    covered: list[bool] = []
    for truth in dict.fromkeys(truths.values()):
        draw = np.random.default_rng(zlib.crc32(f"{kind} {scale} {truth}".encode()))
        outcomes = [function(size, draw, truth) for _ in range(replicates)]
        found[truth] = [verdict for verdict, _ in outcomes]
        covered += [inside for _, inside in outcomes if inside is not None]
    for name, truth in truths.items():
        wanted = "reproduced" if name == "power" else name
        rates[name] = 100 * float(np.mean([verdict == wanted for verdict in found[truth]]))
    return {
        **{"kind": kind, "scale": scale, "trainings": size.trainings, "items": size.items},
        **{f"false_{name}": rates.get(name, np.nan) for name in ("reproduced", "contradicted", "absent")},
        **{"coverage": 100 * float(np.mean(covered)) if covered else np.nan, "power": rates["power"]},
    }


if __name__ == "__main__":
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rows = [measure(kind, scale, replicates) for kind in KINDS for scale in SIZES]
    table = pd.DataFrame(rows)[COLUMNS].round(1)
    print(table.to_string(index=False))
    if len(sys.argv) < 2:
        table.to_csv(Path(__file__).parents[2] / "reports" / "court.csv", index=False)
