"""Networks and frame rules of SimpleVQA against the released ones (section 8 of the golden contract).

The SlowFast cases are the most expensive: the first one runs in float64, the others in float32.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import golden
import numpy as np
import pytest
import torch
from golden import assert_close
from torch import Tensor

from vqa.models.resnet import ResNetConfig
from vqa.models.simplevqa import SimpleVQA
from vqa.models.slowfast import SlowFast, SlowFastConfig, slow_frame_indices
from vqa.sampling.keyframes import key_frame_indices, motion_clip_indices, resized

VECTORS = golden.load("simplevqa")
QUALITY_CASES = VECTORS.groups("ugc/", "score")
MOTION_CASES = VECTORS.groups("slowfast/", "slow")
CLASSIFIER = "blocks.6."  # of the published SlowFast weights; features do not need it
MOTION_WIDTH = sum(SlowFastConfig().channels)
SHORT_SIDE = 520


def shapes(prefix: str) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of a published network by key."""
    lines = (line.split(" ") for line in VECTORS.text(f"{prefix}/keys"))
    return {key: () if shape == "scalar" else tuple(int(n) for n in shape.split("x")) for key, shape in lines}


@pytest.fixture(scope="module")
def quality_model() -> SimpleVQA:
    return golden.filled(SimpleVQA(ResNetConfig(), MOTION_WIDTH), VECTORS.seed)


@pytest.fixture(scope="module")
def motion_model() -> SlowFast:
    return golden.filled(SlowFast(SlowFastConfig()), VECTORS.seed)


def test_names_of_the_quality_model(quality_model: SimpleVQA) -> None:
    assert {key: tuple(value.shape) for key, value in quality_model.state_dict().items()} == shapes("ugc")
    names = [name for name, _ in quality_model.named_parameters()]
    assert sum(p.numel() for p in quality_model.parameters()) == VECTORS.scalar("ugc/n_params")
    assert sum("weight" in name for name in names) == VECTORS.scalar("ugc/n_perturbed_tensors")


def test_names_of_the_motion_model(motion_model: SlowFast) -> None:
    published = shapes("slowfast")
    unused = {key: shape for key, shape in published.items() if key.startswith(CLASSIFIER)}
    ours = {key: tuple(value.shape) for key, value in motion_model.state_dict().items()}
    assert ours == {key: shape for key, shape in published.items() if key not in unused}
    left_out = sum(int(np.prod(shape)) for shape in unused.values())
    assert sum(p.numel() for p in motion_model.parameters()) == VECTORS.scalar("slowfast/n_params") - left_out


@pytest.mark.parametrize("network", ["ugc", "slowfast"])
def test_recipe_of_the_weights(network: str) -> None:
    for key, expected in VECTORS.under(f"{network}/weights.check").items():
        values = golden.weight(key, shapes(network)[key], VECTORS.seed)
        assert_close(golden.check(values), expected, 1e-6, 1e-9, what=key)


