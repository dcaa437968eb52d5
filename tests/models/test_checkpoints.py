"""Published weights: every entry of the registry fills its model, and whatever differs is refused."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from published_files import CASES, Files, ResNetLike, State, filled, fragments, library_network, resnet, same
from safetensors.torch import save_file

from vqa.io import InputError
from vqa.models.checkpoints import NOT_WEIGHTS, load_initial, load_published, obtain_published
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.registry import PUBLISHED
from vqa.models.swin3d import SwinConfig, SwinTransformer3D
from vqa.rng import torch_generator

# Whose files carry the start of their checksum in their names
NAMED = {"swin3d_t", "resnet50", "resnet50_quality", "dover_swin3d_t"}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    return Files(tmp_path, monkeypatch)


def test_every_entry_has_a_case_and_says_where_it_is_from() -> None:
    assert set(CASES) == set(PUBLISHED)
    for name, entry in PUBLISHED.items():
        assert entry.name == name
        assert entry.terms
        assert entry.source
        assert entry.url is None or entry.url.endswith(f"/{entry.file}")
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)


def test_checksums_that_names_carry() -> None:
    assert PUBLISHED["swin3d_t"].hash_prefix == "7615ae03"
    assert PUBLISHED["resnet50"].hash_prefix == "19c8e357"
    assert {name for name, entry in PUBLISHED.items() if entry.hash_prefix} == NAMED


@pytest.mark.parametrize("name", CASES)
def test_every_published_file_fills_its_model(name: str, files: Files) -> None:
    _, _, theirs, ours = CASES[name]
    published: State = {}
    model, report = files.load(name, published.update)
    state = model.state_dict()
    assert torch.equal(state[ours], published[theirs])
    assert set(report.loaded).isdisjoint(report.missing)
    assert set(report.loaded) | set(report.missing) == {key for key in state if key.split(".")[-1] not in NOT_WEIGHTS}
    assert report.name == name


def test_a_network_of_two_branches_starts_from_a_file_for_each(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    build = CASES["zoomvqa_fastvqa"][0]
    model = build()
    states = {name: CASES[name][1](build()) for name in ("zoomvqa_convnext_t", "zoomvqa_fastvqa")}
    written = {name: files.write(name, state) for name, state in states.items()}
    monkeypatch.setattr("vqa.models.checkpoints.obtain_published", lambda name, *_: written[name][0])
    load_initial(" + ".join(states), model, {name: sha256 for name, (_, sha256) in written.items()}, files.folder)
    after = model.state_dict()
    assert torch.equal(
        after["iqa.backbone.stem_0.weight"], states["zoomvqa_convnext_t"]["downsample_layers.0.0.weight"]
    )
    assert torch.equal(after["vqa.vqa_head.fc_hid.bias"], states["zoomvqa_fastvqa"]["vqa_head.fc_hid.bias"])


def test_kernels_of_another_size_answer_even_pictures_as_before(files: Files) -> None:
    published: State = {}
    model, _ = files.load("zoomvqa_fastvqa", published.update)
    old = published["fragments_backbone.patch_embed.proj.weight"]
    new = model.state_dict()["vqa.fragments_backbone.patch_embed.proj.weight"]
    assert new.shape[-2:] == (6, 6)
    torch.testing.assert_close(new.sum((3, 4)), old.sum((3, 4)), rtol=1e-4, atol=1e-4)
    published.clear()
    model, _ = files.load("dover_convnext_t", published.update)
    own = {key.removeprefix("aesthetic_backbone."): value for key, value in model.state_dict().items()}
    for key in ("downsample_layers.0.0.weight", "stages.0.1.dwconv.weight", "downsample_layers.1.1.weight"):
        torch.testing.assert_close(own[key].sum(2), published[key])
        assert torch.equal(own[key][:, :, 0], own[key][:, :, -1]), "the same at all times"


@pytest.mark.parametrize("name", ["swin3d_t", "swin3d_t_original"])
def test_what_kinetics_weights_leave_at_its_initial_value(name: str, files: Files) -> None:
    fresh = fragments()
    model, report = files.load(name)
    tables = {key for key in fresh.state_dict() if "fragment_position_bias_table" in key}
    heads = {f"vqa_head.{layer}.{leaf}" for layer in ("fc_hid", "fc_last") for leaf in ("weight", "bias")}
    assert set(report.missing) == tables | heads
    for key in report.missing:
        assert torch.equal(model.state_dict()[key], fresh.state_dict()[key]), key
    index = "fragments_backbone.layers.0.blocks.0.attn.relative_position_index"
    assert torch.equal(model.state_dict()[index], fresh.state_dict()[index])


def test_all_names_and_shapes_of_the_network_of_the_library() -> None:
    from torchvision.models.video import swin3d_t

    with torch.random.fork_rng(devices=[]):
        theirs = PUBLISHED["swin3d_t"].key_map(swin3d_t().state_dict())
        backbone = SwinTransformer3D(SwinConfig())
        ours = FragmentVQA(backbone, VQAHead(backbone.out_channels)).state_dict()
    weights = {key for key in ours if key.split(".")[-1] not in NOT_WEIGHTS}
    missing = weights - set(theirs)
    assert {theirs[key].shape == ours[key].shape for key in weights - missing} == {True}
    assert {key for key in theirs if key not in ours} == {"head.weight", "head.bias"}
    assert len([key for key in missing if key.endswith("fragment_position_bias_table")]) == 10
    assert len(missing) == 14


def test_the_network_of_the_library_is_ours_without_gate(files: Files) -> None:
    """Eight frames, which shrink the windows in time by the same rule on both sides."""
    sizes = {"width": 24, "heads": (3, 6, 12, 24), "input_size": (8, 224, 224)}
    config = SwinConfig(depths=(2, 2, 2, 1), gated=False, **sizes)
    ours = fragments(config)
    theirs = library_network(config)
    theirs.load_state_dict(filled(theirs.state_dict()))
    path, sha256 = files.write("swin3d_t", theirs.state_dict())
    assert len(load_published("swin3d_t", path, ours, sha256).missing) == 4
    clip = torch.randn(1, 3, *config.input_size, dtype=torch.float64, generator=torch_generator("test", 1))
    ours.double().eval()
    theirs.double().eval()
    with torch.no_grad():
        expected = theirs.norm(theirs.features(theirs.pos_drop(theirs.patch_embed(clip))))
        torch.testing.assert_close(ours.fragments_backbone(clip), expected, atol=1e-8, rtol=0)


FAULTS: dict[str, tuple[str, Callable[[State], object], str]] = {
    "a name too many": ("fastvqa", lambda s: s.update(extra=torch.ones(1)), r"1 unexpected \(extra\)$"),
    "a name too few": ("fastvqa", lambda s: s.pop("vqa_head.fc_hid.bias"), r"1 missing \(vqa_head.fc_hid.bias\)$"),
    "another shape": (
        "fastvqa",
        lambda s: s.update({"vqa_head.fc_last.bias": torch.ones(2)}),
        r"1 of another shape \(vqa_head.fc_last.bias \(2,\) for \(1,\)\)$",
    ),
    "tables that Kinetics weights do not have": (
        "swin3d_t_original",
        lambda s: s.update({"backbone.layers.0.blocks.0.attn.fragment_position_bias_table": torch.zeros(75, 2)}),
        "1 there though they must not be",
    ),
    "no classifier": ("swin3d_t", lambda s: s.pop("head.bias"), r"1 expected besides but not there \(head.bias\)$"),
    "no aesthetic branch": (
        "dover_technical",
        lambda s: s.pop("aesthetic_head.fc_hid.bias"),
        r"1 expected besides but not there \(aesthetic_head.\*\)$",
    ),
    "half of a bias": (
        "swinv2_t",
        lambda s: s.pop("layers.0.blocks.0.attn.v_bias"),
        r"1 missing \(backbone.features.1.0.attn.qkv.bias\); 1 unexpected",
    ),
    "nothing": ("simplevqa", lambda s: s.clear(), r"12 missing \(conv1.weight, conv1.bias, bn1.weight, \.\.\.\)$"),
    "a number": ("fastvqa", lambda s: s.update(epoch=3), "holds no state dict under 'state_dict'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_any_other_content_is_one_line_and_changes_nothing(fault: str, files: Files) -> None:
    name, change, message = FAULTS[fault]
    with pytest.raises(InputError, match=message) as caught:
        files.load(name, change)
    assert str(caught.value).startswith(str(files.folder / name))
    assert "\n" not in str(caught.value)


def test_a_state_dict_without_its_container(files: Files) -> None:
    torch.save(same(fragments()), files.folder / "draft")
    path, sha256 = files.take("fastvqa")
    with pytest.raises(InputError, match="holds no state dict under 'state_dict', as fastvqa must"):
        load_published("fastvqa", path, fragments(), sha256)


@pytest.mark.parametrize("name", sorted(set(CASES) - NAMED))
def test_no_file_is_read_whose_checksum_nobody_stated(name: str, files: Files) -> None:
    build, publish, *_ = CASES[name]
    path, _ = files.write(name, publish(build()))
    with pytest.raises(InputError, match=f"{name}: no checksum of .* is published; state the sha256"):
        load_published(name, path, build())


def test_the_checksum_in_the_name_and_the_stated_one_both_decide(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ResNetLike()
    path, sha256 = files.write("resnet50", resnet(model))
    assert load_published("resnet50", path, model).sha256 == sha256
    assert load_published("resnet50", path, model, sha256.upper()).sha256 == sha256
    with pytest.raises(InputError, match=f"sha256 is {sha256}, resnet50 must have {'0' * 64}"):
        load_published("resnet50", path, model, "0" * 64)
    with pytest.raises(InputError, match="'abc' is not 64 hexadecimal digits"):
        load_published("resnet50", path, model, "abc")
    for change in ({"file": "resnet50-19c8e357.pth"}, {"sha256": "1" * 64}):
        with monkeypatch.context() as patch:
            patch.setitem(PUBLISHED, "resnet50", replace(PUBLISHED["resnet50"], **change))
            with pytest.raises(InputError, match=r"resnet50 must have (19c8e357|1{64}): not the published file"):
                load_published("resnet50", path, model, sha256)


class Code:
    """Unpickled in good faith, this would make a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_refused_and_does_not_run(zipped: bool, files: Files) -> None:
    state = same(fragments()) | {"code": Code(files.folder / "was-here")}
    path, sha256 = files.write("fastvqa", state, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match="it may hold code and is not opened") as caught:
        load_published("fastvqa", path, fragments(), sha256)
    assert "\n" not in str(caught.value)
    assert not (files.folder / "was-here").exists()


