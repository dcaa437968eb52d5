"""The MLflow mirror: what is in it, that a second call writes nothing, and what follows a change."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from report_fixture import call, contents, edit_metrics, edit_params, write_run
from store_fixture import FIGURES, build_reported, client, dump, history, runs, store, tables_of

from vqa.cli.app import main
from vqa.io import InputError
from vqa.tracking.store import Store
from vqa.tracking.track import track
from vqa.tracking.trainings import curve_points, fingerprint, flatten

pytestmark = pytest.mark.slow

PARENT = "mlflow.parentRunId"


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a filled store; the first touch of a store takes MLflow many seconds, so all tests share it."""
    folder = tmp_path_factory.mktemp("track")
    params = build_reported(folder)
    (folder / "dvc.lock").write_text("schema: '2.0'\n")
    assert str(track(params, folder, store(folder))) == "6 new, 0 unchanged, 0 superseded"
    return folder


@pytest.fixture
def project(mirrored: Path, tmp_path: Path) -> Path:
    shutil.copytree(mirrored, tmp_path, dirs_exist_ok=True)
    return tmp_path


def mirror(folder: Path) -> int:
    """Exit code of the command."""
    return call(main, folder, "track", "--store", store(folder))


def said(capsys: pytest.CaptureFixture) -> str:
    return capsys.readouterr().out.strip()


# --- content


def test_runs_of_params_are_there_with_curves_params_tags_and_files(mirrored):
    found = runs(mirrored)
    assert sorted(found) == ["A01", "A06", "A15", "figures", "table03", "table05"]
    (run,) = found["A15"]
    assert run.info.status == "FINISHED"
    assert run.data.tags["vqa.run"] == "A15"
    assert run.data.tags["vqa.fingerprint"] == fingerprint(mirrored / "runs" / "A15")
    assert run.data.tags["vqa.scale"] == "demo"
    assert run.data.params["run.gamma"] == "0.0001"
    assert run.data.params["recipe.weight_decay"] == "0.05"
    curve = pd.read_csv(mirrored / "runs" / "A15" / "curve.csv")
    for name, column in (
        ("curve/loss", "loss"),
        ("curve/train/srcc", "train_srcc"),
        ("curve/konvid1k/test/plcc_raw", "test_plcc_raw"),
    ):
        assert history(mirrored, run, name) == list(zip(curve.epoch, curve[column], strict=True))
    for protocol in ("clean", "released"):
        assert {
            f"{protocol}/scores/konvid1k/test/srcc",
            f"{protocol}/gap/konvid1k/test/plcc",
        } <= run.data.metrics.keys()
    names = {item.path for item in client(mirrored).list_artifacts(run.info.run_id)}
    assert names == {"run.json", "metrics.json", "curve.csv", "predictions.csv"}
    inputs = {data.dataset.name: data.dataset.digest for data in run.inputs.dataset_inputs}
    assert inputs["konvid1k/test"] == run.data.tags["vqa.items.konvid1k/test"]


def test_a_table_is_a_run_with_its_cells_and_pages(mirrored):
    (table,) = runs(mirrored)["table05"]
    frame = pd.read_csv(mirrored / "reports" / "tables" / "table05.csv")
    assert set(frame.protocol) == {"clean", "released"}
    for cell in frame.to_dict("records"):
        metric = cell["metric"].lower() + ("" if cell["split"] == "test" else f"_{cell['split']}")
        end = f"KoNViD-1k/{cell['setting'].replace('=', ' ')}/{metric}"
        values = {cell["protocol"]: cell["value"], "printed": cell["paper"]}
        for start, value in values.items():
            assert table.data.metrics.get(f"{start}/{end}", float("nan")) == pytest.approx(value, nan_ok=True)
    names = {item.path for item in client(mirrored).list_artifacts(table.info.run_id)}
    assert names == {"table05.csv", "table05.md", "table05.tex"}
    assert "AWP gamma" in table.data.tags["mlflow.note.content"]


def test_runs_are_nested_below_the_first_table_that_they_stand_in(mirrored):
    found = {name: run for name, (run,) in runs(mirrored).items()}
    parents = {name: found[name].data.tags.get(PARENT) for name in found}
    assert parents["A01"] == parents["A06"] == found["table03"].info.run_id
    assert parents["A15"] == found["table05"].info.run_id
    assert {parents[name] for name in ("table03", "table05", "figures")} == {None}
    assert found["A01"].data.tags["vqa.tables"] == "table03 table05"
    # A01 reads other data than A15, which is not the same but for its perturbation.
    assert [found[name].data.tags.get("vqa.baseline") for name in ("A01", "A06", "A15")] == ["A01", "A06", None]


