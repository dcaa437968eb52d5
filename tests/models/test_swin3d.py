"""Video Swin: attention against its definition, names of the published network, tiny models that run."""

import itertools

import pytest
import torch
from tiny import randomise
from torch import Tensor, nn

from vqa.models import windows
from vqa.models.dropout import random_masks
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.init import initialise
from vqa.models.swin3d import PatchMerging, SwinBlock, SwinConfig, SwinTransformer3D, WindowAttention
from vqa.rng import torch_generator

# 6x6 tokens in windows of 3x3 over a lattice of 3x3 fragments, 2x2 tokens each: every window straddles fragments.
TINY = SwinConfig(
    width=8, depths=(2, 2), heads=(2, 4), window=(2, 3, 3), patch=(2, 4, 4), input_size=(8, 24, 24), mlp_ratio=2.0
)


def build(config: SwinConfig = TINY, seed: int = 0) -> FragmentVQA:
    backbone = SwinTransformer3D(config)
    model = FragmentVQA(backbone, VQAHead(backbone.out_channels, hidden=6))
    initialise(model, torch_generator("init", seed), linear_std=0.3)
    return model


def clips(batch: int = 2, size: tuple[int, int, int] = TINY.input_size) -> Tensor:
    return torch.randn(batch, 3, *size, generator=torch_generator("test", 1))


def test_gated_bias_by_brute_force() -> None:
    window = (2, 2, 3)
    attention = randomise(WindowAttention(8, 2, window, gated=True)).double()
    distance = windows.fragment_distance((3, 3), (2, 4, 6), window, (0, 1, 1))
    bias = attention.bias(window, distance)
    index = windows.relative_position_index(window)
    R, F = attention.relative_position_bias_table, attention.fragment_position_bias_table
    for m, head, a, b in itertools.product(range(len(distance)), range(2), range(12), range(12)):
        G, row = float(distance[m, a, b]), int(index[a, b])
        expected = G * R[row, head] + (1 - G) * F[row, head]
        assert bias[m, head, a, b].item() == pytest.approx(expected.item(), abs=1e-12)
    assert distance.max() > 1


