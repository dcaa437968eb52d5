"""The regression gate, by breaking values on purpose: verdicts and exit codes."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from report_fixture import build_project, call, edit_metrics

from stages import check as stage
from vqa.check import MEAN, changed_items, compare, make_baseline


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check")
    build_project(folder)
    assert call(stage.main, folder, "--update") == 0
    return folder


@pytest.fixture
def project(good: Path, tmp_path: Path) -> Path:
    shutil.copytree(good, tmp_path, dirs_exist_ok=True)
    return tmp_path


def shift(project: Path, run: str, by: float, protocol: str = "clean", key: str = "konvid1k/test") -> None:
    def edit(metrics: dict) -> None:
        metrics[protocol]["scores"][key]["srcc"] += by

    edit_metrics(project, run, edit)


def verdict_of(text: str, run: str, metric: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(f"{run} ") and f" {metric} " in line)
    return line.split()[-1]


def test_same_metrics_pass_and_orphans_do_not_count(project: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(stage.main, project) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("passed: ")
    assert "orphan" not in out


@pytest.mark.parametrize("protocol", ["clean", "released"])
def test_a_fall_beyond_tolerance_fails(project: Path, capsys: pytest.CaptureFixture, protocol: str) -> None:
    shift(project, "A06", -0.06, protocol)
    assert call(stage.main, project) == 1
    out = capsys.readouterr().out
    assert verdict_of(out, "A06", f"{protocol} konvid1k/test srcc") == "REGRESSION"
    assert out.splitlines()[-1].startswith("FAILED: ")


def test_a_fall_within_tolerance_passes(project: Path) -> None:
    shift(project, "A06", -0.04)
    assert call(stage.main, project) == 0


def test_a_rise_is_reported_and_passes(project: Path, capsys: pytest.CaptureFixture) -> None:
    shift(project, "A06", 0.2)
    assert call(stage.main, project) == 0
    assert verdict_of(capsys.readouterr().out, "A06", "clean konvid1k/test srcc") == "improved"


def test_train_metrics_are_informative(project: Path, capsys: pytest.CaptureFixture) -> None:
    shift(project, "A06", -0.3, key="konvid1k/train")
    assert call(stage.main, project) == 0
    assert verdict_of(capsys.readouterr().out, "A06", "clean konvid1k/train srcc") == "changed"


def test_many_small_falls_fail_by_their_mean(project: Path, capsys: pytest.CaptureFixture) -> None:
    for run in ("A01", "A06", "A15"):
        shift(project, run, -0.04)
    assert call(stage.main, project) == 1
    out = capsys.readouterr().out
    assert verdict_of(out, MEAN, "clean mean test srcc") == "REGRESSION"
    assert out.count("REGRESSION") == 2  # the mean's line and the summary


def test_an_undefined_metric_is_a_regression(project: Path) -> None:
    def collapse(metrics: dict) -> None:
        metrics["clean"]["scores"]["konvid1k/test"]["srcc"] = None

    edit_metrics(project, "A06", collapse)
    assert call(stage.main, project) == 1


def test_a_run_that_left_params_is_missing(project: Path, capsys: pytest.CaptureFixture) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    del params["runs"]["A06"], params["tables"]["table03"]
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    assert call(stage.main, project) == 1
    assert verdict_of(capsys.readouterr().out, "A06", "clean konvid1k/test srcc") == "missing"


def test_a_new_run_passes(project: Path, capsys: pytest.CaptureFixture) -> None:
    path = project / "reports" / "baselines" / "demo.json"
    baseline = json.loads(path.read_text())
    del baseline["runs"]["A15"]
    path.write_text(json.dumps(baseline))
    assert call(stage.main, project) == 0
    assert verdict_of(capsys.readouterr().out, "A15", "clean konvid1k/test srcc") == "new"


def test_changed_items_fail_whatever_the_metrics(project: Path, capsys: pytest.CaptureFixture) -> None:
    def other_items(metrics: dict) -> None:
        metrics["items_digest"]["konvid1k/test"] = "feedfacecafe"

    edit_metrics(project, "A06", other_items)
    assert call(stage.main, project) == 1
    assert "FAILED: items of konvid1k/test changed: baseline" in capsys.readouterr().out
    assert call(stage.main, project, "--update") == 2  # two runs on different items make no baseline
    assert "other items of konvid1k/test" in capsys.readouterr().err


def test_absent_files_are_exit_code_2_with_what_to_do(project: Path, capsys: pytest.CaptureFixture) -> None:
    path = project / "reports" / "baselines" / "demo.json"
    path.write_text("{")
    assert call(stage.main, project) == 2
    assert "not a whole baseline file" in capsys.readouterr().err
    path.unlink()
    assert call(stage.main, project) == 2
    assert "--update" in capsys.readouterr().err
    (project / "runs" / "A01" / "metrics.json").unlink()
    assert call(stage.main, project) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "make repro" in err


def test_update_keeps_tolerances_and_takes_the_new_values(project: Path) -> None:
    path = project / "reports" / "baselines" / "demo.json"
    baseline = json.loads(path.read_text())
    baseline["tolerances"]["srcc"] = 0.01
    path.write_text(json.dumps(baseline))
    shift(project, "A06", -0.03)
    assert call(stage.main, project) == 1
    assert call(stage.main, project, "--update") == 0
    assert json.loads(path.read_text())["tolerances"]["srcc"] == 0.01
    assert call(stage.main, project) == 0


def test_baseline_names_every_item_list_once(good: Path) -> None:
    metrics = {run: json.loads((good / "runs" / run / "metrics.json").read_text()) for run in ("A01", "A06")}
    baseline = make_baseline(metrics, "demo", {"srcc": 0.05, "plcc": 0.05, "mean test srcc": 0.02})
    assert list(baseline["items_digest"]) == ["konvid1k/train", "konvid1k/test", "livevqc/test"]
    assert changed_items(metrics, baseline) == []
    assert {line.verdict for line in compare(metrics, baseline)} == {"ok"}
