"""The published files of the real data sets, where a mirror of them is there: nothing of it is in the project."""

import os
from pathlib import Path

import pytest
from project import ROOT

from vqa.data.published.entries import PUBLISHED, bring_entry

DEFAULT_FOLDER = ROOT.parent / "shared" / "mirror"


def mirror_folder() -> Path:
    """Folder that ``VQA_MIRROR`` names, or the one beside the project; skips the test where there is none."""
    folder = Path(os.environ.get("VQA_MIRROR") or DEFAULT_FOLDER)
    if not (folder / "raw.githubusercontent.com").is_dir():
        pytest.skip(f"no mirror of the published files: VQA_MIRROR is not set and {DEFAULT_FOLDER} is not there")
    return folder


def brought(root: Path, *entries: str) -> Path:
    """``root`` with the named entries, or all of them, each in its folder."""
    root.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VQA_MIRROR", str(mirror_folder()))
        patch.chdir(root)
        for entry in entries or PUBLISHED:
            bring_entry(entry, root / entry)
    return root