def quality_inputs(case: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Frames ``(B, F, 3, h, w)`` and motion features ``(B, F, MOTION_WIDTH)``."""
    key, shape = f"input/simplevqa/{case}", VECTORS[f"ugc/{case}/input_shape"].tolist()
    frames = golden.structured(key, shape, (16, 16), VECTORS.seed)
    motion = golden.normal(f"{key}/motion", (*shape[:2], MOTION_WIDTH), VECTORS.seed, 0.5, 0.5).astype(np.float32)
    assert_close(golden.check(frames), VECTORS[f"ugc/{case}/input_check"], 1e-6, 1e-9)
    assert_close(golden.check(motion), VECTORS[f"ugc/{case}/motion_check"], 1e-6, 1e-9)
    return torch.from_numpy(frames).to(dtype), torch.from_numpy(motion).to(dtype)


def features_and_scores(model: SimpleVQA, frames: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
    """Spatial features ``(B*F, n_features)`` and frame scores ``(B, F)`` of one forward pass."""
    seen: list[Tensor] = []
    handle = model.quality.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        scores = model.frame_scores(frames, motion)
    handle.remove()
    return seen[0][..., : model.n_features].flatten(0, 1), scores


@pytest.mark.slow
@pytest.mark.parametrize("case", QUALITY_CASES)
def test_quality(case: str, quality_model: SimpleVQA) -> None:
    features, scores = features_and_scores(quality_model, *quality_inputs(case, torch.float64))
    assert_close(features, VECTORS[f"ugc/{case}/features7168"], 1e-8)
    assert_close(scores, VECTORS[f"ugc/{case}/frame_score"], 1e-8)
    assert_close(scores.mean(dim=1), VECTORS[f"ugc/{case}/score"], 1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("case", QUALITY_CASES)
def test_quality_in_float32(case: str) -> None:
    model = golden.filled(SimpleVQA(ResNetConfig(), MOTION_WIDTH), VECTORS.seed, dtype=torch.float32)
    features, scores = features_and_scores(model, *quality_inputs(case, torch.float32))
    deviation = VECTORS.scalar(f"ugc/{case}/features_f32_maxdev")
    assert_close(features, VECTORS[f"ugc/{case}/features7168"], 10 * deviation, 1e-4)
    assert_close(scores.mean(dim=1), VECTORS[f"ugc/{case}/score_f32"], 2e-5)


@pytest.mark.parametrize("case", VECTORS.groups("ugc/", "score_train_mode"))
def test_quality_in_train_mode(case: str) -> None:
    model = golden.filled(SimpleVQA(ResNetConfig(), MOTION_WIDTH), VECTORS.seed).train()
    with torch.no_grad():
        score = model(*quality_inputs(case, torch.float64))
    assert_close(score, VECTORS[f"ugc/{case}/score_train_mode"], 1e-8)
    assert_close(model.bn1.running_mean, VECTORS[f"ugc/{case}/bn1_running_mean_after"], 1e-8)
    assert_close(model.bn1.running_var, VECTORS[f"ugc/{case}/bn1_running_var_after"], 1e-8)


@contextmanager
def block_outputs(model: SlowFast) -> Iterator[dict[str, Tensor]]:
    """Inside the block, collect what the blocks of both pathways return."""
    outputs: dict[str, Tensor] = {}

    def collect(number: int) -> Callable[..., None]:
        return lambda _module, _inputs, result: outputs.update(
            {f"block{number}_{pathway}": value for pathway, value in zip(("slow", "fast"), result, strict=True)}
        )

    handles = [block.register_forward_hook(collect(number)) for number, block in enumerate(model.blocks)]
    yield outputs
    for handle in handles:
        handle.remove()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "dtype"),
    [(case, torch.float32 if number else torch.float64) for number, case in enumerate(MOTION_CASES)],
)
def test_motion(case: str, dtype: torch.dtype, motion_model: SlowFast) -> None:
    prefix, exact = f"slowfast/{case}", dtype == torch.float64
    shape, block = VECTORS[f"{prefix}/input_shape"].tolist(), VECTORS[f"{prefix}/input_block"].tolist()
    values = golden.structured(f"input/slowfast/{case}", shape, block, VECTORS.seed)
    assert_close(golden.check(values), VECTORS[f"{prefix}/input_check"], 1e-6, 1e-9)
    model = motion_model if exact else golden.filled(SlowFast(SlowFastConfig()), VECTORS.seed, dtype=dtype)
    with torch.no_grad(), block_outputs(model) as outputs:
        features = model(torch.from_numpy(values).to(dtype))
    assert set(outputs) == {name.removesuffix(".shape") for name in VECTORS.under(prefix) if name.endswith(".shape")}
    for name, output in outputs.items():
        assert output.shape == tuple(VECTORS[f"{prefix}/{name}.shape"]), name
        atol = 1e-8 if exact else 10 * VECTORS.scalar(f"{prefix}/{name}.f32_maxdev")
        assert_close(output.mean(dim=(0, 2, 3, 4)), VECTORS[f"{prefix}/{name}.channel_mean"], atol, what=name)
    for pathway, output, deviation in zip(("slow", "fast"), features, VECTORS[f"{prefix}/f32_maxdev"], strict=True):
        expected = VECTORS[f"{prefix}/{pathway}"]
        atol, rtol = (1e-8, 0.0) if exact else (10 * deviation, 1e-4)
        assert_close(output[:, :, None, None, None], expected, atol, rtol, what=pathway)


def test_frames_of_the_slow_pathway() -> None:
    alpha = SlowFastConfig().alpha
    stored = {name: value for name, value in VECTORS.under("slowfast").items() if name.startswith("slow_index_")}
    rules = [name for name in stored if not name.endswith("_T")]
    assert len(rules) > 1
    for name in rules:
        n_frames = int(stored[f"{name}_T"][0]) if f"{name}_T" in stored else int(name.removeprefix("slow_index_"))
        assert np.array_equal(slow_frame_indices(n_frames, alpha).numpy(), stored[name]), name


@pytest.mark.parametrize("row", range(len(VECTORS["index/meta"])))
def test_frames_and_size_of_a_video(row: int) -> None:
    promised, fps, decodable, height, width = VECTORS["index/meta"][row].tolist()
    arrays = VECTORS.under(f"index/{row}")
    assert resized(int(width), int(height), SHORT_SIDE) == tuple(arrays["resize_wh"])
    frames = key_frame_indices(int(decodable), fps, minimum=8).numpy()
    assert np.array_equal(np.stack([np.arange(len(frames)), frames], axis=1), arrays["keyframe_png_to_frame"])
    clips = {name: value for name, value in arrays.items() if name.startswith("clips_min")}
    assert clips
    for name, expected in clips.items():
        minimum = int(name.removeprefix("clips_min"))
        ours = motion_clip_indices(int(promised), int(decodable), fps, minimum, expected.shape[1])
        assert np.array_equal(ours.numpy(), expected), name
