"""Zoom-VQA against the released code (section 14 of the golden contract): branches, pictures, scaling, fusion."""

import golden
import numpy as np
import pytest
import torch
import yaml
from golden import assert_close, assert_summary
from project import ROOT
from torch import Tensor

from vqa.methods import load_method
from vqa.methods.fastvqa import normalise
from vqa.models.convnext import ConvNeXt2dConfig
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.swin3d import SwinConfig, SwinTransformer3D
from vqa.models.zoomvqa import CellWeightedVQA
from vqa.optim.losses import fastvqa_loss, reduce_score_map, smooth_l1_loss
from vqa.optim.perturb import build_perturbation
from vqa.sampling.fragments import FragmentSampling, cut_fragments, enlarge_small, fragment_offsets, grid_size
from vqa.sampling.normalise import STATISTICS
from vqa.sampling.temporal import TemporalSampling, clip_offsets, frame_indices
from vqa.sampling.zoom import cropped, picture_frames, scaled, scaled_size, short_side
from vqa.settings.params import Run
from vqa.stats.fusion import logistic_mean
from vqa.stats.metrics import raw_scores

VECTORS = golden.load("zoomvqa")


def image_branch(cells: int) -> CellWeightedVQA:
    model = golden.filled(CellWeightedVQA(ConvNeXt2dConfig(), cells), VECTORS.seed, dtype=torch.float32)
    with torch.no_grad():
        model.head_score[3].bias += VECTORS.scalar("iqa/score_bias_offset")
    return model.double()


def pictures(case: str) -> Tensor:
    shape, block = VECTORS[f"iqa/{case}/input_shape"].tolist(), VECTORS[f"iqa/{case}/input_block"].tolist()
    values = golden.structured(f"input/zoomvqa/iqa/{case}", shape, block, VECTORS.seed)
    assert_close(golden.check(values), VECTORS[f"iqa/{case}/input_check"], 1e-3, 1e-6)
    return torch.from_numpy(values).double()


def test_names_of_the_image_branch() -> None:
    model = CellWeightedVQA(ConvNeXt2dConfig(), 1)
    assert set(golden.keys(model)) == set(VECTORS.text("iqa/keys"))
    assert sum(value.numel() for value in model.parameters()) == VECTORS.scalar("iqa/n_params")
    named = [key for key, _ in model.named_parameters() if "weight" in key]
    assert sorted(named) == sorted(VECTORS.text("iqa/weight_names"))


