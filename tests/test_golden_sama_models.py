"""The networks of SAMA against the released ones (section 7 of the golden contract)."""

import golden
import pytest
import torch
from golden import assert_close, assert_summary
from torch import Tensor

from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.keymaps import swinv2_from_published, swinv2_to_published
from vqa.models.swin3d import SwinConfig, SwinTransformer3D
from vqa.models.swinv2 import SwinV2Config, SwinV2IQA
from vqa.optim.losses import reduce_score_map

VECTORS = golden.load("sama")
# The clamp at ln 100, float32 upstream and float64 here, is what limits the float64 tolerance.
TOLERANCES = {"f64": (torch.float64, 5e-6, 5e-6, ""), "f32": (torch.float32, 5e-5, 2e-4, "_f32")}


def image_keys() -> tuple[dict[str, tuple[int, ...]], set[str]]:
    """Shapes of the published parameters, and the published names of fixed buffers."""
    shapes, buffers = {}, set()
    for key, shape, *remark in (line.split(" ") for line in VECTORS.text("iqa_model/keys")):
        if remark:
            buffers.add(key)
        else:
            shapes[key] = tuple(int(n) for n in shape.split("x"))
    return shapes, buffers


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """Float32 value of every published parameter of the image network, without the unused classifier."""
    shapes, _ = image_keys()
    used = {key: shape for key, shape in shapes.items() if not key.startswith("backbone.head.")}
    return {key: torch.from_numpy(golden.weight(key, shape, VECTORS.seed)) for key, shape in used.items()}


def mapped(published: dict[str, Tensor]) -> dict[str, Tensor]:
    return swinv2_from_published({key.removeprefix("backbone."): value for key, value in published.items()})


def test_recipe_of_the_weights(published: dict[str, Tensor]) -> None:
    for key, expected in VECTORS.under("iqa_model/weights.check").items():
        assert_close(golden.check(published[key].numpy()), expected, 1e-6, 1e-9, what=key)


def test_every_published_name_has_its_place_and_comes_back(published: dict[str, Tensor]) -> None:
    model = SwinV2IQA(SwinV2Config())
    ours = {name: tuple(value.shape) for name, value in model.named_parameters()}
    there = mapped(published)
    assert {name: tuple(value.shape) for name, value in there.items()} == ours
    back = swinv2_to_published(there)
    assert set(back) == {key.removeprefix("backbone.") for key in published}
    for key, value in published.items():
        assert torch.equal(back[key.removeprefix("backbone.")], value), key


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_image_model(precision: str, published: dict[str, Tensor]) -> None:
    dtype, score_atol, stage_atol, suffix = TOLERANCES[precision]
    model = SwinV2IQA(SwinV2Config())
    model.load_state_dict({**model.state_dict(), **mapped(published)})
    model.to(dtype).eval()
    side, batch = model.backbone.config.input_size, len(VECTORS["iqa_model/score"])
    values = golden.structured("input/sama/iqa", (batch, 3, side, side), (32, 32), VECTORS.seed)
    assert_close(golden.check(values), VECTORS["iqa_model/input_check"], 1e-6, 1e-9)

    outputs: dict[str, Tensor] = {}
    features = model.backbone.features
    last = len(features) - 1
    parts = {"patch_embed": features[0], "features": model.backbone.norm, "token_scores": model.vqa_head}
    parts |= {f"stage{stage + 1}": features[min(2 * stage + 2, last)] for stage in range((last + 1) // 2)}
    for name, part in parts.items():
        part.register_forward_hook(lambda _module, _inputs, output, name=name: outputs.update({name: output}))
    with torch.no_grad():
        score = model(torch.from_numpy(values).to(dtype))

    assert_close(score, VECTORS[f"iqa_model/score{suffix}"], score_atol)
    assert_close(outputs.pop("token_scores"), VECTORS["iqa_model/token_scores"], score_atol)
    for name, output in outputs.items():
        assert_summary(output.flatten(1, -2), VECTORS, f"iqa_model/{name}", stage_atol)
    scales = torch.cat([value.flatten() for name, value in published.items() if name.endswith("logit_scale")])
    assert int((scales > torch.tensor(100.0).log()).sum()) == VECTORS.scalar("iqa_model/n_clamped_heads") > 0


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
def test_video_model() -> None:
    """The network of FAST-VQA, whose float64 has its own test, and the ways in which SAMA makes scores of its map."""
    backbone = SwinTransformer3D(SwinConfig())
    model = FragmentVQA(backbone, VQAHead(backbone.out_channels))
    for name, parameter in model.named_parameters():
        parameter.data = torch.from_numpy(golden.weight(name, tuple(parameter.shape), VECTORS.seed))
    model.eval()
    values = golden.structured("input/sama/vqa", (1, 3, *SwinConfig().input_size), (2, 32, 32), VECTORS.seed)
    assert_close(golden.check(values), VECTORS["vqa_model/input_check"], 1e-6, 1e-9)
    with torch.no_grad():
        score_map = model(torch.from_numpy(values))
    atol = 2e-5
    assert_close(score_map, VECTORS["vqa_model/head_map"], atol)
    assert_close(score_map, VECTORS["vqa_model/head_map_f32"], atol)
    assert_close(reduce_score_map(score_map), VECTORS["vqa_model/score_test"], atol)
    assert_close(reduce_score_map(score_map)[:, None], VECTORS["vqa_model/score_train_awp"], atol)
    times = score_map.shape[2]
    assert_close(reduce_score_map(score_map, "sum")[:, None], VECTORS["vqa_model/score_train_clean"], times * atol)
