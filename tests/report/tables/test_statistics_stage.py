"""The stage of statistics: its files, the same bytes again, all tables of the paper, and bad input in one line."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from paper_fixture import build_paper
from report_fixture import call, contents, edit_params
from sharpness_fixture import build_landscapes

from stages import statistics as stage
from vqa.report.tables.sharpness_gap import GAP, POINTS
from vqa.settings.params import Params
from vqa.stats.fusion_gains import GAINS

FILES = [
    *(
        "agreement.csv",
        "averages.csv",
        "comparisons.csv",
        "fusion.csv",
        "selection_bonus.csv",
        "sharpness_gap.csv",
        "sharpness_points.csv",
    ),
    "spread.csv",
]


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Params]:
    return tmp_path, build_landscapes(tmp_path)


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "reports" / "statistics" / name)


def test_stage_writes_its_tables_and_the_same_bytes_again(project, capfd) -> None:
    folder, _ = project
    assert call(stage.main, folder) == 0
    out = folder / "reports" / "statistics"
    before = contents(out)
    assert sorted(before) == FILES
    assert len(read(folder, "sharpness_points.csv")) == 6
    assert set(read(folder, "selection_bonus.csv").query("level == 'run'").name) == {"A01", "A06", "A15"}
    shutil.rmtree(out)
    assert call(stage.main, folder) == 0
    assert contents(out) == before
    assert capfd.readouterr().err == ""


def test_what_fusion_is_worth_is_collected_and_of_several_trainings_the_mean(project) -> None:
    folder, _ = project
    one = pd.DataFrame([["konvid1k/test", "one weight", 0.6, 0.8, 0.7, 0.0, -0.1, 0.1, 24, 0]], columns=GAINS)
    other = one.assign(srcc=0.6, gain=0.2, fold=43)
    for name, table in (("A01", one), ("A15", pd.concat([one, other]))):
        table.to_csv(folder / "runs" / name / "fusion.csv", index=False)
    edit_params(folder, shared={"fusions": {"A01": {}, "A15": {}}})
    assert call(stage.main, folder) == 0
    single, mean = read(folder, "fusion.csv").to_dict("records")
    assert (single["run"], single["srcc"], single["ci_low"], single["trainings"]) == ("A01", 0.8, -0.1, 1)
    assert (mean["run"], mean["trainings"], mean["n"]) == ("A15", 2, 24)
    assert (mean["srcc"], mean["gain"]) == (pytest.approx(0.7), pytest.approx(0.1))
    assert pd.isna(mean["ci_low"])
    (folder / "runs" / "A15" / "fusion.csv").unlink()
    assert call(stage.main, folder) == 2


def test_without_landscapes_the_tables_of_sharpness_are_empty(project) -> None:
    folder, _ = project
    text = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(
        text[: text.index("landscapes:")] + "landscapes: {}\n" + text[text.index("statistics:") :]
    )
    assert call(stage.main, folder) == 0
    assert list(read(folder, "sharpness_points.csv").columns) == list(POINTS)
    assert list(read(folder, "sharpness_gap.csv").columns) == list(GAP)
    assert len(read(folder, "sharpness_gap.csv")) == 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "runs/A15/predictions.csv").unlink(), "`dvc repro evaluate@A15` makes it"),
        (lambda f: (f / "reports/claims.yaml").unlink(), "claims.yaml"),
        (lambda f: (f / "landscapes/A15/sharpness.csv").unlink(), "`dvc repro landscape@A15`"),
        (lambda f: (f / "reports/paper/table05.csv").unlink(), "table05.csv is missing"),
        (
            lambda f: edit_params(f, statistics={"levle": 0.05}),
            "statistics: unknown key 'levle' (did you mean 'level'?)",
        ),
        (lambda f: edit_params(f, statistics={"level": 1.5}), "must lie between 0 and 1"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(project, capfd, spoil, message: str) -> None:
    folder, _ = project
    spoil(folder)
    assert call(stage.main, folder) == 2
    error = capfd.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error
    assert not (folder / "reports" / "statistics").exists()


def test_all_tables_of_the_paper(tmp_path: Path) -> None:
    build_paper(tmp_path)
    assert call(stage.main, tmp_path) == 0
    table = read(tmp_path, "comparisons.csv")
    assert list(dict.fromkeys(table.table)) == [f"table{number:02d}" for number in range(1, 14)]
    within = table[table.table == table.other]
    assert list(dict.fromkeys(within.table)) == list(dict.fromkeys(table.table))
    counts = (
        table[table.reference]
        .query("split == 'test' and metric == 'SRCC' and protocol == 'clean'")
        .table.value_counts()
    )
    expected = {"table06": 12, "table07": 9, "table08": 2, "table09": 16, "table13": 3}
    expected |= dict.fromkeys(["table02", "table04", "table05", "table10", "table12"], 4)
    assert counts.to_dict() == expected | dict.fromkeys(["table03", "table11"], 3)
    assert set(zip(*[table[table.table == "table06"].query("reference")[side] for side in "ab"], strict=True)) == {
        (f"{method}+AWP", method) for method in ("SimpleVQA", "FAST-VQA", "SAMA")
    }
    assert set(table[table.table == "table08"].trainings) == {3}
    assert table[table.table != "table08"].trainings.unique().tolist() == [1]
    assert table.p.between(0, 1).all()
    assert len(table[table.table != table.other]) > 0
    assert read(tmp_path, "spread.csv").query("splits == 3").std_over_splits.notna().all()
