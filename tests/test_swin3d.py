"""Video Swin: window geometry against its definition, names of the published network, tiny models that run."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from vqa.models import windows
from vqa.models.dropout import random_masks
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.init import initialise
from vqa.models.swin3d import SwinConfig, SwinTransformer3D, WindowAttention
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


def randomise(model: nn.Module) -> nn.Module:
    generator = torch_generator("test", 0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5, generator=generator)
    return model


def clips(batch: int = 2, size: tuple[int, int, int] = TINY.input_size) -> Tensor:
    return torch.randn(batch, 3, *size, generator=torch_generator("test", 1))


def test_partition_keeps_the_token_order_and_merge_undoes_it() -> None:
    size, window = (4, 6, 9), (2, 3, 3)
    x = torch.arange(2 * 4 * 6 * 9 * 5).view(2, *size, 5)
    cut = windows.partition(x, window)
    assert cut.shape == (2, 2 * 2 * 3, 18, 5)
    assert torch.equal(cut[1, -1, -1], x[1, 3, 5, 8])
    assert torch.equal(cut[0, 1, 1], x[0, 0, 0, 4])
    assert torch.equal(windows.merge(cut, window, size), x)


@pytest.mark.parametrize("window", [(8, 7, 7), (2, 3, 4), (1, 1, 2)])
def test_relative_position_index_by_brute_force(window: tuple[int, int, int]) -> None:
    d, h, w = window
    index = windows.relative_position_index(window)
    tokens = list(itertools.product(range(d), range(h), range(w)))
    expected = torch.empty(len(tokens), len(tokens), dtype=torch.int64)
    for a, (ta, ha, wa) in enumerate(tokens):
        for b, (tb, hb, wb) in enumerate(tokens):
            dt, dh, dw = ta - tb + d - 1, ha - hb + h - 1, wa - wb + w - 1
            expected[a, b] = dt * (2 * h - 1) * (2 * w - 1) + dh * (2 * w - 1) + dw
    assert torch.equal(index, expected)
    assert int(index.max()) == (2 * d - 1) * (2 * h - 1) * (2 * w - 1) - 1


@pytest.mark.parametrize(
    ("size", "window", "shift"),
    [
        ((4, 6, 6), (2, 3, 3), (1, 1, 1)),
        ((2, 6, 9), (2, 3, 3), (0, 1, 2)),
        ((8, 4, 4), (4, 4, 4), (2, 0, 0)),
        ((4, 4, 4), (2, 2, 2), (2, 1, 2)),
    ],
)
def test_shift_mask_by_brute_force(size: tuple, window: tuple, shift: tuple) -> None:
    """Two tokens of a window see each other unless the roll brought them together around the edge."""
    rolled = itertools.product(*(range(n) for n in size))
    wrapped = torch.tensor([[position >= n - s for position, n, s in zip(p, size, shift, strict=True)] for p in rolled])
    tokens = windows.partition(wrapped.view(1, *size, 3), window)[0]
    apart = (tokens[:, :, None] != tokens[:, None, :]).any(-1)
    mask = windows.shift_mask(size, window, shift)
    assert torch.equal(mask == -100, apart)
    assert torch.equal(mask == 0, ~apart)


def test_fragment_distance_of_a_worked_example() -> None:
    """4x4 tokens over 2x2 fragments in windows of 2x2: one per window; shifted by 1, four."""
    plain = windows.fragment_distance((2, 2), (1, 4, 4), (1, 2, 2), (0, 0, 0))
    assert plain.shape == (4, 4, 4)
    assert not plain.any()
    corners = torch.tensor([[0.0, 1, 1, 2], [1, 0, 2, 1], [1, 2, 0, 1], [2, 1, 1, 0]])
    shifted = windows.fragment_distance((2, 2), (1, 4, 4), (1, 2, 2), (0, 1, 1))
    assert torch.equal(shifted, corners.expand(4, 4, 4))


def test_fragment_distance_counts_rows_and_columns_and_not_time() -> None:
    distance = windows.fragment_distance((3, 3), (2, 3, 3), (2, 3, 3), (0, 0, 0))[0]
    tokens = list(itertools.product(range(2), range(3), range(3)))
    expected = [[abs(ya - yb) + abs(xa - xb) for _, yb, xb in tokens] for _, ya, xa in tokens]
    assert distance.tolist() == expected
    assert distance.max() == 4, "a distance, not a 0/1 gate"


def test_window_shrinks_to_the_feature_map() -> None:
    assert windows.effective_window((16, 7, 7), (8, 7, 7), (4, 3, 3)) == ((8, 7, 7), (4, 0, 0))
    assert windows.effective_window((4, 14, 5), (8, 7, 7), (4, 3, 3)) == ((4, 7, 5), (0, 3, 0))


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


def test_input_that_is_too_small_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"input of size \(8, 4, 8\) is too small for windows \(2, 3, 3\)"):
        build()(clips(1, (8, 4, 8)))


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
    with pytest.raises(TypeError, match="no initialisation rule for 1 \\(BatchNorm1d\\)"):
        initialise(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), torch_generator("init", 0))


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
