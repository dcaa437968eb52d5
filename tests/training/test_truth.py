"""The demo's own answer key: a model trained by the demo recipe finds the true order of quality."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from project import ROOT
from scipy import stats

from vqa.data.items import Part, PreparedDataset
from vqa.data.prepare import prepare
from vqa.data.synthetic.build import build
from vqa.data.synthetic.spec import SyntheticSpec
from vqa.methods import load_method
from vqa.optim.perturb import NoPerturbation
from vqa.rng import torch_generator
from vqa.settings.params import load, load_source
from vqa.training.clips import Loader
from vqa.training.predict import clean_predictions
from vqa.training.train import Trainer


@pytest.mark.slow
def test_scores_of_a_trained_model_follow_the_true_quality(tmp_path: Path) -> None:
    """Half of the demo's KoNViD-1k, the demo's network and recipe; the truth is never shown to the training."""
    params = load(ROOT / "params.yaml")
    spec = SyntheticSpec.from_dict("konvid1k", load_source("konvid1k", ROOT / "sources.yaml"))
    spec = dataclasses.replace(spec, splits={"train": 120, "test": 50}, odd={})
    build(spec, tmp_path / "konvid1k", seed=7, jobs=2)
    prepare(tmp_path / "konvid1k", tmp_path / "prepared" / "konvid1k", "stop", frame_store=True)
    data = PreparedDataset(tmp_path / "prepared" / "konvid1k", tmp_path / "konvid1k")
    run = params.runs["A01-fastvqa-konvid1k-base"]
    method = load_method(run.method, params.methods[run.method], run)
    method.epochs = 16  # half of the items, so a few more passes
    cpu = torch.device("cpu")
    train, test = Part(data, "train"), Part(data, "test")
    initial = method.build(torch_generator("init", 7)).state_dict()
    trainer = Trainer(method, initial, NoPerturbation(), train, [test], 7, Loader(), cpu, tmp_path / "state.pt")
    trainer.run((), tmp_path)
    predictions = clean_predictions(trainer.ema.module, method, [test], method.epochs, 7, Loader(), cpu)

    truth = pd.read_csv(tmp_path / "konvid1k" / "truth.csv").set_index("name").loc[predictions.item]
    found = stats.spearmanr(predictions.prediction, truth.quality)
    rated = stats.spearmanr(predictions.mos, truth.quality).statistic
    assert rated > 0.85, "the simulated raters agree with the truth"
    assert found.statistic > 0.5
    assert found.pvalue < 1e-3
    from_worst = predictions.prediction.to_numpy()[np.argsort(truth.quality.to_numpy())]
    worst, best = from_worst[:12], from_worst[-12:]
    assert np.mean(best[:, None] > worst[None, :]) > 0.85, "clearly good and clearly bad videos are told apart"
