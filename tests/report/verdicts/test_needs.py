"""What claims would take: the part that needs most, and the mean over all parts, from the spread that was measured."""

import math
from pathlib import Path

import pandas as pd
import pytest
from verdict_fixture import CLAIMS, SETTINGS, averaged, compared, filled, paper

from vqa.io import InputError, write_csv
from vqa.report.verdicts.claims import read_claims
from vqa.report.verdicts.needs import COLUMNS, needs
from vqa.stats.design import Design

SPREAD = {"common": 5e-7, "interplay": 1e-6, "seeds": 3e-5, "items": 240}
DESIGN = Design(**SPREAD)


def told(folder: Path, of: str = "clean", **changes: object) -> dict[str, dict[str, str]]:
    """Rows by claim, and by ``claim mean`` that of the mean over its parts; Table 5 was run, with an error of 0.004."""
    table = compared(filled(paper(), names=("table05",)), 0.004).assign(**SPREAD).assign(**changes)
    write_csv(folder / "comparisons.csv", table)
    write_csv(folder / "averages.csv", averaged("T5-test", 0.01, claimed=0.008).assign(**SPREAD))
    rows, name = {}, ""
    for row in needs(read_claims(CLAIMS, paper()), paper(), folder, of, SETTINGS):
        name, key = (row[0], row[0]) if row[0] else (name, f"{name} mean")
        rows[key] = dict(zip(COLUMNS, row, strict=True))
    return rows


def test_the_part_that_needs_most_is_that_of_the_smallest_gain(tmp_path: Path) -> None:
    row = told(tmp_path)["T5-test"]
    gains = {
        f"KoNViD-1k {metric} test: {gamma} and gamma=0": paper().values["table05", gamma, "KoNViD-1k", metric, "test"]
        - paper().values["table05", "gamma=0", "KoNViD-1k", metric, "test"]
        for metric in ("SRCC", "PLCC")
        for gamma in ("gamma=0.001", "gamma=0.0001", "gamma=0.00001")
    }
    smallest = min(gains.values())
    assert gains[row["part"]] == smallest
    assert row["gain"] == f"{smallest:.3f}"
    assert (row["has trainings"], row["items"], row["could have seen"]) == ("5", "240", "0.0113")
    asked = (smallest, SETTINGS.level, SETTINGS.power)
    assert DESIGN.trainings_for(*asked) > 5
    assert row["needs trainings"] == str(DESIGN.trainings_for(*asked))
    assert row["or items"] == str(DESIGN.items_for(*asked, 5) or "")


def test_the_mean_over_the_parts_has_its_own_line(tmp_path: Path) -> None:
    row = told(tmp_path)["T5-test mean"]
    assert (row["part"], row["gain"]) == ("mean of 8 parts", "0.008")
    assert row["needs trainings"] == str(DESIGN.trainings_for(0.008, SETTINGS.level, SETTINGS.power))


def test_a_claim_of_no_difference_needs_to_see_the_margin(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "comparisons.csv",
        compared(filled(paper(), names=("table02",)), 0.004).assign(**SPREAD, detectable=0.01),
    )
    write_csv(tmp_path / "averages.csv", averaged("T5-test", 0.01).assign(**SPREAD))
    rows = needs(read_claims(CLAIMS, paper()), paper(), tmp_path, "clean", SETTINGS)
    (row,) = (dict(zip(COLUMNS, row, strict=True)) for row in rows if row[0] == "T2-test")
    assert row["gain"] == f"{SETTINGS.margin:.3f}"


def test_claims_that_were_not_run_or_are_about_no_difference_of_rows(tmp_path: Path) -> None:
    rows = told(tmp_path)
    assert rows["T6-every"]["part"] == "not run"
    assert not {"T1-large-gap", "F2d-flatter", "F1ab-gap-grows", "central-correlation"} & set(rows)
    assert "T5-best" in rows


def test_one_training_and_collapsed_runs_tell_nothing(tmp_path: Path) -> None:
    unknown = dict.fromkeys(("common", "interplay", "seeds"), math.nan)
    row = told(tmp_path, trainings=1, **unknown)["T5-test"]
    assert (row["needs trainings"], row["or items"]) == ("one training tells nothing", "")

    def collapsed(table: pd.DataFrame) -> pd.Series:
        return table.detectable.mask(table.a == "gamma=0.001")

    assert "gamma=0.001" not in told(tmp_path, detectable=collapsed)["T5-test"]["part"]
    assert told(tmp_path, detectable=math.nan)["T5-test"]["part"] == "not run"


def test_protocols_are_apart_and_missing_files_named(tmp_path: Path) -> None:
    assert told(tmp_path, protocol="released")["T5-test"]["part"] == "not run"
    assert told(tmp_path, "released", protocol="released")["T5-test"]["part"] != "not run"
    (tmp_path / "averages.csv").unlink()
    with pytest.raises(InputError, match=r"averages\.csv is missing: `vqa repro` makes it"):
        needs({}, paper(), tmp_path, "clean", SETTINGS)
