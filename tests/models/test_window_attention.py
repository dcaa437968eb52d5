"""The kernels of a GPU, run program by program in Triton's interpreter, against attention window by window."""

import os

import pytest
import torch
from tiny import randomise
from torch import Tensor

pytest.importorskip("triton")

from vqa.models import window_attention, windows
from vqa.models.swin3d import Places, WindowAttention
from vqa.rng import torch_generator

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SMALL = ((4, 6, 6), (2, 3, 3), (2, 3, 3))  # map, window, the window that tables are made for

CASES = {
    "shifted in space and time": (*SMALL, (1, 1, 1), 2, 16, True),
    "not shifted": (*SMALL, (0, 0, 0), 2, 16, True),
    "no gate": (*SMALL, (0, 1, 1), 1, 32, False),
    "window smaller than the tables": ((2, 4, 6), (2, 2, 3), (3, 3, 4), (0, 1, 1), 3, 16, True),
}
TINY = ((2, 3, 12), (2, 3, 3), (2, 3, 3), (0, 0, 1), 1, 16, True)
REAL = ((8, 7, 14), (8, 7, 7), (8, 7, 7), (0, 0, 3), 2, 32, True)


def _places(case: tuple, fused: bool) -> Places:
    size, window, _, shift, *_ = case
    lattice = (window[1], window[2])
    if fused:
        return Places(window, shift, windows.layout(lattice, size, window, shift, DEVICE), None, None)
    mask = windows.shift_mask(size, window, shift, DEVICE) if any(shift) else None
    return Places(window, shift, None, windows.fragment_distance(lattice, size, window, shift, DEVICE), mask)


def _run(case: tuple, fused: bool, dtype: torch.dtype) -> dict[str, Tensor]:
    """Output and gradients of one attention layer, from fixed weights and inputs."""
    size, _, table, _, heads, head_size, gated = case
    attention = randomise(WindowAttention(heads * head_size, heads, table, gated)).to(DEVICE, dtype)
    shape = (2, *size, heads * head_size)
    x, weight = (torch.randn(shape, generator=torch_generator("test", k)).to(DEVICE, dtype) for k in (1, 2))
    x.requires_grad_()
    out = attention(x, _places(case, fused))
    (out * weight).sum().backward()
    gradients = {name: p.grad for name, p in attention.named_parameters() if p.grad is not None}
    return {"out": out.detach(), "x": x.grad, **gradients}


def _error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected).abs().max() / expected.abs().max())


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Tiles that a window of 18 tokens is no multiple of, and several shares of the windows."""
    if "real" not in request.node.name:
        for name in ("FORWARD", "QUERIES", "KEYS", "TABLES"):
            monkeypatch.setattr(window_attention, name, (16, 16, 4, 1))
        monkeypatch.setattr(window_attention, "PROGRAMS", 40)
        monkeypatch.setattr(window_attention, "SIDE", 16)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_kernels_are_the_attention_window_by_window(case: tuple) -> None:
    expected = _run(case, False, torch.float64)
    found = _run(case, True, torch.float32)
    assert found.keys() == expected.keys()
    assert max(_error(found[name], expected[name]) for name in expected) < 1e-5


def test_operands_of_16_bits() -> None:
    case = TINY
    expected = _run(case, False, torch.float64)
    found = _run(case, True, torch.float16)
    assert max(_error(found[name], expected[name]) for name in expected) < 1e-2


def test_the_same_bits_twice_and_others_from_other_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    case = TINY
    monkeypatch.setattr(window_attention, "PROGRAMS", 8)
    once, again = (_run(case, True, torch.float32) for _ in range(2))
    assert all(torch.equal(once[name], again[name]) for name in once)
    monkeypatch.setattr(window_attention, "PROGRAMS", 1)
    other = _run(case, True, torch.float32)
    table = "relative_position_bias_table"
    assert not torch.equal(once[table], other[table]), "the order of this sum is in the source"
    assert _error(other[table], once[table].double()) < 1e-6


@pytest.mark.skipif(
    not (torch.cuda.is_available() or os.environ.get("VQA_FULL_WINDOW")),
    reason="takes minutes in the interpreter: set VQA_FULL_WINDOW=1 to run it",
)
def test_the_real_window_of_392_tokens() -> None:
    expected = _run(REAL, False, torch.float64)
    found = _run(REAL, True, torch.float32)
    assert max(_error(found[name], expected[name]) for name in expected) < 1e-4
