"""Names of a table's cells as metrics, which run is whose baseline, and which file a store is locked by."""

from pathlib import Path

import pandas as pd
import pytest
from mlflow.utils.validation import _validate_metric_name

from vqa.io import InputError
from vqa.settings.params import Run
from vqa.tracking.store import lock_file
from vqa.tracking.tables import allowed, cells
from vqa.tracking.trainings import baseline

CELL = {"protocol": "clean", "dataset": "LSVQ_test", "method": "FAST-VQA", "setting": "", "split": "test"}
CELL |= {"metric": "SRCC", "value": 0.8, "paper": 0.9}


def found(*changes: dict) -> dict[str, float]:
    return cells(pd.DataFrame([{**CELL, **change} for change in changes]))


def test_a_cell_is_named_by_protocol_data_set_row_and_metric():
    assert found({}) == {"clean/LSVQ_test/FAST-VQA/srcc": 0.8, "printed/LSVQ_test/FAST-VQA/srcc": 0.9}
    assert found({"setting": "gamma=0.01", "split": "gap", "protocol": "released"}).keys() == {
        *("released/LSVQ_test/gamma 0.01/srcc_gap", "printed/LSVQ_test/gamma 0.01/srcc_gap")
    }
    assert "clean/LSVQ_test/TLVQM/srcc" in found({"method": "TLVQM", "setting": "hand-crafted"})


def test_cells_without_a_number_are_left_out():
    assert found({"value": float("nan")}) == {"printed/LSVQ_test/FAST-VQA/srcc": 0.9}
    assert found({"paper": float("nan")}) == {"clean/LSVQ_test/FAST-VQA/srcc": 0.8}


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("FAST-VQA+AWP", "FAST-VQA AWP"),
        ("PVQ (w/o patch)+AWP", "PVQ w-o patch AWP"),
        ("TLVQM, perceptron", "TLVQM perceptron"),
        ("gamma=0.00001", "gamma 0.00001"),
        ("../up", "..-up"),
    ],
)
def test_names_are_such_as_mlflow_takes(row, name):
    assert allowed(row) == name
    _validate_metric_name(f"clean/KoNViD-1k/{allowed(row)}/srcc")


def test_two_rows_of_one_name_are_refused():
    with pytest.raises(InputError, match=r"'FAST-VQA\+AWP' and 'FAST-VQA=AWP'.*rename one"):
        found({"method": "FAST-VQA+AWP"}, {"method": "FAST-VQA=AWP"})


def test_the_baseline_of_a_run_is_without_perturbation_here_and_in_what_it_starts_from():
    row = {"method": "fastvqa", "init": "initial/fastvqa.safetensors", "data": "prepared/a", "train": "a"}
    awp = {"perturbation": "awp", "gamma": 0.01}

    def run(**changes: object) -> Run:
        return Run(**{**row, "test": ("a/test",), **changes})

    runs = {
        "tuned-awp": run(init="runs/awp/weights"),
        "awp": run(**awp),
        "base": run(seeds=(1, 2), keep_epochs=(3,)),
        "tuned": run(init="runs/base/weights"),
        "tuned-from-awp-with-awp": run(init="runs/awp/weights", **awp),
        "decay": run(weight_decay=0.5),
        "decay-awp": run(weight_decay=0.5, **awp),
        "elsewhere-awp": run(train="b", **awp),
    }
    assert {name: baseline(name, runs) for name in runs} == {
        **{"base": "base", "awp": "base", "tuned": "tuned", "tuned-awp": "tuned", "tuned-from-awp-with-awp": "tuned"},
        **{"decay": "decay", "decay-awp": "decay", "elsewhere-awp": ""},
    }


def test_the_lock_lies_beside_a_store_that_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    beside = tmp_path / ".state" / "mlflow.db.lock"
    for uri in ("sqlite:///mlflow.db", f"sqlite:///{tmp_path}/mlflow.db", f"sqlite:///{tmp_path}/a/../mlflow.db"):
        assert lock_file(uri, Path("scale")) == beside
    assert lock_file("mlruns", Path("scale")) == tmp_path / ".state" / "mlruns.lock"
    assert lock_file(f"file://{tmp_path}/mlruns", Path("scale")) == tmp_path / ".state" / "mlruns.lock"
    remote = lock_file("http://127.0.0.1:5000", Path("scale"))
    assert remote.parent == Path("scale") / ".state"
    assert remote != lock_file("http://127.0.0.1:5001", Path("scale"))
