"""Fixtures and settings that all tests share."""

import vqa  # noqa: F401 - pins the instructions of NumPy and PyTorch before anything imports them

# isort: split
import os
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings

# Kernels of a GPU run in Triton's interpreter where there is none; it is told before anything imports it.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

# Nothing is taken from a store that somebody has, or put there.
os.environ.pop("VQA_SCRATCH", None)

# As the stages run: two threads of one process would fight with whatever else runs.
torch.set_num_threads(1)

# The same examples on every run: a red test stays red until somebody repairs it.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--lines FLOOR`` counts the lines of vqa that are reached."""
    parser.addoption(
        "--lines", type=float, metavar="FLOOR", help="count lines of vqa; fail below this share in percent"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count before a test imports anything."""
    if config.getoption("lines") is not None:
        from line_coverage import Counter

        config.pluginmanager.register(Counter(config.getoption("lines")), "lines")


@pytest.fixture(autouse=True)
def one_dnn() -> Iterator[None]:
    """On again after a test that set a device up, so that no test depends on those before it."""
    yield
    torch.backends.mkldnn.set_flags(True)


@pytest.fixture(scope="session")
def tiny_sets(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """The tiny data set by the number of frames of its items."""
    from tiny import open_dataset, write_dataset  # here: lines are counted before anything of vqa is imported

    folders = {n_frames: tmp_path_factory.mktemp("tiny") for n_frames in (12, 1)}
    for n_frames, folder in folders.items():
        write_dataset(folder, n_frames=n_frames)
    return {n_frames: open_dataset(folder) for n_frames, folder in folders.items()}


@pytest.fixture
def data(tiny_sets: dict[int, Any], request: pytest.FixtureRequest) -> Any:
    """The tiny data set, a ``PreparedDataset``, for the method of a test (:func:`tiny.looked_at`)."""
    from tiny import looked_at

    return tiny_sets[looked_at(request)]


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Two threads for the heavy tests, whatever the others were given."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def global_rng_untouched() -> Iterator[None]:
    """Fail the test if it moved a global generator (torch, NumPy, Python) while it ran."""

    def states() -> dict[str, object]:
        _, keys, position, *_ = np.random.get_state()  # noqa: NPY002 - the legacy generator is what must not be used
        return {
            "torch": torch.get_rng_state().tolist(),
            "NumPy": (keys.tolist(), position),
            "Python": random.getstate(),
        }

    before = states()
    yield
    used = [name for name, state in states().items() if state != before[name]]
    assert not used, f"global generators were used: {', '.join(used)}"