def test_shifted_window_attention_token_by_token() -> None:
    """Every token attends to those of its shifted window that are its neighbours in the unrolled feature map."""
    config = SwinConfig(**{**vars(TINY), "window": (2, 3, 4)})
    window, size, shift, heads = config.window, (4, 6, 8), (1, 1, 2), 2
    block = randomise(SwinBlock(config, 8, heads, shifted=True, drop_path=0, gated=True)).double()
    x = torch.randn(1, *size, 8, dtype=torch.float64, generator=torch_generator("test", 2))
    q, k, v = block.attn.qkv(x[0]).unflatten(-1, (3, heads, 4)).unbind(-3)
    R, F = block.attn.relative_position_bias_table, block.attn.fragment_position_bias_table

    def cell(token: tuple[int, ...]) -> tuple[int, ...]:
        """Window of a token: the grid of windows is moved by the shift, so that those at the edges are cut in two."""
        return tuple((p - s) // w for p, s, w in zip(token, shift, window, strict=True))

    expected = torch.empty_like(x[0])
    tokens = list(itertools.product(*(range(n) for n in size)))
    for a in tokens:
        mates = [b for b in tokens if cell(b) == cell(a)]
        logits = []
        for b in mates:
            dt, dh, dw = (i - j + w - 1 for i, j, w in zip(a, b, window, strict=True))
            row = (dt * 5 + dh) * 7 + dw
            G = abs(a[1] * 3 // 6 - b[1] * 3 // 6) + abs(a[2] * 4 // 8 - b[2] * 4 // 8)
            logits.append((q[a] * k[b]).sum(-1) / 4**0.5 + G * R[row] + (1 - G) * F[row])
        weights = torch.stack(logits).softmax(0)
        expected[a] = (weights[..., None] * torch.stack([v[b] for b in mates])).sum(0).flatten()
    torch.testing.assert_close(
        block.attend(x, block.plan(size, window, x).places)[0],
        block.attn.proj(expected),
        atol=1e-9,
        rtol=0,
    )


def test_patch_merging_concatenates_neighbours_column_by_column() -> None:
    merging = PatchMerging(1)
    merging.reduction.weight.data = torch.eye(4)
    x = torch.tensor([[1.0, 3.0], [2.0, 4.0]]).view(1, 1, 2, 2, 1)
    out = merging(x).flatten()
    assert out.argsort().tolist() == [0, 1, 2, 3]
    assert merging(torch.zeros(1, 2, 5, 3, 1)).shape == (1, 2, 3, 2, 4)


def test_the_head_drops_its_input_and_its_hidden_layer() -> None:
    head, dropped = VQAHead(4, hidden=3).eval(), []
    head.dropout.register_forward_hook(lambda _module, inputs, _output: dropped.append(inputs[0].shape[-1]))
    assert head(torch.zeros(1, 2, 3, 3, 4)).shape == (1, 1, 2, 3, 3)
    assert dropped == [4, 3]


def test_equal_tables_are_no_gate() -> None:
    gated, plain = randomise(build()), build(SwinConfig(**{**vars(TINY), "gated": False}))
    for name, parameter in gated.named_parameters():
        if name.endswith("fragment_position_bias_table"):
            parameter.data.copy_(gated.get_parameter(name.replace("fragment_p", "relative_p")))
    plain.load_state_dict({name: gated.state_dict()[name] for name in plain.state_dict()})
    with torch.no_grad():
        torch.testing.assert_close(gated.eval()(clips()), plain.eval()(clips()), atol=1e-4, rtol=0)


def published_keys() -> set[str]:
    norm, linear = ("weight", "bias"), ("weight", "bias")
    keys = {f"patch_embed.{part}.{leaf}" for part in ("proj", "norm") for leaf in norm}
    for stage, depth in enumerate((2, 2, 6, 2)):
        for block in range(depth):
            prefix = f"layers.{stage}.blocks.{block}"
            parts = ("norm1", "norm2", "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
            keys |= {f"{prefix}.{part}.{leaf}" for part in parts for leaf in linear}
            keys |= {f"{prefix}.attn.relative_position_{part}" for part in ("bias_table", "index")}
            if stage < 3:
                keys.add(f"{prefix}.attn.fragment_position_bias_table")
        if stage < 3:
            keys |= {f"layers.{stage}.downsample.{name}" for name in ("reduction.weight", "norm.weight", "norm.bias")}
    keys |= {f"norm.{leaf}" for leaf in norm}
    head = {f"vqa_head.{layer}.{leaf}" for layer in ("fc_hid", "fc_last") for leaf in linear}
    return {f"fragments_backbone.{key}" for key in keys} | head


def test_the_default_is_the_published_network() -> None:
    backbone = SwinTransformer3D(SwinConfig())
    model = FragmentVQA(backbone, VQAHead(backbone.out_channels))
    state = model.state_dict()
    assert sum(parameter.numel() for parameter in model.parameters()) == 28_127_901
    assert set(state) == published_keys()
    attention = "fragments_backbone.layers.1.blocks.1.attn"
    assert state[f"{attention}.qkv.weight"].shape == (3 * 192, 192)
    assert state[f"{attention}.relative_position_bias_table"].shape == (2535, 6)
    assert state[f"{attention}.relative_position_index"].shape == (392, 392)
    assert state["fragments_backbone.layers.0.downsample.reduction.weight"].shape == (192, 384)
    assert state["vqa_head.fc_hid.weight"].shape == (64, 768, 1, 1, 1)
    blocks = [block for stage in backbone.layers for block in stage.blocks]
    assert [block.drop_path.p for block in blocks] == pytest.approx([0.1 * b / 11 for b in range(12)])
    assert [block.shift for block in blocks] == [(0, 0, 0), (4, 3, 3)] * 6


@pytest.mark.parametrize(
    ("size", "expected"),
    [((8, 24, 24), (4, 3, 3)), ((7, 23, 21), (4, 3, 3)), ((8, 20, 9), (4, 3, 2)), ((4, 8, 8), (2, 1, 1))],
)
def test_smaller_and_odd_sizes_are_padded(size: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    out = randomise(build()).eval()(clips(2, size))
    assert out.shape == (2, 1, *expected)
    assert bool(out.isfinite().all())


@pytest.mark.parametrize("size", [(8, 4, 8), (16, 24, 24), (8, 24, 48)])
def test_input_that_is_too_small_or_too_large_is_an_error(size: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"clips of \(.*\) do not fit a network made for \(8, 24, 24\)"):
        build()(clips(1, size))


def test_items_of_a_batch_do_not_see_each_other() -> None:
    model, x = randomise(build()).eval(), clips(3)
    with torch.no_grad():
        torch.testing.assert_close(model(x)[1:2], model(x[1:2]), atol=1e-4, rtol=1e-4)


def test_the_gradient_reaches_every_parameter() -> None:
    model = randomise(build()).eval()
    model(clips()).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.any()), name


def test_training_is_possible_after_inference_in_one_process() -> None:
    """Geometry that was first computed in inference mode must still take part in a backward pass."""
    windows.shift_mask.cache_clear()
    windows.fragment_distance.cache_clear()
    model = build()
    with torch.inference_mode():
        model.eval()(clips())
    model(clips()).mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_dropout_and_stochastic_depth_follow_their_stream() -> None:
    model, x = randomise(build()).train(), clips()

    def scores(position: int) -> Tensor:
        with torch.no_grad(), random_masks(model, torch_generator("dropout", position)):
            return model(x)

    assert torch.equal(scores(0), scores(0))
    assert not torch.equal(scores(0), scores(1))


def test_initialisation_covers_everything_and_depends_on_its_generator_alone() -> None:
    models = [build(seed=5), build(seed=6)]
    again = build(seed=6)
    for parameter in again.parameters():
        parameter.data.fill_(float("nan"))
    state = torch.get_rng_state()
    initialise(again, torch_generator("init", 5), linear_std=0.3)
    assert torch.equal(state, torch.get_rng_state())
    for name, parameter in again.named_parameters():
        assert bool(parameter.isfinite().all()), name
        assert torch.equal(parameter, models[0].get_parameter(name)), name
    assert not torch.equal(models[1].vqa_head.fc_hid.weight, models[0].vqa_head.fc_hid.weight)


def test_initial_values_are_those_of_the_method() -> None:
    model = FragmentVQA(SwinTransformer3D(SwinConfig(**{**vars(TINY), "width": 32})), VQAHead(64))
    initialise(model, torch_generator("init", 0))
    for name, parameter in model.named_parameters():
        values = parameter.detach()
        if name.endswith("fragment_position_bias_table") or (name.endswith("bias") and "norm" in name):
            assert not values.any(), name
        elif "norm" in name:
            assert bool((values == 1).all()), name
        elif "proj.weight" in name and values.dim() == 5:
            assert values.abs().max().item() == pytest.approx((3 * 2 * 4 * 4) ** -0.5, rel=0.05), name
        elif name == "vqa_head.fc_hid.weight":
            assert values.abs().max().item() == pytest.approx(64**-0.5, rel=0.05), name
        elif "layers" in name and values.dim() == 2:
            assert values.std().item() == pytest.approx(0.02, rel=0.25), name
        elif "layers" in name:
            assert not values.any(), name


def test_a_layer_without_a_rule_is_refused() -> None:
    with pytest.raises(TypeError, match="no initialisation rule for 1 \\(GroupNorm\\)"):
        initialise(nn.Sequential(nn.Linear(2, 2), nn.GroupNorm(1, 2)), torch_generator("init", 0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depths": (2,), "heads": (2, 4)}, "must have one entry per stage"),
        ({"width": 10, "heads": (4, 4)}, "heads: stage 0 has 10 channels, not a multiple of 4"),
    ],
)
def test_sizes_that_do_not_fit_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SwinConfig(**{**vars(TINY), **options})