def test_a_run_and_its_baseline_are_found_by_one_tag(project):
    edit_params(project, runs={"A01": {**RUN, "augmentation": "none"}})
    assert mirror(project) == 0
    found = client(project).search_runs(["1"], "tags.`vqa.baseline` = 'A01'")
    assert {run.info.run_name for run in found} == {"A01", "A15"}


def test_figures_are_artifacts_and_nothing_is_registered(mirrored):
    (figures,) = runs(mirrored)["figures"]
    artifacts = Path(figures.info.artifact_uri.removeprefix("file://"))
    assert contents(artifacts) == FIGURES
    assert list(client(mirrored).search_registered_models()) == []
    experiments = [figures.info.experiment_id]
    assert list(client(mirrored).search_logged_models(experiments)) == []
    assert not list((mirrored / "mlartifacts").rglob("*.safetensors"))


def test_every_run_says_from_which_lock_and_commit_it_came(mirrored, project):
    lock = hashlib.sha256((mirrored / "dvc.lock").read_bytes()).hexdigest()
    every = [run.data.tags for same in runs(mirrored).values() for run in same]
    assert {tags["vqa.lock"] for tags in every} == {lock}
    assert not {"vqa.commit", "mlflow.source.git.commit"} & set(every[0])  # no repository

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        return subprocess.run(["git", "-C", project, *who, *arguments], text=True, capture_output=True).stdout.strip()

    git("init", "-q")
    git("add", "params.yaml")
    git("commit", "-qm", "params")
    commit = git("rev-parse", "HEAD")
    for end, edit in (("", ""), ("+dirty", "# changed\n")):
        with (project / "params.yaml").open("a") as stream:
            stream.write(edit)
        edit_metrics(project, "A06", lambda metrics, end=end: metrics.update(seed=len(end)))
        assert mirror(project) == 0
        tags = runs(project)["A06"][0].data.tags
        assert tags["vqa.commit"] == commit + end
        assert tags["mlflow.source.git.commit"] == commit


def test_of_several_trainings_each_has_its_curve_beside_their_mean(project):
    params = edit_params(project, runs={"A06": {**RUN, "seeds": [7, 9]}})
    write_run(project / "runs" / "A06", params, "A06", folds=("7-0", "9-0"))
    assert mirror(project) == 0
    run = runs(project)["A06"][0]
    curve = pd.read_csv(project / "runs" / "A06" / "curve.csv")
    own = [curve[curve.fold == fold] for fold in ("7-0", "9-0")]
    for part in own:
        assert history(project, run, f"curve/fold_{part.fold.iloc[0]}/train/srcc") == list(
            zip(part.epoch, part.train_srcc, strict=True)
        )
    mean = (own[0].train_srcc.to_numpy() + own[1].train_srcc.to_numpy()) / 2
    assert [value for _, value in history(project, run, "curve/train/srcc")] == pytest.approx(list(mean))
    assert not [name for name in run.data.metrics if name.endswith("/fold")]


RUN = {
    **{"method": "fastvqa", "init": "initial/fastvqa.safetensors", "data": "prepared/konvid1k", "train": "konvid1k"},
    **{"test": ["konvid1k/test"], "augmentation": "autoaugment"},
}


# --- once, and what a change brings


def test_second_call_writes_nothing(mirrored, project, capsys):
    # Artifacts of the copied store lie where its experiment was made: in the folder of the original.
    artifacts, rows, content = contents(mirrored / "mlartifacts"), tables_of(project), read_store(project)
    assert artifacts
    assert mirror(project) == 0
    assert said(capsys) == "0 new, 6 unchanged, 0 superseded"
    assert tables_of(project) == rows
    assert read_store(project) == content
    assert contents(mirrored / "mlartifacts") == artifacts


def read_store(folder: Path) -> bytes:
    return (folder / "mlflow.db").read_bytes()


