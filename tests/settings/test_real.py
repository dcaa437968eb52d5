"""Parameters of the real scale: they load, its sweeps are those of the experiment matrix, each with ten seeds."""

import pytest
from project import ROOT

from vqa.landscape.config import read_blocks
from vqa.methods import load_method, method_module
from vqa.report.figures.figure import read_figures
from vqa.settings.params import Params, Run, load
from vqa.training.protocol import trainings


@pytest.fixture(scope="module")
def real() -> Params:
    return load(ROOT / "real" / "params.yaml")


@pytest.fixture(scope="module")
def demo() -> Params:
    return load(ROOT / "params.yaml")


def regularizer(run: Run) -> tuple:
    return run.train, run.weight_decay, run.augmentation, run.perturbation, run.gamma


def test_every_block_of_a_method_is_used_and_read_by_the_features_module(real):
    assert {run.method for run in real.runs.values()} == set(real.methods)
    for name, block in real.methods.items():
        assert method_module(name, block) == "vqa.methods.features"
    for run in real.runs.values():
        method = load_method(run.method, real.methods[run.method], run)
        assert run.method == f"features_{method.config.features}"


def test_blocks_that_later_stages_read_fit(real):
    measuring, _ = read_blocks(real)
    assert real.statistics["rise_at"] in measuring.rise_at
    read_figures(real)
    for name, row in real.landscapes.items():
        epochs = [int(file.split("_")[1]) for file in row["weights"] if file.startswith("epoch")]
        assert set(epochs) <= set(real.runs[name].keep_epochs)


def test_every_run_has_ten_seeds_that_begin_with_the_common_one(real):
    for run in real.runs.values():
        seeds = [training.seed for training in trainings(run, real.common.seed)]
        assert len(seeds) == 10
        assert seeds[0] == real.common.seed


def test_sweeps_are_those_of_fastvqa_in_the_other_scales(real, demo):
    names = {name.partition("-")[0]: name for name in demo.runs}
    sweeps = [name for name in real.runs if name[0] in "AB"]
    for name in sweeps:
        assert regularizer(real.runs[name]) == regularizer(demo.runs[names[name.partition("-")[0]]])
    stand_ins = {name: table for name, table in real.tables.items() if table.stand_in}
    assert {row for table in stand_ins.values() for runs in table.rows.values() for row in runs} == set(sweeps)
    for name, table in stand_ins.items():
        ids = {row: [run.partition("-")[0] for run in runs] for row, runs in table.rows.items()}
        assert ids == {row: [run.partition("-")[0] for run in runs] for row, runs in demo.tables[name].rows.items()}


def test_every_run_is_in_a_table(real):
    tabulated = {
        run
        for table in real.tables.values()
        for row in (table.rows, table.added)
        for runs in row.values()
        for run in runs
    }
    assert set(real.runs) | set(real.regressions) | set(real.quotable) == tabulated


def test_cross_runs_are_tested_on_all_items_of_the_data_sets_they_did_not_see(real):
    cross = [run for name, run in real.runs.items() if name.startswith("D")]
    assert {run.train for run in cross} == set(real.datasets)
    for run in cross:
        unseen = {f"{name}/all" for name in real.datasets if name != run.train}
        assert set(run.test) == {f"{run.train}/test", *unseen}
    assert {regularizer(run)[3:] for run in cross} == {("none", 0.0), ("awp", 0.0001), ("awp", 0.01)}
    for name, gamma in (("tableA", 0.0001), ("tableB", 0.01)):
        rows = {row: real.runs[run] for row, (run,) in real.tables[name].added.items()}
        for row, run in rows.items():
            assert row.removesuffix("+AWP") == f"Trained on {real.datasets[run.train].title}"
            assert run.gamma == (gamma if row.endswith("+AWP") else 0.0)
        assert len(rows) == 6


def test_the_graph_is_that_of_the_other_scales():
    for name in ("dvc.yaml", "sources.yaml"):
        assert (ROOT / "real" / name).resolve() == ROOT / name
