"""DOVER against the released code (section 13 of the golden contract): branches, losses, views, fusion."""

from typing import Any

import golden
import numpy as np
import pytest
import torch
from golden import assert_close, assert_summary
from torch import Tensor, nn

from vqa.methods.fastvqa import normalise
from vqa.models.convnext3d import ConvNeXtConfig, inflated
from vqa.models.dover import Dover
from vqa.models.swin3d import SwinConfig
from vqa.optim.losses import fastvqa_loss, reduce_score_map
from vqa.optim.schedule import warmup_cosine
from vqa.sampling.aesthetic import AestheticSampling, shrink_view, view_indices
from vqa.sampling.fragments import FragmentSampling, cut_fragments, enlarge_small, grid_size
from vqa.stats.fusion import single, standard, weighted
from vqa.stats.metrics import raw_scores

VECTORS = golden.load("dover")


@pytest.fixture(scope="module")
def model() -> Dover:
    return golden.filled(Dover(SwinConfig(), ConvNeXtConfig()), VECTORS.seed)


def test_names(model: Dover) -> None:
    ours = {key: "x".join(map(str, value.shape)) for key, value in model.named_parameters()}
    released = dict(line.split(" ") for line in VECTORS.text("keys"))
    assert {key: released[key] for key in ours} == ours
    assert {key.rpartition(".")[2] for key in set(released) - set(ours)} <= {"relative_position_index"}
    assert sum(value.numel() for value in model.parameters()) == VECTORS.scalar("n_params")
    parts = (model.technical_backbone, model.aesthetic_backbone, model.technical_head, model.aesthetic_head)
    assert [sum(p.numel() for p in part.parameters()) for part in parts] == VECTORS["n_params_parts"].tolist()
    assert sorted(name for name in ours if "weight" in name) == sorted(VECTORS.text("weight_names"))


def clip(case: str) -> Tensor:
    shape, block = VECTORS[f"{case}/input_shape"].tolist(), VECTORS[f"{case}/input_block"].tolist()
    values = golden.structured(f"input/dover/{case}", shape, block, VECTORS.seed)
    assert_close(golden.check(values), VECTORS[f"{case}/input_check"], 1e-3, 1e-6)
    return torch.from_numpy(values)


def watch(backbone: nn.Module, seen: dict[str, Tensor]) -> list[Any]:
    """Keep what the stages of the aesthetic backbone give, channels first."""
    network: Any = backbone

    def keep(name: str, last: bool) -> Any:
        return lambda _, __, out: seen.update({name: out.permute(0, 4, 1, 2, 3) if last else out})

    places = {"stem": (network.downsample_layers[0], False), "down3": (network.downsample_layers[3], False)}
    places |= {f"stage{n}": (stage, True) for n, stage in enumerate(network.stages, start=1)}
    places["features"] = (network.norm, True)
    return [module.register_forward_hook(keep(name, last)) for name, (module, last) in places.items()]


@pytest.mark.parametrize("case", ["aesthetic_odd", pytest.param("aesthetic_full", marks=pytest.mark.slow)])
def test_aesthetic_branch(case: str, model: Dover) -> None:
    seen: dict[str, Tensor] = {}
    hooks = watch(model.aesthetic_backbone, seen)
    with torch.no_grad():
        found = model.aesthetic(clip(case).double())
    for hook in hooks:
        hook.remove()
    for name, value in seen.items():
        if f"{case}/{name}.shape" in VECTORS:
            assert_summary(value, VECTORS, f"{case}/{name}", 1e-8)
    assert_close(found, VECTORS[f"{case}/head_map"], 1e-8)
    assert_close(reduce_score_map(found), VECTORS[f"{case}/score"], 1e-9)


def test_depthwise_convolution_tap_by_tap_is_the_library_s(model: Dover, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = clip("aesthetic_odd").double()[:1]
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=True):
        library = model.aesthetic(inputs)
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False):
        ours = model.aesthetic(inputs)
    assert_close(ours, library.numpy(), 1e-12)


