"""params.yaml: what is committed is the experiment matrix; what is wrong is refused in one line with its place."""

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from stages import train
from vqa.io import run_stage
from vqa.methods import load_method
from vqa.params import Params, load
from vqa.perturb import build_perturbation
from vqa.strict import ParamsError, build

ROOT = Path(__file__).parents[1]
BASE = "A01-fastvqa-konvid1k-base"
RWP = "A11-fastvqa-konvid1k-rwp1e-4"

# The experiment matrix, group A: id -> (weight decay, augmentation, perturbation, gamma).
MATRIX = {
    "A01": (0.05, "none", "none", 0.0),
    "A02": (0.0, "none", "none", 0.0),
    "A03": (0.5, "none", "none", 0.0),
    "A04": (0.005, "none", "none", 0.0),
    "A05": (0.0005, "none", "none", 0.0),
    "A06": (0.05, "autoaugment", "none", 0.0),
    "A07": (0.05, "randaugment", "none", 0.0),
    "A08": (0.05, "trivialaugment", "none", 0.0),
    "A09": (0.05, "none", "rwp", 1e-2),
    "A10": (0.05, "none", "rwp", 1e-3),
    "A11": (0.05, "none", "rwp", 1e-4),
    "A12": (0.05, "none", "rwp", 1e-5),
    "A13": (0.05, "none", "awp", 1e-2),
    "A14": (0.05, "none", "awp", 1e-3),
    "A15": (0.05, "none", "awp", 1e-4),
    "A16": (0.05, "none", "awp", 1e-5),
}

# Which run fills which row: the paper's settings, in the paper's order.
ROWS = {
    "table02": {0: "A02", 0.5: "A03", 0.05: "A01", 0.005: "A04", 0.0005: "A05"},
    "table03": {"base": "A01", "AuA": "A06", "RA": "A07", "TA": "A08"},
    "table04": {0: "A01", 1e-2: "A09", 1e-3: "A10", 1e-4: "A11", 1e-5: "A12"},
    "table05": {0: "A01", 1e-2: "A13", 1e-3: "A14", 1e-4: "A15", 1e-5: "A16"},
}


@pytest.fixture(scope="module")
def params() -> Params:
    return load(ROOT / "params.yaml")


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, object], Path]:
    """Write the committed parameters with one value replaced (or removed: None) at a path of keys joined by ``/``."""

    def write(place: str, value: object) -> Path:
        raw = yaml.safe_load((ROOT / "params.yaml").read_text())
        *parents, last = place.split("/")
        block = raw
        for key in parents:
            block = block[key]
        if value is None:
            del block[last]
        else:
            block[last] = value
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
        return tmp_path / "params.yaml"

    return write


# --- what is committed


def test_the_runs_are_group_a_of_the_experiment_matrix(params):
    assert [name.split("-")[0] for name in params.runs] == list(MATRIX)


@pytest.mark.parametrize("identity", MATRIX)
def test_a_run_has_the_regularizer_and_strength_of_the_matrix(params, identity):
    (name,) = (name for name in params.runs if name.startswith(f"{identity}-"))
    run = params.runs[name]
    method = load_method(run.method, params.methods[run.method], run)
    weight_decay, augmentation, perturbation, gamma = MATRIX[identity]
    assert (run.method, run.train, run.test) == ("fastvqa", "konvid1k", ("konvid1k/test",))
    assert method.config.weight_decay == weight_decay
    assert {group["weight_decay"] for group in _optimizer(method).param_groups} == {weight_decay}
    assert method.augmentation == run.augmentation == augmentation
    assert (run.perturbation, run.gamma) == (perturbation, gamma)
    build_perturbation(run.perturbation, run.gamma, params.common.perturbing.tensors, "box")


def _optimizer(method):
    import torch

    return method.optimizer(torch.nn.ModuleDict({"backbone": torch.nn.Linear(2, 2), "head": torch.nn.Linear(2, 1)}))


@pytest.mark.parametrize("name", ROWS)
def test_table_rows_are_the_papers_settings_in_its_order(params, name):
    with (ROOT / "reports" / "paper" / f"{name}.csv").open() as stream:
        settings = dict.fromkeys(row["setting"] for row in csv.DictReader(stream))
    rows = params.tables[name].rows
    assert list(rows) == list(settings)
    values = [setting.partition("=")[2] for setting in rows]
    strengths = [float(value) if value[0].isdigit() else value for value in values]
    assert dict(zip(strengths, (run.split("-")[0] for run in rows.values()), strict=True)) == ROWS[name]


