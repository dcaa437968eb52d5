"""Hours of GPU of the paper scale, against what its runs do counted by hand."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from project import ROOT

from vqa.bench import hours
from vqa.cli.app import run
from vqa.io import InputError
from vqa.settings.params import Params, load

KEPT = ROOT / "reports" / "benchmarks" / "NVIDIA_H100_80GB_HBM3.csv"
ROWS = {"step, none": (16, 160), "step, rwp": (16, 320), "step, awp": (16, 480), "inference": (16, 32)}


@pytest.fixture(scope="module")
def paper() -> Params:
    return load(ROOT / "paper" / "params.yaml")


def table(*methods: str, precision: str = "bf16") -> pd.DataFrame:
    """A clip takes 10 ms in a plain step, 20 and 30 in a perturbed one, 2 alone and 1 in a landscape."""
    measured = {**ROWS, "landscape point": (160, 160)}
    rows = [(method, precision, what, *numbers) for method in methods for what, numbers in measured.items()]
    return pd.DataFrame(rows, columns=["method", "precision", "what", "items", "ms"])


def of(paper: Params, name: str) -> pd.Series:
    found, _ = hours.hours(paper, table("fastvqa", "sama_iqa", "simplevqa"), "bf16", 2.0)
    return found.set_index("run").loc[name]


def test_a_plain_training_with_its_tests_its_clean_protocol_and_its_landscape(paper):
    does = hours.work(paper, "A01-fastvqa-konvid1k-base")
    assert (does.trainings, does.steps, does.batch) == (1, 30 * 60, 16)
    assert does.tested == 30 * 240 * 4 * 2, "four clips of 240 videos, averaged and raw weights"
    assert does.clean == (960 + 240) * 4
    assert does.loaded == 30 * 960 + 30 * 240 * 4 + 1200 * 4
    # Of five weights: 51 points along 10 directions, 2 for curvature, 4 around the worst rise. And one surface.
    assert does.passed == 5 * (53 * 10 + 4) * (960 + 240) + 25 * 25 * 960
    assert does.ascended == 5 * 3 * (60 + 15)
    assert does.products == 100 * 60
    row = of(paper, "A01-fastvqa-konvid1k-base")
    assert row.training == pytest.approx(1800 * 160 / 3.6e6)
    assert row.tests == pytest.approx(57600 * 2 / 3.6e6)
    assert row.clean == pytest.approx(4800 * 2 / 3.6e6)
    assert row.landscape == pytest.approx((does.passed * 1 + 1125 * 160) / 3.6e6)
    assert row.hessian == pytest.approx(6000 * 2 * 160 / 3.6e6)
    assert row.hours == pytest.approx(row[list(hours.KINDS)].sum())
    assert row.cost == pytest.approx(2 * row.hours)


def test_perturbed_steps_fine_tuning_and_batches_left_out(paper):
    assert of(paper, "A15-fastvqa-konvid1k-awp1e-4").training == pytest.approx(1800 * 480 / 3.6e6)
    assert of(paper, "A10-fastvqa-konvid1k-rwp1e-3").training == pytest.approx(1800 * 320 / 3.6e6)
    # Of 585 videos 468 train: 29.25 batches of 16, and 10 epochs before the 20 of the fine-tuning.
    assert hours.work(paper, "E04-fastvqa-livevqc-tuned-awp").steps == 30 * 30
    assert of(paper, "E04-fastvqa-livevqc-tuned-awp").training == pytest.approx(900 * 160 / 3.6e6), "not perturbed"
    does = hours.work(paper, "E11-sama-youtubeugc-tuned")
    assert (does.steps, does.batch) == (30 * (832 // 12), 12)
    assert does.loaded == 30 * 69 * 12 + 30 * 208 * 4 + 1040 * 4
    as_parent = dataclasses.replace(paper.common.perturbing, fine_tuning="as_parent")
    changed = dataclasses.replace(paper, common=dataclasses.replace(paper.common, perturbing=as_parent))
    assert of(changed, "E04-fastvqa-livevqc-tuned-awp").training == pytest.approx(900 * 480 / 3.6e6)


def test_several_test_sets_many_cuts_and_videos_of_more_key_frames(paper):
    does = hours.work(paper, "D03-fastvqa-lsvq-base")
    assert does.steps == 30 * 1754
    assert does.tested == 30 * (7186 + 3573 + 1200 + 585) * 4 * 2
    assert (does.passed, does.ascended, does.products) == (0, 0, 0)
    does = hours.work(paper, "F01-sama_iqa-koniq10k-base")
    assert (does.trainings, does.steps) == (10, 10 * 50 * 126)
    assert does.tested == 10 * 50 * 2015 * 2
    # SimpleVQA has no averaged weights; the bench's videos have 8 key frames, those of YouTube-UGC 20.
    assert hours.work(paper, "C01-simplevqa-konvid1k-base").tested == 10 * 240
    does = hours.work(paper, "E16-simplevqa-youtubeugc-base")
    assert does.steps == 10 * 104
    assert does.tested == 10 * 208 * 20 / 8


def test_a_network_that_was_not_measured_is_another_s_or_left_out(paper):
    found, said = hours.hours(paper, table("fastvqa"), "bf16", 2.5)
    assert set(found.method) == {"fastvqa", "sama"}
    assert said[0] == "sama: was not measured; it has the network of fastvqa, whose times are taken"
    assert "simplevqa: not measured, left out: C01, D01, D02, E13, E14, E15, E16, E17" in said
    assert any(line.startswith("quality: ") for line in said), "SimpleVQA's backbone, but for other sizes"
    row = found.set_index("run").loc["C02-sama-konvid1k-base"]
    assert row.training == pytest.approx(30 * 80 * 12 * 10 / 3.6e6), "batches of 12, not of 16"
    cut = table("fastvqa").query("what != 'step, rwp'")
    assert hours.hours(paper, cut, "bf16", 2.5)[0].empty
    assert hours.hours(paper, table("fastvqa"), "fp32", 2.5)[0].empty


def test_sums_by_method_and_training_set(paper):
    runs, _ = hours.hours(paper, table("fastvqa"), "bf16", 2.5)
    groups = hours.by_group(runs).set_index(["method", "train"])
    assert groups.runs["fastvqa", "KoNViD-1k"] == 18
    chosen = runs[(runs.method == "fastvqa") & (runs.train == "KoNViD-1k")]
    assert groups.hours["fastvqa", "KoNViD-1k"] == pytest.approx(chosen.hours.sum())
    assert groups.cost["all", ""] == pytest.approx(runs.cost.sum())
    assert groups.steps["all", ""] == runs.steps.sum()


def test_data_that_are_made_have_no_published_number(paper):
    with pytest.raises(InputError, match=r"datasets.konvid1k: how many items a synthetic data set has is not known"):
        hours.work(load(ROOT / "params.yaml"), "A01-fastvqa-konvid1k-base")


def test_the_command_prints_every_precision_of_a_kept_table(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert run(["bench", "--hours", str(KEPT), "--price", "4"]) == 0
    said = capsys.readouterr().out
    assert "GPU hours of the scale paper in bf16, at 4 USD for one (--price)" in said
    assert "GPU hours of the scale paper in fp32" in said
    assert "- fastvqa: not measured, left out: A01, A02" in said, "in fp32"
    assert said.count("| all ") == 2


@pytest.mark.parametrize(("text", "message"), [(None, "cannot be read"), ("a,b\n1,2\n", "no column 'items'")])
def test_what_is_no_kept_table_is_refused(tmp_path: Path, monkeypatch, text, message):
    monkeypatch.chdir(ROOT)
    file = tmp_path / "table.csv"
    if text:
        file.write_text(text)
    with pytest.raises(InputError, match=message):
        run(["bench", "--hours", str(file)])
