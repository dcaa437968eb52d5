"""The bench of sampling, on a small clip: every way is there, and one that gives other pixels is found out."""

from pathlib import Path

import pytest
import torch

from vqa.bench import sampling as module


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FRAMES": 72, "HEIGHT": 240, "WIDTH": 256, "EPOCHS": 2}.items():
        monkeypatch.setattr(module, name, value)


def test_every_way_is_measured_and_the_one_by_index_comes_last(tmp_path: Path) -> None:
    found = module.sampling(tmp_path, repeats=1)
    assert [way.split()[0] for way in found] == ["store", "frame", "decoded", "by"]
    assert all(wall > 0 and cpu > 0 for wall, cpu in found.values())


def test_other_pixels_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    naive = module._naive
    monkeypatch.setattr(module, "_naive", lambda *given: torch.flip(naive(*given), (0,)))
    with pytest.raises(RuntimeError, match="different pixels"):
        module.sampling(tmp_path, repeats=1)