def test_another_lock_or_commit_makes_no_run_new(project, capsys):
    (project / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    content = read_store(project)
    assert mirror(project) == 0
    assert said(capsys) == "0 new, 6 unchanged, 0 superseded"
    assert read_store(project) == content


def test_deleting_the_store_loses_nothing(mirrored, tmp_path):
    shutil.copytree(mirrored, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mlflow.db", "mlartifacts"))
    assert mirror(tmp_path) == 0
    before, after = dump(mirrored), dump(tmp_path)
    assert len(after) == 6
    assert after == before


def test_a_changed_run_supersedes_the_old_one(project, capsys):
    edit_metrics(project, "A06", lambda metrics: metrics.update(seed=43))
    assert mirror(project) == 0
    assert said(capsys) == "1 new, 5 unchanged, 1 superseded"
    new, old = runs(project)["A06"]
    assert old.data.tags["vqa.superseded"] == "true"
    assert "vqa.superseded" not in new.data.tags
    assert mirror(project) == 0
    assert said(capsys) == "0 new, 6 unchanged, 0 superseded"


def test_runs_follow_a_table_that_was_written_anew(project, capsys):
    page = project / "reports" / "tables" / "table03.md"
    page.write_text(page.read_text() + "\nOne more note.\n")
    assert mirror(project) == 0
    assert said(capsys) == "1 new, 5 unchanged, 1 superseded"
    found = runs(project)
    new, old = found["table03"]
    assert old.data.tags["vqa.superseded"] == "true"
    assert {found[name][0].data.tags[PARENT] for name in ("A01", "A06")} == {new.info.run_id}
    content = read_store(project)
    assert mirror(project) == 0
    assert read_store(project) == content


def test_a_run_that_left_its_tables_is_nested_no_more(project):
    rows = {"augmentation=base": ["A01"], "gamma=0.0001": ["A15"]}
    edit_params(
        project, tables={"table03": {"title": "FAST-VQA on KoNViD-1k with different augmentation", "rows": rows}}
    )
    assert mirror(project) == 0
    found = {name: same[0].data.tags for name, same in runs(project).items()}
    assert not {PARENT, "vqa.tables"} & found["A06"].keys()
    assert found["A15"]["vqa.tables"] == "table03 table05"


def test_a_run_that_was_cut_off_while_written_is_made_again(project, capsys):
    (half,) = runs(project)["A01"]
    client(project).delete_tag(half.info.run_id, "vqa.fingerprint")
    client(project).update_run(half.info.run_id, status="RUNNING")
    assert mirror(project) == 0
    assert said(capsys) == "1 new, 5 unchanged, 1 superseded"
    assert client(project).get_run(half.info.run_id).info.status == "KILLED"


@pytest.mark.parametrize(
    ("file", "advice"),
    [
        ("runs/A15/curve.csv", "evaluate@A15"),
        ("reports/tables/table03.tex", "repro tables"),
        ("reports/figures", "repro figures"),
    ],
)
def test_a_missing_file_stops_before_anything_is_written(project, capsys, file, advice):
    content = read_store(project)
    edit_metrics(project, "A01", lambda metrics: metrics.update(seed=43))
    path = project / file
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert mirror(project) == 2
    err = capsys.readouterr().err
    assert advice in err
    assert err.count("\n") == 1
    assert read_store(project) == content


def test_a_missing_file_of_a_run_is_bad_input(tmp_path):
    with pytest.raises(InputError, match="evaluate@A15"):
        fingerprint(tmp_path / "A15")


def test_five_thousand_points_are_six_calls(project, monkeypatch):
    path = project / "runs" / "A06" / "curve.csv"
    curve = pd.read_csv(path)
    long = pd.concat([curve.iloc[:1].assign(epoch=epoch) for epoch in range(1, 716)])
    long.to_csv(path, index=False)
    points = list(curve_points(long))
    assert len({(name, step) for name, _, step in points}) == len(points) > 5000
    batches = []
    real = Store.log

    def counted(self: Store, *arguments: object, **options: object) -> None:
        log_batch = self.client.log_batch
        self.client.log_batch = lambda *a, **o: [batches.append(len(o["metrics"])), log_batch(*a, **o)]
        for name in ("log_metric", "log_param"):
            setattr(self.client, name, None)
        real(self, *arguments, **options)

    monkeypatch.setattr(Store, "log", counted)
    assert mirror(project) == 0
    assert len(batches) <= 6
    assert max(batches) <= 1000
    run = runs(project)["A06"][0]
    assert len(history(project, run, "curve/loss")) == 715


def test_flatten_joins_keys_by_dots():
    assert flatten({"a": {"b": 1, "c": [2, 3]}, "d": None}) == {"a.b": 1, "a.c": [2, 3], "d": None}