@pytest.mark.parametrize("case", VECTORS.text("iqa/names"))
def test_image_branch(case: str) -> None:
    model = image_branch(int(VECTORS.scalar(f"iqa/{case}/csize")) // 32)
    with torch.no_grad():
        images = pictures(case)
        for number, output in enumerate(model.backbone(images), start=1):
            assert_summary(output, VECTORS, f"iqa/{case}/feat{number}", 1e-8)
        cells = model.describe(images)
        scores, weights = model.judge(cells)
        key = f"iqa/{case}/cells"
        assert_close(cells.flatten()[:: int(VECTORS.scalar(f"{key}.stride"))], VECTORS[f"{key}.sub"], 1e-8)
        assert_close(cells.mean(dim=(0, 1)), VECTORS[f"{key}.channel_mean"], 1e-8)
        assert_close(scores, VECTORS[f"iqa/{case}/cell_score"], 1e-9)
        assert_close(weights, VECTORS[f"iqa/{case}/cell_weight"], 1e-9)
        assert_close(model(images)[:, None], VECTORS[f"iqa/{case}/score"], 1e-9)


def test_adversarial_step_of_the_image_branch() -> None:
    model, images, mos = (
        image_branch(1),
        pictures(VECTORS.text("iqa/step/input_case")[0]),
        VECTORS.tensor("iqa/step/mos"),
    )
    found: list[tuple[Tensor, Tensor]] = []
    start = {name: value.detach().clone() for name, value in model.named_parameters()}
    moved: dict[str, Tensor] = {}

    def backward(second_pass: bool) -> tuple[Tensor, Tensor]:
        model.zero_grad()
        if second_pass:
            moved.update({name: value.detach() - start[name] for name, value in model.named_parameters()})
        scores = model(images)
        loss = smooth_l1_loss(scores, mos)
        loss.backward()
        found.append((scores.detach(), loss.detach()))
        return found[-1]

    build_perturbation("awp", VECTORS.scalar("iqa/step/gamma"), "released", "box").gradients(
        model, backward, torch.Generator()
    )
    for (scores, loss), name in zip(found, ("clean", "adv"), strict=True):
        assert_close(scores, VECTORS[f"iqa/step/{name}_score"], 1e-8)
        assert loss.item() == pytest.approx(VECTORS.scalar(f"iqa/step/{name}_loss"), abs=1e-9)
    norms = [moved[name].norm().item() for name in VECTORS.text("iqa/step/param_names")]
    assert_close(norms, VECTORS["iqa/step/delta_norm"], 1e-8)


def test_losses() -> None:
    for name in VECTORS.text("loss/names"):
        pred, mos = VECTORS.tensor(f"iqa/loss/{name}/pred"), VECTORS.tensor(f"iqa/loss/{name}/mos")
        assert smooth_l1_loss(pred, mos).item() == pytest.approx(VECTORS.scalar(f"iqa/loss/{name}/value"), abs=1e-10)
        assert fastvqa_loss(pred, mos).item() == pytest.approx(VECTORS.scalar(f"vqa/loss/{name}/value"), abs=1e-10)


@pytest.mark.parametrize("case", VECTORS.text("iqa/transform/names"))
@pytest.mark.parametrize("antialias", [False, True])
def test_pictures(case: str, antialias: bool) -> None:
    height, width, size, crop = VECTORS[f"iqa/transform/{case}/H_W_rsize_csize"].tolist()
    image = golden.u8(f"zoom/image/{case}", (height, width, 3), VECTORS.seed)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    resized = short_side(pixels, size, antialias)
    assert list(resized.shape[2:]) == VECTORS[f"iqa/transform/{case}/resized_H_W"].tolist()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in STATISTICS["imagenet"])
    top, left = VECTORS[f"iqa/transform/{case}/crop_top_left"].tolist()
    train = resized[:, :, top : top + crop, left : left + crop]
    train = train.flip(-1) if VECTORS.scalar(f"iqa/transform/{case}/flip_draw") < 0.5 else train
    for name, square in (("train", train), ("test", cropped(resized, crop, None))):
        found, key = ((square - mean) / std)[0], f"iqa/transform/{case}/{name}_aa{int(antialias)}"
        assert list(found.shape) == VECTORS[f"{key}.shape"].tolist()
        assert_close(found.flatten()[:: int(VECTORS.scalar(f"{key}.stride"))], VECTORS[f"{key}.sub"], 2e-5)
        assert_close(found.mean(dim=(1, 2)), VECTORS[f"{key}_mean"], 1e-5)


def test_pictures_that_ffmpeg_writes() -> None:
    for i in range(int(VECTORS.scalar("extract/n"))):
        numerator, denominator, frames = VECTORS[f"extract/{i}/fps_num_den_frames"].tolist()
        found = picture_frames(frames, numerator / denominator)
        assert found.tolist() == VECTORS[f"extract/{i}/source_index"].tolist()


@pytest.mark.parametrize("case", ["small168", pytest.param("full336", marks=pytest.mark.slow)])
def test_video_branch(case: str) -> None:
    config = SwinConfig(patch=(2, 6, 6), input_size=(32, 336, 336))
    backbone = SwinTransformer3D(config)
    model = golden.filled(FragmentVQA(backbone, VQAHead(backbone.out_channels)), VECTORS.seed)
    assert sum(value.numel() for value in model.parameters()) == VECTORS.scalar("vqa/n_params")
    shape, block = VECTORS[f"vqa/{case}/input_shape"].tolist(), VECTORS[f"vqa/{case}/input_block"].tolist()
    values = golden.structured(f"input/zoomvqa/vqa/{case}", shape, block, VECTORS.seed)
    with torch.no_grad():
        found = model(torch.from_numpy(values).double())
    assert_close(found, VECTORS[f"vqa/{case}/head_map"], 1e-8)
    assert_close(reduce_score_map(found), VECTORS[f"vqa/{case}/score"], 1e-9)


