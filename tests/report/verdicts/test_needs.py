"""``vqa power``: what a claim would take, from the variances that were measured, and from nothing else."""

import math
import sys
from pathlib import Path

import pandas as pd
import pytest
from report_fixture import PARAMS
from verdict_fixture import ITEMS, SETTINGS, averaged, compared, filled, paper, write_reports

from vqa.cli import power
from vqa.cli.app import main
from vqa.io import InputError
from vqa.report.verdicts.claims import Best, Claim, Compared, Gap
from vqa.report.verdicts.needs import COLUMNS, needs
from vqa.stats.design import Design

PAIRS = (("gamma=0.001", "gamma=0"), ("gamma=0.0001", "gamma=0"))
CLAIMS = {
    "x": Claim("", "", "", Compared("greater", ("table05",), PAIRS)),
    "best": Claim("", "", "", Best("best", ("table13",), "gamma=0.001")),
    "gap": Claim("", "", "", Gap("gap", ("table01",), ("SAMA",), 0.1)),
}


def variances(error: float, trainings: int) -> dict[str, float]:
    """Of a difference with this error: half of it common to all trainings, half from the seeds."""
    known = (error**2 / 2, 0.0, trainings * error**2 / 2) if trainings > 1 else (math.nan,) * 3
    return dict(zip(("common", "interplay", "seeds", "items"), (*known, ITEMS), strict=True))


def written(folder: Path, error: float, trainings: int = 5) -> Path:
    """Files of Table 5 and of the mean of one claim in the clean protocol, known twice as well."""
    tables = filled(paper(), lambda cell: 0.8, error, ("table05",), trainings)
    pairs = compared(tables, error, trainings).assign(**variances(error, trainings))
    means = averaged("x", 0.0, error=error / 2, trainings=trainings).assign(**variances(error / 2, trainings))
    pairs.to_csv(folder / "comparisons.csv", index=False)
    means.query("protocol == 'clean'").to_csv(folder / "averages.csv", index=False)
    return folder


def found(folder: Path, protocol: str = "clean") -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in needs(CLAIMS, paper(), folder, protocol, SETTINGS)]


def test_the_part_that_needs_most_and_the_mean_over_all(tmp_path: Path) -> None:
    worst, mean, idle = found(written(tmp_path, 0.004))
    gains = {
        (row, metric): paper().values["table05", row, "KoNViD-1k", metric, "test"]
        - paper().values["table05", "gamma=0", "KoNViD-1k", metric, "test"]
        for row, _ in PAIRS
        for metric in ("SRCC", "PLCC")
    }
    (row, metric), gain = min(gains.items(), key=lambda one: one[1])
    assert (worst["claim"], worst["part"]) == ("x", f"KoNViD-1k {metric} test: {row} and gamma=0")
    assert (worst["gain"], worst["has trainings"], worst["items"]) == (f"{gain:.3f}", "5", "240")
    assert worst["could have seen"] == f"{(1.971896 + 0.843364) * 0.004:.4f}", "Student's t with 200"
    assert (mean["claim"], mean["part"], mean["gain"]) == ("", "mean of 8 parts", "0.010")
    assert idle == {**dict.fromkeys(COLUMNS, ""), "claim": "best", "part": "not run"}
    assert len(found(tmp_path, "released")) == 2, "this mean is of the clean protocol"


@pytest.mark.parametrize("error", [0.001, 0.002])
def test_what_it_says_is_enough_and_one_less_is_not(tmp_path: Path, error: float) -> None:
    """Asked of the design with the variances of the file: one training less, or a tenth of the items, find less."""
    worst, mean, _ = found(written(tmp_path, error))
    for row, own in ((worst, error), (mean, error / 2)):
        gain, trainings = float(row["gain"]), int(row["needs trainings"])
        design = Design(**variances(own, 5))
        assert design.estimate(gain, trainings).power(gain, 0.05) >= 0.8
        assert trainings == 3 or design.estimate(gain, trainings - 1).power(gain, 0.05) < 0.8
        if row["or items"]:
            items = int(row["or items"])
            assert design.estimate(gain, 5, items / 240).power(gain, 0.05) >= 0.8
            assert items == 2 or design.estimate(gain, 5, items / 240 / 1.2).power(gain, 0.05) < 0.8
    assert int(mean["needs trainings"]) <= int(worst["needs trainings"])


def test_more_noise_needs_more_and_too_much_has_no_answer(tmp_path: Path) -> None:
    numbers = [int(found(written(tmp_path, error))[0]["needs trainings"]) for error in (0.0001, 0.0016, 0.0022)]
    assert numbers[0] == 3 < numbers[1] < numbers[2]
    worst, _, _ = found(written(tmp_path, 0.1))
    assert (worst["needs trainings"], worst["or items"]) == ("more items", "")


def test_one_training_tells_nothing(tmp_path: Path) -> None:
    worst, mean, _ = found(written(tmp_path, 0.004, trainings=1))
    for row in (worst, mean):
        assert (row["has trainings"], row["needs trainings"], row["or items"]) == (
            "1",
            "one training tells nothing",
            "",
        )


def test_pairs_that_are_not_defined_are_left_out(tmp_path: Path) -> None:
    """A collapsed run has no correlation: what it needs is not the most of all."""
    path = written(tmp_path, 0.004) / "comparisons.csv"
    table = pd.read_csv(path)
    table.assign(detectable=table.detectable.mask(table.a == "gamma=0.001")).to_csv(path, index=False)
    assert "gamma=0.0001" in found(tmp_path)[0]["part"]
    table.assign(detectable=math.nan).to_csv(path, index=False)
    assert found(tmp_path)[0]["part"] == "not run"


@pytest.mark.parametrize("name", ["comparisons", "averages"])
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    written(tmp_path, 0.01)
    (tmp_path / f"{name}.csv").unlink()
    with pytest.raises(InputError, match=rf"{name}\.csv is missing: `vqa repro` makes it"):
        found(tmp_path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_reports(tmp_path, error=0.004)
    folder = tmp_path / "reports" / "statistics"
    pairs = pd.read_csv(folder / "comparisons.csv").assign(**variances(0.004, 5))
    means = averaged("T5-test", 0.0, error=0.004).assign(**variances(0.004, 5)).query("protocol == 'clean'")
    pairs.to_csv(folder / "comparisons.csv", index=False)
    means.to_csv(folder / "averages.csv", index=False)
    (tmp_path / "params.yaml").write_text(PARAMS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["vqa", "power", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code or 0, *capsys.readouterr()


def test_the_command_prints_the_main_claims_or_all(project: Path, monkeypatch, capsys) -> None:
    code, out, err = called(monkeypatch, capsys)
    assert (code, err) == (0, "")
    header, _, *lines = out.splitlines()
    assert header.split("  ")[0] == COLUMNS[0]
    assert all(name in header for name in COLUMNS)
    main_ones = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert main_ones == ["T5-gap", "T5-test", "T13-gap", "T13-test", "T6-every", "T7-every"]
    assert sum("mean of 8 parts" in line for line in lines) == 1
    code, out, _ = called(monkeypatch, capsys, "--all", "--protocol", "released")
    assert code == 0
    assert len(out.splitlines()) > len(lines) + 10
    assert "T8-best" in out
    assert "mean of" not in out


def test_a_protocol_that_is_none_is_one_line(project: Path, monkeypatch, capsys) -> None:
    code, out, err = called(monkeypatch, capsys, "--protocol", "clear")
    assert (code, out) == (2, "")
    assert err == "error: --protocol: 'clear' is not defined (did you mean 'clean'?)\n"
    assert power.EXAMPLE.startswith("Example: `vqa power")
