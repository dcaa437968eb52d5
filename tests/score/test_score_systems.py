"""Scores of files by the systems of Tables 6 and 7, whose extractors look at the files themselves."""

import copy

import numpy as np
import pytest
import yaml
from clips import write_video
from project import ROOT
from tiny import CPU

from vqa.extract import load_extractor
from vqa.extract.base import Extractor
from vqa.extract.networks import load_networks
from vqa.methods import load_method
from vqa.rng import torch_generator
from vqa.score.scorer import Scorer
from vqa.settings.params import Run

BLOCKS = yaml.safe_load((ROOT / "params.yaml").read_text())


def extractor(name: str) -> Extractor:
    block = copy.deepcopy(BLOCKS["extractors"][name])
    made = load_extractor(name, {**block, **({"spatial_initial": "seed"} if name == "bvqa2022" else {})})
    load_networks(made, name, 1, {}, CPU)
    return made


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("scored") / "a.mp4"
    pixels = np.random.default_rng(5).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    write_video(path, pixels.repeat(8, 1).repeat(8, 2))
    return str(path)


@pytest.mark.parametrize("name", ["dover", "zoomvqa", "vsfa", "bvqa2022", "pvq", "dsdpro"])
def test_a_file_gets_a_score(video: str, name: str) -> None:
    row = {"init": f"initial/{name}.safetensors", "data": "prepared/tiny", "train": "tiny", "test": ("tiny/test",)}
    method = load_method(name, copy.deepcopy(BLOCKS["methods"][name]), Run(method=name, **row))
    model = method.build(torch_generator("init", 1)).eval()
    asked: list[str] = []

    def making(one: str) -> Extractor:
        asked.append(one)
        return extractor(one)

    describe = {one: lambda one=one: making(one) for one in BLOCKS["extractors"]}
    result = Scorer(model, method, CPU, describe=describe).score(video)
    assert (result.status, result.reason) == ("ok", "")
    assert result.score is not None
    assert asked == ([] if name in ("dover", "zoomvqa") else [name]), "no other extractor is loaded"
    assert Scorer(model, method, CPU, describe=describe).score(video).score == result.score