@pytest.mark.parametrize("clips", [1, 4])
def test_times_of_fragments_in_tests(clips: int) -> None:
    rule = TemporalSampling(32, 2, clips, "centre", "wrap")
    for n, expected in zip(
        VECTORS["vqa/temporal/lengths"].tolist(), VECTORS[f"vqa/temporal/test_S{clips}/idx"], strict=True
    ):
        found = frame_indices(n, rule, clip_offsets(n, rule, torch.Generator()))
        assert found.tolist() == expected[0].tolist()


def test_sizes_of_scaled_frames() -> None:
    for (height, width), expected in zip(VECTORS["vqa/resize_H_W"], VECTORS["vqa/resize_short480"], strict=True):
        assert list(scaled_size(int(height), int(width), 480)) == expected.tolist()


@pytest.mark.parametrize("case", VECTORS.text("vqa/item/names"))
def test_fragments_of_scaled_frames(case: str) -> None:
    n, height, width, size, patch, *_ = VECTORS[f"vqa/item/{case}/N_H_W_rsize_patch_clips_train"].tolist()
    frames = golden.u8(f"zoom_pipeline/{case}", (n, height, width, 3), VECTORS.seed)
    indices = VECTORS[f"vqa/item/{case}/frame_inds"]
    chosen = torch.from_numpy(frames[indices]).permute(3, 0, 1, 2)
    larger = torch.cat([scaled(some, max(size, 0)) for some in chosen.split(16, dim=1)], dim=1)
    rule = FragmentSampling((7, 7), (8 * patch, 8 * patch), 32, "centre")
    enlarged = enlarge_small(larger, rule)
    size = grid_size(larger, enlarged, rule)
    offsets = fragment_offsets(size, len(indices), rule, torch.Generator())
    if f"vqa/item/{case}/off_h" in VECTORS:  # as the released code drew them for a training
        offsets = VECTORS.tensor(f"vqa/item/{case}/off_h"), VECTORS.tensor(f"vqa/item/{case}/off_w")
    item = normalise(cut_fragments(enlarged, size, offsets, rule)[None])[0]
    assert list(item.shape) == VECTORS[f"vqa/item/{case}/item.shape"].tolist()
    sample = item.numpy().ravel()[:: int(VECTORS.scalar(f"vqa/item/{case}/item.stride"))]
    far = np.abs(sample - VECTORS[f"vqa/item/{case}/item.sub"])
    assert far.max() < 0.0176
    assert (far > 1e-3).mean() <= 0.01


@pytest.mark.parametrize("case", VECTORS.groups("iqa/lr/", "backbone_head"))
def test_schedule_of_the_image_branch(case: str) -> None:
    steps, epochs = VECTORS[f"iqa/lr/{case}/iters_epochs"].tolist()
    block = yaml.safe_load((ROOT / "params.yaml").read_text())["methods"]["zoomvqa"] | {"epochs": epochs}
    row = {"init": "initial/zoomvqa.safetensors", "data": "prepared/a", "train": "a", "test": ("a/test",)}
    method = load_method("zoomvqa", block, Run(method="zoomvqa", **row))
    multipliers = np.array([method.learning_rate(step, steps)[:2] for step in range(steps * epochs)])
    assert_close(multipliers * np.array([8e-5, 4e-4]), VECTORS[f"iqa/lr/{case}/backbone_head"], 1e-12)


def test_scores_of_videos_are_means_of_their_pictures() -> None:
    counts, scores = VECTORS["iqa/video/frame_counts"], VECTORS["iqa/video/frame_scores"].astype(float)
    parts = np.split(scores, np.cumsum(counts)[:-1])
    means = np.array([part.mean() for part in parts])
    assert_close(means, VECTORS["iqa/video/video_scores"], 1e-4)
    found = raw_scores(means, VECTORS["iqa/video/mos"].astype(float))
    expected = VECTORS["iqa/video/srcc_plcc_rmse"]
    assert (found["srcc"], found["plcc"]) == pytest.approx(expected[:2].tolist(), abs=1e-5)


def test_fusion() -> None:
    found = logistic_mean(VECTORS["ensemble/iqa_raw"], VECTORS["ensemble/vqa_raw"])
    assert_close(found, VECTORS["ensemble/fused"], 1e-9)