@pytest.mark.slow
def test_technical_branch(model: Dover) -> None:
    with torch.no_grad():
        found = model.technical(clip("technical_full").double())
    assert_close(found, VECTORS["technical_full/head_map"], 1e-8)
    assert_close(reduce_score_map(found), VECTORS["technical_full/score"], 1e-9)


@pytest.mark.parametrize("case", VECTORS.groups("loss/", "dover"))
def test_loss(case: str) -> None:
    stored = {key: torch.tensor(value) for key, value in VECTORS.under(f"loss/{case}").items()}
    branches = [stored[name].clone().requires_grad_() for name in ("aesthetic", "technical")]
    total = sum(fastvqa_loss(branch, stored["y"]) for branch in branches)
    assert total.item() == pytest.approx(stored["dover"].item(), abs=1e-10)  # type: ignore[union-attr]
    for branch, name in zip(branches, ("aesthetic", "technical"), strict=True):
        (gradient,) = torch.autograd.grad(total, branch, retain_graph=True)
        assert_close(gradient, VECTORS[f"loss/{case}/dover_grad_{name}"], 1e-10)


def test_times_of_the_aesthetic_view() -> None:
    """Frames follow from what was drawn, and ours are drawn from the same numbers."""
    segments = int(VECTORS["temporal/aesthetic/frames_segments_interval_clips"][1])
    rule = AestheticSampling(segments, (1, 1), "random", antialias=False)
    stored = (VECTORS[f"temporal/aesthetic/{name}"] for name in ("idx", "offset", "rand_high"))
    for n, indices, offsets, high in zip(VECTORS["temporal/lengths"].tolist(), *stored, strict=True):
        starts = n // segments * np.arange(segments)
        for drawn, expected in zip(offsets, indices, strict=True):
            assert ((starts + np.maximum(drawn, 0)) % n).tolist() == expected.tolist()
        ours = (view_indices(n, rule, torch.Generator().manual_seed(1)).numpy() - starts) % n
        assert ours.max() < max(int(high), 1)
        if high > 20:
            assert len(set(ours.tolist())) > 5, "another one for every segment"


@pytest.mark.parametrize("case", VECTORS.groups("resize/", "param"))
@pytest.mark.parametrize("antialias", [False, True])
def test_size_of_the_aesthetic_view(case: str, antialias: bool) -> None:
    channels, frames, height, width, h, w = VECTORS[f"resize/{case}/param"].tolist()
    video = golden.u8(f"dover/resize/{case}", (channels, frames, height, width), VECTORS.seed)
    rule = AestheticSampling(1, (h, w), "centre", antialias)
    found = shrink_view(torch.from_numpy(video).permute(1, 2, 3, 0), rule).numpy().astype(int)
    key = f"resize/{case}/out_aa{int(antialias)}"
    assert found.shape == tuple(VECTORS[f"{key}.shape"])
    sample, expected = found.ravel()[:: int(VECTORS.scalar(f"{key}.stride"))], VECTORS[f"{key}.sub"].astype(int)
    assert np.abs(sample - expected).max() <= 1
    assert (sample != expected).sum() <= max(1, 1e-3 * len(expected))
    means = found.mean(axis=(2, 3))
    assert_close(means, VECTORS[f"resize/{case}/frame_mean_aa{int(antialias)}"], 1e-2)


def assert_pixels(view: Tensor, key: str, means: str, apart: float) -> None:
    """A view ``(3, T, H, W)`` uint8, normalised, but for one grey level in a share ``apart`` of its entries."""
    found = normalise(view[None])[0]
    assert list(found.shape) == VECTORS[f"{key}.shape"].tolist()
    far = np.abs(found.numpy().ravel()[:: int(VECTORS.scalar(f"{key}.stride"))] - VECTORS[f"{key}.sub"])
    assert far.max() < 0.0176
    assert (far > 1e-5).mean() <= apart
    clips = found.view(3, -1, VECTORS[means].shape[-1], *found.shape[2:]).transpose(0, 1)
    assert_close(clips.mean(dim=(3, 4)).reshape(VECTORS[means].shape), VECTORS[means], 1e-3)


