"""The perceptron on published features: what it reads, its standardisation, its training, its blocks of params."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import BLOCKS, CPU, FEATURES, finished, make, open_dataset, same, same_tensors, trainer, tuned, write_dataset

from vqa.data.items import Cut, Part, PreparedDataset
from vqa.io import InputError
from vqa.landscape.curves import LandscapeConfig
from vqa.landscape.measure import fixed_losses, measure_curves
from vqa.methods import load_method, method_module
from vqa.methods.base import PHASES, Fitted
from vqa.models.mlp import FeatureVQA, Standardise
from vqa.optim.perturb import WeightPerturbation
from vqa.rng import torch_generator
from vqa.settings.params import Run
from vqa.settings.strict import ParamsError
from vqa.training.clips import ClipDataset, Loader
from vqa.training.predict import clean_predictions

AWP = WeightPerturbation(0.01, "gradient")
RUN = Run("features_a", "initial/features_a.safetensors", "prepared/tiny", "tiny", ("tiny/test",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_dataset(tmp_path, train=40, test=16, n_frames=1)
    return tmp_path


@pytest.fixture
def data(folder: Path) -> PreparedDataset:
    return open_dataset(folder)


def table(folder: Path) -> np.ndarray:
    return np.load(folder / "prepared" / "tiny" / "features" / "tiny.npy")


# --- what it reads


@pytest.mark.parametrize("cut", [None, Cut(7, 0.6)])
def test_features_follow_the_row_of_the_item_in_every_phase(folder, data, cut):
    for split in ("train", "test", "all"):
        part = Part(data, split, cut)
        for phase in PHASES:
            clips = ClipDataset(part, make("features"), phase, 3)
            for position, item in enumerate(part.items):
                inputs, mos, _ = clips[2, position]
                assert inputs.dtype == torch.float32
                np.testing.assert_array_equal(inputs, table(folder)[int(item.name[:2])])
                assert mos == item.mos


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: x[:-1], "not float32 rows for the present item list; prepare tiny again"),
        (lambda x: x.astype(np.float64), "not float32 rows for the present item list; prepare tiny again"),
        (lambda x: x[:, 0], "not float32 rows for the present item list; prepare tiny again"),
        (lambda x: np.where(x == x[3, 2], np.nan, x), "has numbers that are not finite; prepare tiny again"),
        (lambda x: np.where(x == x[3, 2], np.float32(np.inf), x), "has numbers that are not finite; prepare tiny"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(folder, data, wrong, message):
    np.save(folder / "prepared" / "tiny" / "features" / "bad.npy", wrong(table(folder)))
    with pytest.raises(InputError, match=rf"features/bad.npy: {message}"):
        data.features(data.items("all")[0], "bad")


def test_a_missing_set_is_named_with_those_there_are(data):
    with pytest.raises(InputError, match=r"^tiny: no features videval; there are tiny, slowfast; "):
        data.features(data.items("all")[0], "videval")


def test_another_number_of_features_is_refused_in_one_line(data, tmp_path):
    message = r"^\d+.mp4: the set tiny has 6 features, the method's channels in params.yaml are 7$"
    with pytest.raises(InputError, match=message):
        trainer(data, make("features", {"channels": 7}), tmp_path)


# --- standardisation


def test_features_are_standardised_by_mean_and_deviation_up_to_the_limit():
    rows = np.random.default_rng(1).normal(size=(50, 4)) * [1e-6, 1, 1e6, 0] + [0, 1e3, -1e7, 3.3]
    layer = Standardise(4, limit=1.5)
    assert torch.equal(layer(torch.full((1, 4), 9.0)), torch.full((1, 4), 1.5)), "0 and 1 before it is fitted"
    features = torch.from_numpy(rows).float()
    layer.fit(features)
    rounded = features.numpy().astype(np.float64)
    expected = np.clip((rounded - rounded.mean(0)) / np.where(rounded.std(0) < 1e-9, 1, rounded.std(0)), -1.5, 1.5)
    np.testing.assert_allclose(layer(features), expected, atol=2e-3)  # float32 of 1e3 with a deviation of 1
    assert expected.max() == 1.5
    assert not list(layer.parameters()), "nothing of it is trained, decayed or perturbed"


def test_it_knows_the_training_items_and_no_others(folder, data, tmp_path):
    for cut in (None, Cut(5, 0.5)):
        rows = [item.row for item in Part(data, "train", cut).items]
        layer = trainer(data, make("features"), tmp_path, cut=cut).model.standardise
        np.testing.assert_allclose(layer.mean, table(folder)[rows].mean(0, dtype=np.float64), rtol=1e-6)
        np.testing.assert_allclose(layer.std, table(folder)[rows].std(0, dtype=np.float64), rtol=1e-6)


def test_test_items_do_not_reach_the_weights(folder, data, tmp_path):
    before = finished(data, make("features"), tmp_path / "before")
    changed = table(folder)
    changed[[item.row for item in Part(data, "test").items]] *= -100
    np.save(folder / "prepared" / "tiny" / "features" / "tiny.npy", changed)
    after = finished(open_dataset(folder), make("features"), tmp_path / "after")
    assert same_tensors(before.model.state_dict(), after.model.state_dict())
    assert same_tensors(before.ema.module.state_dict(), after.ema.module.state_dict())
    assert not before.predictions.equals(after.predictions)


def test_the_constants_are_kept_with_the_weights_and_by_a_fine_tuning(folder, data, tmp_path):
    method = make("features")
    run = finished(data, method, tmp_path / "parent")
    again = method.build(torch_generator("init", 9))
    again.load_state_dict(run.ema.module.state_dict())
    models, parts = (run.ema.module, again), [Part(data, "test")]
    scores = [clean_predictions(model, method, parts, 2, 3, Loader(), CPU).prediction.tolist() for model in models]
    assert scores[0] == scores[1]
    child = trainer(data, tuned("features"), tmp_path / "child", initial=run.model.state_dict(), cut=Cut(5, 0.3))
    assert torch.equal(child.model.standardise.mean, run.model.standardise.mean)
    own = trainer(data, method, tmp_path / "own", cut=Cut(5, 0.3))
    assert not torch.equal(own.model.standardise.mean, run.model.standardise.mean)


def test_the_method_is_one_that_is_fitted_to_its_training_items():
    assert isinstance(make("features"), Fitted)


# --- network and training


def test_the_network_is_hidden_layers_of_gelu_and_a_linear_head():
    model = FeatureVQA(3, (5, 4), 0.5, 2.0).eval()
    names = [name for name, _ in model.named_parameters()]
    assert [n for n in names if "backbone" not in n] == ["vqa_head.weight", "vqa_head.bias"]
    assert [tuple(p.shape) for n, p in model.named_parameters() if "weight" in n] == [(5, 3), (4, 5), (1, 4)]
    x = torch.tensor([[0.5, -3.0, 1.0]])
    hidden = x.clamp(-2, 2)
    for layer in model.feature_backbone:
        z = hidden @ layer.weight.T + layer.bias
        hidden = z * 0.5 * (1 + torch.erf(z / 2**0.5))
    expected = hidden @ model.vqa_head.weight.T + model.vqa_head.bias
    torch.testing.assert_close(model(x), expected[0])


def test_it_learns_what_the_features_say(data, tmp_path):
    run = finished(data, make("features", {"epochs": 15, "hidden": [16], "dropout": 0.0}), tmp_path)
    assert run.curve[run.curve.dataset == "tiny/test"].test_srcc_ema.iloc[-1] > 0.75
    assert run.curve.loss.iloc[-1] < run.curve.loss.iloc[0] / 2


def test_awp_changes_the_training_and_spares_the_constants(data, tmp_path):
    plain = finished(data, make("features"), tmp_path / "plain")
    perturbed = finished(data, make("features"), tmp_path / "awp", perturbation=AWP)
    assert not same(plain, perturbed)
    assert torch.equal(plain.model.standardise.std, perturbed.model.standardise.std)


def test_frozen_epochs_move_the_head_alone(data, tmp_path):
    method = tuned("features", {"finetune": {"frozen_epochs": 2, "epochs": 0}})
    run = trainer(data, method, tmp_path)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.run((), tmp_path)
    moved = {name for name, value in run.model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"vqa_head.weight", "vqa_head.bias"}


def test_its_landscape_is_measured_with_the_constants_in_place(data, tmp_path):
    method = make("features")
    model = finished(data, method, tmp_path).ema.module
    losses = fixed_losses(method, [Part(data, "train")], 0, 3, Loader(), CPU)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    lines = measure_curves(model, losses, LandscapeConfig(points=3, directions=2), 3)
    assert lines.loss.nunique() == 5, "two directions share the middle"
    assert same_tensors(model.state_dict(), before)


# --- blocks of params


def test_several_blocks_are_read_by_one_module():
    block = {"module": "features", **BLOCKS["features"]}
    assert method_module("features_a", block) == "vqa.methods.features"
    first, second = (load_method("features_a", {**block, "features": name}, RUN) for name in ("a", "b"))
    assert (first.config.features, second.config.features) == ("a", "b")
    read = SimpleNamespace(features=lambda name: np.full(FEATURES, len(name), np.float32))
    assert second.sample(None, read, "clean", None).tolist() == [1.0] * FEATURES


@pytest.mark.parametrize(
    ("change", "run", "message"),
    [
        (
            {"module": "feature"},
            {},
            "methods.features_a: there is no such method; known are bvqa2022, dover, dsdpro, fastvqa, features",
        ),
        ({"hidden": []}, {}, "methods.features_a: channels and hidden must be positive, with at least one hidden"),
        ({"channels": 0}, {}, "methods.features_a: channels and hidden must be positive"),
        ({"limit": 0}, {}, "methods.features_a: limit: 0.0 must be positive"),
        ({"patch": 4}, {}, "methods.features_a: unknown key 'patch'"),
        ({}, {"augmentation": "autoaugment"}, "methods.features_a: augmentation 'autoaugment' is for pictures"),
    ],
)
def test_a_block_that_does_not_fit_is_refused_in_one_line(change, run, message):
    block = {"module": "features", **BLOCKS["features"], **change}
    with pytest.raises(ParamsError, match=f"^params.yaml: {message}"):
        load_method("features_a", block, Run(**{**vars(RUN), **run}))
