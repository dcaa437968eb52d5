"""The whole FAST-VQA network against the released one (section 6 of the golden contract).

The forward passes compare every stage in float64. One AWP step of all 28 million parameters runs in float32; with
``VQA_GOLDEN_FLOAT64=1`` it runs in float64 as well, which takes minutes and 8 GB.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import golden
import pytest
import torch
from golden import assert_close, assert_summary
from torch import Tensor

from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.swin3d import SwinConfig, SwinTransformer3D, WindowAttention
from vqa.optim.losses import fastvqa_loss, reduce_score_map
from vqa.optim.perturb import WeightPerturbation

VECTORS = golden.load("fastvqa_model")
SHAPES = {
    key: tuple(int(n) for n in shape.split("x")) for key, shape in (line.split(" ") for line in VECTORS.text("keys"))
}
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
FLOAT64_STEP = pytest.mark.skipif(
    not os.environ.get("VQA_GOLDEN_FLOAT64"), reason="takes minutes and 8 GB: set VQA_GOLDEN_FLOAT64=1 to run it"
)

# The full-size forward passes cost most of the time: one precision each. Float32 at full size is in the AWP step too.
LEFT_OUT = {("plain_full", "f64"), ("grpb_full", "f32")}


def build(gated: bool = True) -> FragmentVQA:
    backbone = SwinTransformer3D(SwinConfig(gated=gated))
    return FragmentVQA(backbone, VQAHead(backbone.out_channels))


@pytest.fixture(scope="module")
def recipe() -> dict[str, Tensor]:
    """Float32 value of every parameter."""
    parameters = (key for key in SHAPES if not key.endswith("relative_position_index"))
    return {key: torch.from_numpy(golden.weight(key, SHAPES[key], VECTORS.seed)) for key in parameters}


def load(model: FragmentVQA, recipe: dict[str, Tensor], dtype: torch.dtype) -> FragmentVQA:
    names = {name for name, _ in model.named_parameters()}
    model.load_state_dict({**model.state_dict(), **{name: recipe[name] for name in names}})
    return model.to(dtype).eval()


def clips(case: str, shape: tuple[int, ...], block: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    values = golden.structured(f"input/fastvqa/{case}", shape, block, VECTORS.seed)
    assert_close(golden.check(values), VECTORS[f"{case}/input_check"], 1e-6, 1e-9)
    return torch.from_numpy(values).to(dtype)


def test_state_dict_keys() -> None:
    model = build()
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == SHAPES
    assert sum(p.numel() for p in model.parameters()) == VECTORS.scalar("n_params")
    assert {name for name, _ in model.named_parameters()} == set(VECTORS.text("awp/param_names"))


def test_recipe_of_the_weights(recipe: dict[str, Tensor]) -> None:
    for key, expected in VECTORS.under("weights.check").items():
        assert_close(golden.check(recipe[key].numpy()), expected, 1e-6, 1e-9, what=key)


@contextmanager
def stage_outputs(model: FragmentVQA) -> Iterator[dict[str, Tensor]]:
    """Inside the block, collect what the parts of the backbone return, channels first."""
    outputs, backbone = {}, model.fragments_backbone
    parts = {"patch_embed": backbone.patch_embed, "features": backbone.norm}
    parts |= {f"stage{number}": stage for number, stage in enumerate(backbone.layers, start=1)}

    def collect(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: outputs.update({name: output.permute(0, 4, 1, 2, 3)})

    handles = [part.register_forward_hook(collect(name)) for name, part in parts.items()]
    yield outputs
    for handle in handles:
        handle.remove()


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("case", "precision"),
    [run for case in VECTORS.text("names") for run in ((case, "f64"), (case, "f32")) if run not in LEFT_OUT],
)
def test_forward(case: str, precision: str, recipe: dict[str, Tensor]) -> None:
    dtype, atol, suffix = (torch.float64, 1e-8, "") if precision == "f64" else (torch.float32, 2e-5, "_f32")
    model = load(build(gated=not case.startswith("plain")), recipe, dtype)
    inputs = clips(case, tuple(VECTORS[f"{case}/input_shape"]), tuple(VECTORS[f"{case}/input_block"]), dtype)
    with torch.no_grad(), stage_outputs(model) as outputs:
        score_map = model(inputs)
    for name, output in outputs.items():
        assert_summary(output, VECTORS, f"{case}/{name}", atol)
    assert_close(score_map, VECTORS[f"{case}/head_map{suffix}"], atol)
    assert_close(reduce_score_map(score_map), VECTORS[f"{case}/score{suffix}"], atol)


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("precision", "device"),
    [("f32", "cpu"), pytest.param("f32", "cuda", marks=CUDA), pytest.param("f64", "cpu", marks=FLOAT64_STEP)],
)
def test_awp_step(precision: str, device: str, recipe: dict[str, Tensor]) -> None:
    exact = precision == "f64"
    dtype = torch.float64 if exact else torch.float32
    model = load(build(), recipe, dtype).to(device)
    for module in model.modules():
        if isinstance(module, WindowAttention):
            module.train()  # which draws nothing, but takes the kernels of a GPU
    inputs = clips("awp", tuple(VECTORS["awp/input_shape"]), (8, 32, 32), dtype).to(device)
    mos = VECTORS.tensor("awp/mos", torch.float64)[:, 0]
    clean = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}

    def backward(second_pass: bool) -> None:
        """Clip by clip, to bound the memory: d loss / d score is the stored one, and ours is compared with it."""
        side = "adv" if second_pass else "clean"
        if second_pass:
            compare_perturbed_weights(model, clean, exact)
        model.zero_grad(set_to_none=True)
        slopes = VECTORS.tensor(f"awp/{side}_dloss_dscore", dtype)[:, 0]
        scores = []
        for clip, slope in zip(inputs, slopes, strict=True):
            score = reduce_score_map(model(clip[None]))
            (score * slope).sum().backward()
            scores.append(score.detach().double().cpu())
        pred = torch.cat(scores).requires_grad_()
        loss = fastvqa_loss(pred, mos)
        loss.backward()
        assert_close(pred[:, None], VECTORS[f"awp/{side}_score"], 1e-8 if exact else 2e-5)
        assert_close(loss[None], VECTORS[f"awp/{side}_loss"], 1e-8 if exact else 1e-5)
        largest = float(slopes.abs().max())
        assert_close(pred.grad[:, None], VECTORS[f"awp/{side}_dloss_dscore"], largest * (1e-6 if exact else 1e-3))
        compare_tensors({name: parameter.grad for name, parameter in model.named_parameters()}, f"{side}_grad", exact)

    WeightPerturbation(VECTORS.scalar("awp/gamma"), "gradient").gradients(model, backward, torch.Generator())
    assert all(torch.equal(parameter, clean[name]) for name, parameter in model.named_parameters())


def compare_perturbed_weights(model: FragmentVQA, clean: dict[str, Tensor], exact: bool) -> None:
    weights = {name: parameter.detach().cpu() for name, parameter in model.named_parameters()}
    clean = {name: weight.cpu() for name, weight in clean.items()}
    compare_tensors({name: weights[name] - clean[name] for name in clean}, "delta", exact)
    gamma = VECTORS.scalar("awp/gamma")
    for name, expected in zip(VECTORS.text("awp/param_names"), VECTORS["awp/clipped_fraction"], strict=True):
        if "weight" in name:
            radius = gamma * clean[name].abs()
            on_box = (weights[name] == clean[name] - radius) | (weights[name] == clean[name] + radius)
            one_element = 1.01 / on_box.numel()
            assert on_box.double().mean().item() == pytest.approx(expected, abs=2e-3 + one_element), name


def compare_tensors(tensors: dict[str, Tensor], what: str, exact: bool) -> None:
    """Norms and strided samples, relative to the norm of each tensor."""
    norms, deviations = VECTORS[f"awp/{what}_norm"], VECTORS[f"awp/{what}_f32_reldev"]
    for name, norm, deviation in zip(VECTORS.text("awp/param_names"), norms, deviations, strict=True):
        tensor = tensors[name].double().cpu()
        if norm < 1e-12:  # zero up to rounding: the loss does not depend on it
            if what == "delta":
                assert not tensor.any(), name
            continue
        atol = norm * (1e-7 if exact else 10 * deviation)
        assert tensor.norm().item() == pytest.approx(norm, abs=atol), name
        if f"awp/{what}_sub/{name}" in VECTORS:
            sample = tensor.numpy().ravel()[:: int(VECTORS.scalar(f"awp/sub_stride/{name}"))]
            assert_close(sample, VECTORS[f"awp/{what}_sub/{name}"], atol, what=f"{what} {name}")
