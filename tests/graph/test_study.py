"""The study scale: the demo's world, networks and rows, with more trainings and larger test sets, and nothing else."""

import dataclasses

import pytest
import yaml
from project import ROOT

from vqa.settings.params import Params, load

SEEDS = (42, 43, 44, 45, 46)


@pytest.fixture(scope="module")
def demo() -> Params:
    return load(ROOT / "params.yaml")


@pytest.fixture(scope="module")
def study() -> Params:
    return load(ROOT / "study" / "params.yaml")


def test_it_differs_from_the_demo_in_its_trainings_alone(demo, study):
    changed = {"root", "common", "runs", "shared"}
    for field in dataclasses.fields(Params):
        if field.name not in changed:
            assert getattr(study, field.name) == getattr(demo, field.name), field.name
    assert study.common == dataclasses.replace(demo.common, scale="study")
    assert list(study.runs) == list(demo.runs)
    for name, run in study.runs.items():
        other = demo.runs[name]
        assert run == dataclasses.replace(other, seeds=run.seeds, partition=run.partition), name
        assert (run.partition is None) == (other.partition is None), name


def test_every_row_is_trained_five_times(study):
    for name, run in study.runs.items():
        cuts = run.partition.seeds if run.partition else (0,)
        assert len(cuts) * len(run.seeds or (0,)) == 5, name
        assert run.seeds in ((), SEEDS), name


def test_its_world_is_the_demos_and_every_test_set_has_about_a_thousand_items(study):
    worlds = [yaml.safe_load((ROOT / folder / "sources.yaml").read_text()) for folder in (".", "study")]
    for name, block in worlds[1].items():
        assert {**worlds[0][name], "splits": block["splits"]} == block, name
        assert {size for split, size in block["splits"].items() if split != "train"} == {1000}, name
    for name, run in study.runs.items():
        if run.partition:
            items = sum(worlds[1][run.train]["splits"].values())
            assert abs(items * (1 - run.partition.train_share) - 1000) < 10, name
