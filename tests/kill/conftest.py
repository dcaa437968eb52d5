"""One world for all kills, on a disk that can be made as small as one likes where that is allowed."""

import subprocess
from collections.abc import Iterator

import pytest
from kill_world import World, killing


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Every task has run once, undisturbed."""
    folder = tmp_path_factory.mktemp("kill")
    (folder / "scale").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder / "scale")]
    own_disk = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        with killing(folder) as made:
            made.own_disk = own_disk
            yield made
    finally:
        if own_disk:
            subprocess.run(["umount", "-l", str(folder / "scale")], check=True)