def test_every_run_is_used_by_a_table(params):
    used = {run for table in params.tables.values() for run in table.rows.values()}
    assert used == set(params.runs)


def test_every_method_block_is_used_and_loads(params):
    assert {run.method for run in params.runs.values()} == set(params.methods)
    for name, block in params.methods.items():
        load_method(name, block, next(run for run in params.runs.values() if run.method == name))


# --- what is refused

# What is wrong -> (place, value; None removes the key, start of the message after "params.yaml: ")
WRONG = {
    "unknown key on top": ("runz", {}, "unknown key 'runz' (did you mean 'runs'?)"),
    "unknown key": ("common/sed", 1, "common: unknown key 'sed' (did you mean 'seed'?)"),
    "unknown key of a run": (f"runs/{RWP}/gama", 0.1, f"runs.{RWP}: unknown key 'gama' (did you mean 'gamma'?)"),
    "missing key on top": ("figures", None, "missing key 'figures'"),
    "missing key": ("common/seed", None, "common: missing key 'seed'"),
    "missing key of a run": (f"runs/{RWP}/train", None, f"runs.{RWP}: missing key 'train'"),
    "missing nested key": ("common/released/weights", None, "common.released: missing key 'weights'"),
    "text for a number": ("common/seed", "42", "common.seed: must be of type int, got '42'"),
    "a bool is no int": ("common/seed", True, "common.seed: must be of type int, got True"),
    "a bool is no float": (f"runs/{RWP}/gamma", True, f"runs.{RWP}.gamma: must be a number"),
    "an int is no bool": ("common/deterministic", 1, "common.deterministic: must be of type bool, got 1"),
    "a float is no int": ("common/threads", 1.5, "common.threads: must be of type int, got 1.5"),
    "text for a list": (f"runs/{RWP}/test", "konvid1k/test", f"runs.{RWP}.test: must be a list, got 'konvid1k/test'"),
    "entry of a list": (
        f"runs/{RWP}/keep_epochs",
        [1, "2"],
        f"runs.{RWP}.keep_epochs[1]: must be of type int, got '2'",
    ),
    "list for a mapping": ("runs", [1], "runs: must be a mapping, got [1]"),
    "no such choice": ("common/released/weights", "em", "common.released: weights: 'em' is not one of ema, raw"),
    "no such device": ("common/device", "gpu", "common: device: 'gpu' is not one of auto, cpu, cuda"),
    "no thread": ("common/threads", 0, "common: threads and bootstrap must be at least 1"),
    "no such source": ("datasets/spaq/source", "web", "datasets.spaq: source: 'web' is not one of synthetic"),
    "misspelt method": (
        f"runs/{RWP}/method",
        "fastvq",
        f"runs.{RWP}.method: 'fastvq' is not defined (did you mean 'fastvqa'?)",
    ),
    "misspelt training set": (
        f"runs/{RWP}/train",
        "konvid",
        f"runs.{RWP}.train: 'konvid' is not defined (did you mean 'konvid1k'?)",
    ),
    "misspelt test set": (
        f"runs/{RWP}/test",
        ["konvid1/test"],
        f"runs.{RWP}.test: 'konvid1' is not defined (did you mean 'konvid1k'?)",
    ),
    "test set without split": (
        f"runs/{RWP}/test",
        ["konvid1k"],
        f"runs.{RWP}.test: 'konvid1k' must be dataset/split, for example konvid1k/test",
    ),
    "misspelt run of a table": (
        "tables/table03/rows/augmentation=AuA",
        "A06-fastvqa-konvid1k-au",
        "tables.table03.rows: 'A06-fastvqa-konvid1k-au' is not defined (did you mean 'A06-fastvqa-konvid1k-aua'?)",
    ),
    "misspelt run of a figure": (
        "figures/fig1a/run",
        "A01-fastvqa-konvid1k-bas",
        f"figures.fig1a.run: 'A01-fastvqa-konvid1k-bas' is not defined (did you mean '{BASE}'?)",
    ),
    "no such figure": ("figures/fig1a/kind", "bars", "figures.fig1a: kind: 'bars' is not one of curves"),
    "misspelt data set of a table": ("tables/table02/dataset", "konvid", "tables.table02.dataset: 'konvid' is not"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_are_refused_in_one_line_with_the_place(edited, case):
    place, value, message = WRONG[case]
    with pytest.raises(ParamsError) as error:
        load(edited(place, value))
    assert str(error.value).startswith(f"params.yaml: {message}")
    assert "\n" not in str(error.value)


def test_a_power_of_ten_without_a_point_gets_the_hint(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    assert "perturbation: rwp, gamma: 0.0001}" in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("perturbation: rwp, gamma: 0.0001}", "perturbation: rwp, gamma: 1e-4}"))
    with pytest.raises(ParamsError, match=rf"runs\.{RWP}\.gamma: must be a number \(write 0\.0001, not 1e-4\)"):
        load(path)


@pytest.mark.parametrize("text", ["runs: [", "a:\n\tb: 1\n", "", "just text\n"])
def test_a_file_that_is_no_mapping_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ParamsError, match=r"params\.yaml: (not valid YAML|must be a mapping)") as error:
        load(tmp_path / "params.yaml")
    assert "\n" not in str(error.value)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(ParamsError, match=r"cannot be read .*run from the folder of a scale"):
        load(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("augmentation", "autoaugmnt", "augmentation"),
        ("perturbation", "rpw", "perturbation: 'rpw' is not one of none, rwp, awp"),
        ("gamma", 0, "gamma"),
        ("gamma", -0.1, "gamma"),
        ("perturbation", "none", "gamma"),
    ],
)
def test_a_bad_regularizer_ends_the_train_stage_with_one_line(edited, monkeypatch, capsys, key, value, message):
    monkeypatch.chdir(edited(f"runs/{RWP}/{key}", value).parent)
    monkeypatch.setattr(sys, "argv", ["train", RWP])
    with pytest.raises(SystemExit) as stop:
        run_stage(train.main)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.count("\n") == 1
    assert message in error


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("epochs", 1.5, "params.yaml: methods.fastvqa.epochs: must be of type int, got 1.5"),
        ("epoch", 3, "params.yaml: methods.fastvqa: unknown key 'epoch' (did you mean 'epochs'?)"),
        ("sampling", {}, "params.yaml: methods.fastvqa.sampling: needs exactly the phases train, released, clean"),
    ],
)
def test_a_bad_method_block_names_its_place(params, key, value, message):
    with pytest.raises(ParamsError) as error:
        load_method("fastvqa", {**params.methods["fastvqa"], key: value}, params.runs[BASE])
    assert str(error.value).startswith(message)


