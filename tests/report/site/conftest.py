"""A small finished project for the tests of one page each."""

from pathlib import Path

import pytest
from site_fixture import build_site_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that the site reads, without the site; a module may make its own in its place."""
    folder = tmp_path_factory.mktemp("site")
    build_site_project(folder)
    return folder
