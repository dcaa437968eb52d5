"""Swin V2 with the token head: size, streams, initial values, names; attention and head against their definition."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from tiny import randomise
from torch import Tensor, nn

from vqa.models.dropout import Dropout, DropPath, random_masks
from vqa.models.keymaps import swinv2_from_published, swinv2_to_published
from vqa.models.swinv2 import SwinV2Config, SwinV2IQA, TokenHead, initialise_swinv2, published_size
from vqa.rng import torch_generator

DEMO = SwinV2Config(width=24, depths=(1, 1), heads=(2, 4), window=4, input_size=64)
# A shifted block, 4 windows, and a second stage of one window, which does not shift.
TINY = SwinV2Config(width=8, depths=(2, 2), heads=(2, 4), window=2, input_size=16, drop_path=0.5, head_hidden=6)


def build(config: SwinV2Config = TINY, seed: int = 0) -> SwinV2IQA:
    model = SwinV2IQA(config)
    initialise_swinv2(model, torch_generator("init", seed))
    return model


def images(config: SwinV2Config = TINY, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, config.input_size, config.input_size, generator=torch_generator("test", 1))


def test_the_default_is_the_published_network() -> None:
    model = SwinV2IQA(SwinV2Config())
    assert published_size(model.backbone) == 27_578_154
    assert sum(parameter.numel() for parameter in model.vqa_head.parameters()) == 768 * 64 + 64 + 64 + 1
    paths = [module.p for module in model.modules() if isinstance(module, DropPath)]
    assert paths == pytest.approx([0.2 * block / 11 for block in range(12)])
    assert model.vqa_head.dropout.p == 0.5


def test_the_demo_is_the_same_code() -> None:
    model = build(DEMO).eval()
    tokens = model.backbone(images(DEMO))
    assert tokens.shape == (2, 8 * 8, 48)
    assert model(images(DEMO)).shape == (2,)


def test_the_score_is_the_mean_of_the_token_scores() -> None:
    model = randomise(build()).eval()
    tokens = model.backbone(images())
    head = model.vqa_head
    by_hand = [[F.gelu(token @ head.fc1.weight.T + head.fc1.bias) @ head.fc2.weight[0] for token in t] for t in tokens]
    expected = torch.stack([torch.stack(scores) for scores in by_hand]).mean(1) + head.fc2.bias
    torch.testing.assert_close(model(images()), expected, atol=1e-5, rtol=0)


def test_tokens_are_normalised_last_and_in_rows() -> None:
    model = build(DEMO).eval()
    x = torch.zeros(1, 3, 64, 64)
    x[:, :, :8] = 1  # the uppermost row of tokens of the second stage
    tokens = model.backbone(x).view(8, 8, 48)
    torch.testing.assert_close(tokens.mean(-1), torch.zeros(8, 8), atol=1e-5, rtol=0)
    assert not torch.allclose(tokens[0], tokens[1])
    torch.testing.assert_close(tokens[1:], tokens[7:].expand(7, 8, 48))


def test_shifted_cosine_attention_token_by_token() -> None:
    """Cosine similarity times a clamped scale, plus the continuous bias, over the tokens of the rolled window.

    Those that are no neighbours in the unrolled map get -100, which the largest scale can outweigh.
    """
    block = randomise(build()).double().backbone.features[1][1]
    attention, size, shift = block.attn, 4, 1

    def window(token: tuple[int, int]) -> tuple[int, ...]:
        return tuple((position - shift) % size // 2 for position in token)

    with torch.no_grad():
        attention.logit_scale.copy_(torch.tensor([1.0, 6.0]).view(2, 1, 1))
        x = torch.randn(1, size, size, 8, dtype=torch.float64, generator=torch_generator("test", 2))
        key_bias = torch.tensor([1.0] * 8 + [0.0] * 8 + [1.0] * 8, dtype=torch.float64)
        qkv = F.linear(x[0], attention.qkv.weight, attention.qkv.bias * key_bias)
        q, k, v = qkv.unflatten(-1, (3, 2, 4)).unbind(-3)
        tokens, expected = list(itertools.product(range(size), repeat=2)), torch.empty_like(x[0])
        for a in tokens:
            mates = [b for b in tokens if window(a) == window(b)]
            logits = []
            for b in mates:
                steps = [(i - shift) % size - (j - shift) % size for i, j in zip(a, b, strict=True)]
                offset = 8 * torch.tensor(steps, dtype=torch.float64)
                offset = offset.sign() * (offset.abs() + 1).log2() / 3
                cosine = F.cosine_similarity(q[a], k[b], dim=-1)
                scale = attention.logit_scale.flatten().clamp(max=math.log(100)).exp()
                apart = max(abs(i - j) for i, j in zip(a, b, strict=True)) > 1
                logits.append(cosine * scale + 16 * attention.cpb_mlp(offset).sigmoid() - 100 * apart)
            weights = torch.stack(logits).softmax(0)
            expected[a] = (weights[..., None] * torch.stack([v[b] for b in mates])).sum(0).flatten()
        torch.testing.assert_close(attention(x)[0], attention.proj(expected), atol=1e-6, rtol=0)


def test_no_library_dropout_is_left() -> None:
    kinds = {type(module).__name__: type(module) for module in build().modules() if "rop" in type(module).__name__}
    assert set(kinds.values()) == {Dropout, DropPath}


@pytest.mark.usefixtures("global_rng_untouched")
def test_building_and_training_leave_the_global_generators_alone() -> None:
    model = build().train()
    with random_masks(model, torch_generator("dropout", 0)):
        model(images()).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_dropout_and_stochastic_depth_follow_their_stream() -> None:
    model, x = randomise(build()).train(), images()

    def outputs(module: nn.Module, inputs: Tensor, position: int) -> Tensor:
        with torch.no_grad(), random_masks(model, torch_generator("dropout", position)):
            return module(inputs)

    for module, inputs in ((model.backbone, x), (model.vqa_head, torch.ones(2, 4, 16))):
        assert torch.equal(outputs(module, inputs, 0), outputs(module, inputs, 0))
        assert not torch.equal(outputs(module, inputs, 0), outputs(module, inputs, 1))


def test_the_head_drops_its_input_and_its_hidden_layer() -> None:
    head, dropped = TokenHead(4, hidden=3).eval(), []
    head.dropout.register_forward_hook(lambda _module, inputs, _output: dropped.append(inputs[0].shape[-1]))
    assert head(torch.zeros(2, 5, 4)).shape == (2, 5, 1)
    assert dropped == [4, 3]


def test_initialisation_covers_everything_and_depends_on_its_generator_alone() -> None:
    first, second, again = build(seed=5), build(seed=6), build(seed=6)
    for parameter in again.parameters():
        parameter.data.fill_(float("nan"))
    initialise_swinv2(again, torch_generator("init", 5))
    for name, parameter in again.named_parameters():
        assert torch.equal(parameter, first.get_parameter(name)), name
    assert not torch.equal(second.vqa_head.fc1.weight, first.vqa_head.fc1.weight)
    assert not torch.equal(second.vqa_head.fc2.bias, first.vqa_head.fc2.bias)


def test_initial_values_are_those_of_the_method() -> None:
    model = build(SwinV2Config(width=32, depths=(2, 2), heads=(2, 4), window=4, input_size=64))
    for name, parameter in model.named_parameters():
        values, is_norm = parameter.detach(), ".norm" in name or "features.0.2" in name
        if name.endswith("logit_scale"):
            assert bool((values == math.log(10)).all()), name
        elif name.startswith("vqa_head"):
            assert 0 < values.abs().max().item() <= 64**-0.5, name
            if values.dim() == 2:
                assert values.abs().max().item() == pytest.approx(64**-0.5, rel=0.1), name
        elif name.endswith("features.0.0.weight"):
            assert values.abs().max().item() == pytest.approx((3 * 4 * 4) ** -0.5, rel=0.05), name
        elif name.endswith("features.0.0.bias"):
            assert 0 < values.abs().max().item() <= (3 * 4 * 4) ** -0.5, name
        elif values.dim() == 2:
            assert values.std().item() == pytest.approx(0.02, rel=0.25), name
        elif is_norm and name.endswith("weight"):
            in_block = "norm1" in name or "norm2" in name
            assert bool((values == (0 if in_block else 1)).all()), name
        else:
            assert not values.any(), name


def test_every_block_starts_as_the_identity() -> None:
    model = build().eval()
    x = torch.randn(1, 4, 4, 8, generator=torch_generator("test", 3))
    assert torch.equal(model.backbone.features[1](x), x)


def test_the_gradient_reaches_every_parameter_but_the_bias_of_the_keys() -> None:
    model = randomise(build()).eval()
    model(images()).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if name.endswith("qkv.bias"):
            query, key, value = parameter.grad.chunk(3)
            assert not key.any(), name
            assert query.any(), name
            assert value.any(), name
        else:
            assert bool(parameter.grad.any()), name


def test_published_names_there_and_back() -> None:
    state = dict(randomise(build()).state_dict())
    published = swinv2_to_published(state)
    block = "layers.1.blocks.1"
    for key, ours in {
        "patch_embed.proj.weight": "features.0.0.weight",
        "patch_embed.norm.bias": "features.0.2.bias",
        f"{block}.norm1.weight": "features.3.1.norm1.weight",
        f"{block}.attn.cpb_mlp.0.weight": "features.3.1.attn.cpb_mlp.0.weight",
        f"{block}.attn.cpb_mlp.2.weight": "features.3.1.attn.cpb_mlp.2.weight",
        f"{block}.mlp.fc1.weight": "features.3.1.mlp.0.weight",
        f"{block}.mlp.fc2.bias": "features.3.1.mlp.3.bias",
        "layers.0.downsample.reduction.weight": "features.2.reduction.weight",
        "layers.0.downsample.norm.weight": "features.2.norm.weight",
        "norm.weight": "norm.weight",
    }.items():
        assert torch.equal(published[key], state[f"backbone.{ours}"]), key
    bias = state["backbone.features.3.1.attn.qkv.bias"]
    assert torch.equal(published[f"{block}.attn.q_bias"], bias[:16])
    assert torch.equal(published[f"{block}.attn.v_bias"], bias[32:])
    back = swinv2_from_published(published)
    assert set(back) == set(state)
    assert not back["backbone.features.3.1.attn.qkv.bias"][16:32].any()
    assert swinv2_to_published(back).keys() == published.keys()
    model = build().eval()
    model.load_state_dict(back)
    assert torch.equal(model(images()), randomise(build()).eval()(images())), "the bias of the keys takes no part"


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 3, 16, 32), (1, 1, 16, 16)])
def test_images_of_another_size_are_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images of shape \(.*\) do not fit a network made for \(3, 16, 16\)"):
        build()(torch.zeros(shape))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depths": (2,)}, "must have one entry per stage"),
        ({"depths": (1,), "heads": (2,)}, "two blocks or more"),
        ({"width": 10, "heads": (4, 4)}, "heads: stage 0 has 10 channels, not a multiple of 4"),
        ({"window": 1}, "window: 1 must be 2 or more"),
        ({"input_size": 24}, "not whole windows of 2 tokens of 8 pixels in stage 1"),
    ],
)
def test_sizes_that_do_not_fit_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SwinV2Config(**{**vars(TINY), **options})
