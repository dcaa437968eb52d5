"""The fast pathway by itself, the names of its published weights, and pooling over positions."""

import pytest
import torch

from vqa.models.caffe2 import slowfast_from_caffe2
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
    others = dict.fromkeys(("pred_w", "pred_b", "conv1_w_momentum", "lr", "model_iter"), value)
    assert set(slowfast_from_caffe2(others)) == {"pred_w", "pred_b"}


def test_means_and_then_unbiased_deviations() -> None:
    values = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[5.0, 5.0], [5.0, 5.0]]]])
    expected = torch.tensor([[3.0, 5.0, (14 / 3) ** 0.5, 0.0]])
    torch.testing.assert_close(mean_and_deviation(values), expected)
    with pytest.raises(ValueError, match="a single position has no deviation"):
        mean_and_deviation(values[..., :1, :1])