@pytest.mark.parametrize("case", VECTORS.text("item/names"))
def test_what_both_branches_are_shown(case: str) -> None:
    stored, (n, height, width, clips) = VECTORS.under(f"item/{case}"), VECTORS[f"item/{case}/param"].tolist()
    frames = torch.from_numpy(golden.u8(f"dover_pipeline/{case}", (n, height, width, 3), VECTORS.seed))
    rule = FragmentSampling((7, 7), (32, 32), 32, "random")
    video = frames[stored["frame_inds_technical"]].permute(3, 0, 1, 2)
    larger = enlarge_small(video, rule)
    offsets = torch.from_numpy(stored["off_h"]), torch.from_numpy(stored["off_w"])
    assert video.shape[1] == 32 * clips
    fragments = cut_fragments(larger, grid_size(video, larger, rule), offsets, rule)
    key = f"item/{case}/technical"
    assert_pixels(fragments, key, f"{key}_clip_channel_frame_mean", 0.01 if case == "test_small" else 0.0)
    for antialias in (False, True):
        view = shrink_view(
            frames[stored["frame_inds_aesthetic"]], AestheticSampling(32, (224, 224), "random", antialias)
        )
        key = f"item/{case}/aesthetic_aa{int(antialias)}"
        assert_pixels(view, key, f"item/{case}/aesthetic_channel_frame_mean_aa{int(antialias)}", 0.01)


@pytest.mark.parametrize("case", VECTORS.groups("fusion/", "fused"))
def test_fusion(case: str) -> None:
    stored = VECTORS.under(f"fusion/{case}")
    aesthetic = stored["aesthetic_maps"].reshape(len(stored["mos"]), -1).mean(axis=1).astype(float)
    technical = stored["technical_maps"].reshape(len(stored["mos"]), -1).mean(axis=1).astype(float)
    mos = stored["mos"]
    fused = weighted(aesthetic, technical, float(stored["weight"].item()))
    assert_close(standard(fused) * mos.std() + mos.mean(), stored["fused"], 2e-3 * max(1.0, mos.std()))
    plain = raw_scores(aesthetic + technical, mos)
    expected = stored["transfer_srcc_plcc_krcc_rmse"]
    assert [plain[name] for name in ("srcc", "plcc", "krcc")] == pytest.approx(expected[:3].tolist(), abs=1e-3)


def test_fusion_of_single_videos() -> None:
    technical, aesthetic = VECTORS["fuse_one/technical_aesthetic"].astype(float).T
    assert_close(single(aesthetic, technical), VECTORS["fuse_one/overall_one_video"], 1e-9)
    assert not np.allclose(
        single(aesthetic, technical, exchanged=True), VECTORS["fuse_one/overall_one_video"], atol=0.05
    )


def test_inflation() -> None:
    for key, kernel in VECTORS.under("inflate/from").items():
        target = VECTORS[f"inflate/to/{key}"]
        ours = (
            inflated(torch.from_numpy(kernel), target.shape[2])
            if target.ndim == kernel.ndim + 1
            else torch.from_numpy(kernel)
        )
        assert_close(ours, target, 1e-7, what=key)


@pytest.mark.parametrize("case", VECTORS.groups("lr/", "multiplier"))
def test_schedule(case: str) -> None:
    steps, heads, full, warmup = VECTORS[f"lr/{case}/iters_linear_full_warmup"].tolist()
    expected = VECTORS[f"lr/{case}/multiplier"]
    total = int((heads + full) * steps)
    ours = [warmup_cosine(step, int(warmup * steps), total) for step in range(total)]
    assert_close(ours, expected[:total], 1e-12)
