"""The fast pathway by itself, the names of its published weights, and pooling over positions."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from vqa.io import InputError
from vqa.models.caffe2 import read_caffe2, slowfast_from_caffe2
from vqa.models.fast_pathway import FastPathway, FastPathwayConfig
from vqa.models.init import initialise
from vqa.models.pooled import mean_and_deviation
from vqa.models.slowfast import SlowFast, SlowFastConfig
from vqa.rng import torch_generator

DEPTHS = (1, 2, 1, 1)
NORM = {"s": "weight", "b": "bias", "rm": "running_mean", "riv": "running_var"}


def test_it_is_the_fast_half_of_the_whole_network() -> None:
    whole = SlowFast(SlowFastConfig(width=8, fast_width=2, depths=DEPTHS, frames=8, input_size=64)).eval()
    initialise(whole, torch_generator("init", 1), linear_std=None, convolutions="kaiming")
    fast = FastPathway(FastPathwayConfig(width=2, depths=DEPTHS)).eval()
    state = {key: value for key, value in whole.state_dict().items() if ".multipathway_blocks.1." in key}
    fast.load_state_dict(state)
    clips = torch.randn(2, 3, 8, 64, 64, generator=torch_generator("test", 2))
    with torch.no_grad():
        outputs = fast(clips)
        _, expected = whole(clips)
    assert [output.shape[1] for output in outputs] == list(fast.channels)
    assert [tuple(output.shape[2:]) for output in outputs] == [(8, 64 // s, 64 // s) for s in (4, 8, 16, 32)]
    torch.testing.assert_close(outputs[-1].mean(dim=(2, 3, 4)), expected)


def test_every_blob_has_its_name() -> None:
    """Written out from the table of the specification, for every pathway, stage, block and convolution."""
    names = {}

    def unit(blob: str, norm: str, conv: str, ours: str) -> None:
        names[f"{blob}_w"] = f"{conv}.weight"
        names.update({f"{norm}_{leaf}": f"{ours}.{own}" for leaf, own in NORM.items()})

    for pathway, prefix in enumerate(("", "t_")):
        stem = f"blocks.0.multipathway_blocks.{pathway}"
        unit(f"{prefix}conv1", f"{prefix}res_conv1_bn", f"{stem}.conv", f"{stem}.norm")
        for stage, depth in enumerate(DEPTHS, start=2):
            for block in range(depth):
                theirs = f"{prefix}res{stage}_{block}_branch"
                ours = f"blocks.{stage - 1}.multipathway_blocks.{pathway}.res_blocks.{block}"
                for letter in "abc":
                    branch = f"{ours}.branch2"
                    unit(
                        f"{theirs}2{letter}",
                        f"{theirs}2{letter}_bn",
                        f"{branch}.conv_{letter}",
                        f"{branch}.norm_{letter}",
                    )
                if not block:
                    unit(f"{theirs}1", f"{theirs}1_bn", f"{ours}.branch1_conv", f"{ours}.branch1_norm")
    fusions = {"t_pool1": 0} | {f"t_res{s}_{DEPTHS[s - 2] - 1}_branch2c_bn": s - 1 for s in (2, 3, 4)}
    for theirs, number in fusions.items():
        fusion = f"blocks.{number}.multipathway_fusion"
        unit(f"{theirs}_subsample", f"{theirs}_subsample_bn", f"{fusion}.conv_fast_to_slow", f"{fusion}.norm")

    value = torch.ones(1)
    mapped = slowfast_from_caffe2(dict.fromkeys(names, value))
    assert list(mapped) == list(names.values())
    whole = SlowFast(SlowFastConfig(width=8, fast_width=2, depths=DEPTHS, frames=8, input_size=64))
    assert set(mapped) == {key for key in whole.state_dict() if not key.endswith("num_batches_tracked")}
    assert list(slowfast_from_caffe2({"pred_w": value})) == ["pred_w"]


class AsPython2:
    """An array as Python 2 pickled it: with a text of as many characters as it has bytes."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __reduce__(self) -> tuple:
        reconstruct, arguments, (version, shape, dtype, fortran, content) = self.array.__reduce__()
        return reconstruct, arguments, (version, shape, dtype, fortran, content.decode("latin1"))


def test_file_of_caffe2(tmp_path: Path) -> None:
    file, weight = tmp_path / "weights.pkl", np.random.default_rng(0).normal(size=(2, 3, 1, 7, 7)).astype(np.float32)
    blobs = {"conv1_w": AsPython2(weight), "conv1_w_momentum": weight, "lr": 0.1, "model_iter": np.int64(3)}
    file.write_bytes(pickle.dumps({"blobs": blobs}, protocol=2))
    state = read_caffe2(file)
    assert list(state) == ["conv1_w"]
    assert np.array_equal(state["conv1_w"], weight)
    for content, message in (
        ({"blobs": 3}, "holds no blobs of Caffe2"),
        ({"blobs": {"a": [1]}}, "blob 'a' is no array"),
    ):
        file.write_bytes(pickle.dumps(content))
        with pytest.raises(InputError, match=message):
            read_caffe2(file)


def test_means_and_then_unbiased_deviations() -> None:
    values = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[5.0, 5.0], [5.0, 5.0]]]])
    expected = torch.tensor([[3.0, 5.0, (14 / 3) ** 0.5, 0.0]])
    torch.testing.assert_close(mean_and_deviation(values), expected)
    with pytest.raises(ValueError, match="a single position has no deviation"):
        mean_and_deviation(values[..., :1, :1])