def test_an_unknown_method_lists_the_known_ones(params):
    with pytest.raises(ParamsError, match=r"methods\.fastvq: there is no such method; known are .*fastvqa"):
        load_method("fastvq", {}, params.runs[BASE])


# --- the strict reader itself


@dataclass(frozen=True)
class Small:
    size: tuple[int, int]
    rate: float
    note: str | None = None
    table: dict[str, float] | None = None


def test_build_converts_lists_and_numbers_and_keeps_defaults():
    assert build(Small, {"size": [1, 2], "rate": 3, "table": {"a": 1}}, "here") == Small((1, 2), 3.0, None, {"a": 1.0})
    assert isinstance(build(Small, {"size": [1, 2], "rate": 3}, "here").rate, float)
    assert build(Small, {"size": [1, 2], "rate": 3, "note": None}, "here").note is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"size": [1], "rate": 1}, r"here: size: must be a list of 2, got \[1\]"),
        ({"size": [1, True], "rate": 1}, r"here: size\[1\]: must be of type int, got True"),
        ({"size": [1, 2], "rate": None}, "here: rate: must be a number"),
        ({"size": [1, 2], "rate": 1, "note": 5}, "here: note: must be of type str, got 5"),
        ({"size": [1, 2], "rate": 1, "table": {"a": "b"}}, "here: table.a: must be a number"),
        ({"size": [1, 2], "rate": 1, "zzz": 1}, r"here: unknown key 'zzz'$"),
    ],
)
def test_build_refuses(value, message):
    with pytest.raises(ParamsError, match=f"^{message}"):
        build(Small, value, "here")
