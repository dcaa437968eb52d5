"""params.yaml: what is committed is the experiment matrix; what is wrong is refused in one line with its place."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from project import ROOT

from stages import train
from vqa.io import run_stage
from vqa.methods import load_method
from vqa.settings.params import Params, load
from vqa.settings.strict import ParamsError, build

BASE = "A01-fastvqa-konvid1k-base"
RWP = "A11-fastvqa-konvid1k-rwp1e-4"
TUNED = "E01-fastvqa-konvid1k-tuned"


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


def test_fine_tuning_is_perturbed_like_its_parent_only_if_params_say_so(params, edited):
    tuned = "E02-fastvqa-konvid1k-tuned-awp"
    assert params.perturbation(params.runs[tuned]) == ("none", 0.0)
    other = load(edited("common/perturbing/fine_tuning", "as_parent"))
    assert other.perturbation(other.runs[tuned]) == ("awp", 0.0001)
    assert other.perturbation(other.runs["E01-fastvqa-konvid1k-tuned"]) == ("none", 0.0)


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
    "no such source": ("datasets/spaq/source", "web", "datasets.spaq: source: 'web' is not one of synthetic, provided"),
    "not a number": (f"runs/{RWP}/gamma", float("nan"), f"runs.{RWP}.gamma: must be a finite number, got nan"),
    "name that is a number": ("runs", {2024: {}}, "runs: names must be text, got 2024"),
    "name of digits": ("figures", {"2024": {}}, "figures: the name '2024' must begin with a letter and have letters, "),
    "name that MLflow refuses": (
        "datasets/konvid1k+livevqc",
        {"title": "both", "source": "own", "bad_files": "stop", "frame_store": True},
        "datasets: the name 'konvid1k+livevqc' must begin with a letter and have letters, digits, - and _",
    ),
    "name that DVC steps down into": ("methods/fast.vqa", {}, "methods: the name 'fast.vqa' must begin"),
    "name with a blank": ("regressions/a b", {}, "regressions: the name 'a b' must begin"),
    "name with a line break": ("published/a\n", {}, "published: the name 'a\\n' must begin"),
    "name that is too long": ("quotable/" + "a" * 81, {}, "quotable: the name 'aaa"),
    "name of two rows": (f"quotable/{RWP}", {}, f"quotable: '{RWP}' stands under runs too; give it another name"),
    "split that MLflow refuses": (
        f"runs/{RWP}/test",
        ["konvid1k/a+b"],
        f"runs.{RWP}.test: the split 'a+b' must have letters, digits, - and _",
    ),
    "scale that is no file": ("common/scale", "a/b", "common: scale: 'a/b' is not a name that a file can have"),
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
        ["A06-fastvqa-konvid1k-au"],
        "tables.table03.rows: 'A06-fastvqa-konvid1k-au' is not defined (did you mean 'A06-fastvqa-konvid1k-aua'?)",
    ),
    "misspelt run of a landscape": (
        "landscapes/A01-fastvqa-konvid1k-bas",
        {},
        f"landscapes: 'A01-fastvqa-konvid1k-bas' is not defined (did you mean '{BASE}'?)",
    ),
    "initial weights of another method": (
        f"runs/{RWP}/init",
        "initial/sama.safetensors",
        f"runs.{RWP}.init: must be initial/fastvqa.safetensors or a file in runs/RUN/weights",
    ),
    "parent that is not there": (
        f"runs/{TUNED}/init",
        "runs/D03/weights/last_ema.safetensors",
        f"runs.{TUNED}.init: 'D03' is not defined",
    ),
    "parent of another method": (
        f"runs/{TUNED}/init",
        "runs/D08-sama-lsvq-base/weights/last_ema.safetensors",
        f"runs.{TUNED}.init: D08-sama-lsvq-base is of another method",
    ),
    "parent below": (
        f"runs/{RWP}/init",
        f"runs/{TUNED}/weights/last_ema.safetensors",
        f"runs.{RWP}.init: {TUNED} must stand above the run that starts from it",
    ),
    "itself as parent": (
        f"runs/{TUNED}/init",
        f"runs/{TUNED}/weights/last_ema.safetensors",
        f"runs.{TUNED}.init: {TUNED} must stand above the run that starts from it",
    ),
    "parent with several cuts": (
        "runs/F02-sama_iqa-koniq10k-awp1e-4/init",
        "runs/F01-sama_iqa-koniq10k-base/weights/last_ema.safetensors",
        "runs.F02-sama_iqa-koniq10k-awp1e-4.init: F01-sama_iqa-koniq10k-base has several cuts; name one, ",
    ),
    "parent with several seeds": (
        "runs/D03-fastvqa-lsvq-base/seeds",
        [42, 43],
        f"runs.{TUNED}.init: D03-fastvqa-lsvq-base has not one training of every seed; name a file of its weights",
    ),
    "one file of a parent with several seeds": (
        f"runs/{TUNED}/init",
        "runs/D03-fastvqa-lsvq-base/weights/last_ema.safetensors",
        f"runs.{TUNED}.init: D03-fastvqa-lsvq-base has several trainings; name one, ",
    ),
    "another folder of a parent": (
        f"runs/{TUNED}/init",
        "runs/D03-fastvqa-lsvq-base/weights/42-0",
        f"runs.{TUNED}.init: must be runs/D03-fastvqa-lsvq-base/weights or a file in it",
    ),
    "same seed twice": (f"runs/{RWP}/seeds", [1, 1], f"runs.{RWP}: seeds must be different numbers, none of them neg"),
    "negative seed": (f"runs/{RWP}/seeds", [-1], f"runs.{RWP}: seeds must be different numbers, none of them negative"),
    "data of another set": (
        f"runs/{RWP}/data",
        "prepared/livevqc",
        f"runs.{RWP}.data: its train and test sets need prepared/konvid1k or features/slowfast/konvid1k or ",
    ),
    "data of one set for several": (
        "runs/D03-fastvqa-lsvq-base/data",
        "prepared/lsvq",
        "runs.D03-fastvqa-lsvq-base.data: its train and test sets need zero_shot/prepared.json or",
    ),
    "test set that zero_shot leaves out": (
        "runs/D03-fastvqa-lsvq-base/test",
        ["lsvq/test", "youtubeugc/test"],
        "runs.D03-fastvqa-lsvq-base.test: zero_shot: 'youtubeugc' is not defined",
    ),
    "unknown data set in zero_shot": ("zero_shot", ["lsvq", "konvid"], "zero_shot: 'konvid' is not defined"),
    "extraction from an unknown data set": (
        "extractions/slowfast-lsvq/dataset",
        "konvid",
        "extractions.slowfast-lsvq.dataset: 'konvid' is not defined",
    ),
    "extraction by an unknown extractor": (
        "extractions/slowfast-lsvq/extractor",
        "fastslow",
        "extractions.slowfast-lsvq.extractor: 'fastslow' is not defined",
    ),
    "same cut twice": (
        f"runs/{TUNED}/partition",
        {"seeds": [42, 42], "train_share": 0.8},
        f"runs.{TUNED}.partition: seeds must be different positive numbers, at least one",
    ),
    "nothing left to test": (
        f"runs/{TUNED}/partition",
        {"seeds": [42], "train_share": 1},
        f"runs.{TUNED}.partition: train_share: 1.0 is not between 0 and 1",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_are_refused_in_one_line_with_the_place(edited, case):
    place, value, message = WRONG[case]
    with pytest.raises(ParamsError) as error:
        load(edited(place, value))
    assert str(error.value).startswith(f"params.yaml: {message}")
    assert "\n" not in str(error.value)


def test_a_power_of_ten_without_a_point_gets_the_hint(tmp_path):
    text, row = (ROOT / "params.yaml").read_text(), f"{RWP}: {{<<: [*fastvqa, *konvid1k], perturbation: rwp, gamma: "
    assert f"{row}0.0001}}" in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(f"{row}0.0001}}", f"{row}1e-4}}"))
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