@pytest.mark.parametrize("content", [b"", b"<html>quota exceeded</html>", b"PK\x03\x04 cut off"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_something_else(content: bytes, suffix: str, files: Files) -> None:
    (files.folder / "draft").write_bytes(content)
    path, sha256 = files.take("fastvqa", suffix)
    with pytest.raises(InputError, match=re.escape(str(path))) as caught:
        load_published("fastvqa", path, fragments(), sha256)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("module", [b"numpy._core.multiarray", b"numpy.core.multiarray"])
def test_old_files_with_scores_of_either_numpy_are_read(module: bytes, files: Files) -> None:
    model, state = fragments(seed=1), same(fragments())
    content = {"state_dict": state, "validation_results": (np.float64(0.5), np.float32(0.5))}
    torch.save(content, files.folder / "draft", _use_new_zipfile_serialization=False)
    raw = (files.folder / "draft").read_bytes()
    assert b"multiarray\nscalar" in raw
    (files.folder / "draft").write_bytes(raw.replace(b"numpy._core.multiarray", module))
    path, sha256 = files.take("fastvqa")
    load_published("fastvqa", path, model, sha256)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_safetensors(files: Files) -> None:
    model, state = fragments(seed=1), same(fragments())
    save_file(state, files.folder / "draft")
    path, sha256 = files.take("fastvqa", ".safetensors")
    load_published("fastvqa", path, model, sha256)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_a_missing_file_says_where_to_get_it(tmp_path: Path) -> None:
    for name, place in {"swin3d_t": "https://download.pytorch.org", "sama_vqa": "Google Drive"}.items():
        with pytest.raises(InputError, match=f"no such file.*{place}"):
            load_published(name, tmp_path / "none.pth", fragments(), "0" * 64)


def test_unknown_entries(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'swin' is not one of swin3d_t, "):
        load_published("swin", tmp_path, fragments())


def test_published_files_are_obtained_by_their_checksum(files: Files, tmp_path: Path) -> None:
    path, sha256 = files.write("resnet50", resnet(ResNetLike()))
    assert obtain_published("resnet50", tmp_path) == path
    assert obtain_published("resnet50", tmp_path, sha256) == path
    with pytest.raises(InputError, match=r"expected 0{64}"):
        obtain_published("resnet50", tmp_path, "0" * 64)
    with pytest.raises(InputError, match="state the sha256"):
        obtain_published("dover_technical", tmp_path)
    with pytest.raises(InputError, match=r"no address to download from.*Google Drive"):
        obtain_published("sama_vqa", tmp_path, "0" * 64)
