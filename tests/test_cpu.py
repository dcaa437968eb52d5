"""The pins of instructions, and that nothing the suite computes goes where pins do not reach."""

import os
import subprocess
import sys
from pathlib import Path

import cpu_digests
import pytest
import torch
from numpy._core._multiarray_umath import __cpu_dispatch__
from operations import Seen
from project import ROOT

from vqa.cpu import PINS, has_avx2, pin

avx2 = pytest.mark.skipif(not has_avx2(), reason="not an x86-64 processor with AVX2")

# The library's own initial values of Swin Transformer V2, which ours take the place of.
OVERWRITTEN = ("log [(", "log2 [(1, 7, 7, 2)]")


@avx2
def test_every_kernel_of_numpy_beyond_its_baseline_is_off() -> None:
    assert set(PINS["NPY_DISABLE_CPU_FEATURES"].split()) == set(__cpu_dispatch__)


@avx2
@pytest.mark.parametrize("package", ["vqa", "stages", "vqa.data.video"])
def test_importing_the_package_pins_before_the_libraries_are_loaded(package: str) -> None:
    code = f"import {package}, os, numpy, torch; print(torch.backends.cpu.get_cpu_capability(), dict(os.environ))"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MKL_CBWR": "AUTO", "ATEN_CPU_CAPABILITY": "default"}
    env.pop("OPENBLAS_CORETYPE", None)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    capability, _, found = done.stdout.partition(" ")
    assert capability == "AVX2"
    assert PINS.items() <= eval(found).items()


def test_a_processor_without_avx2_is_told_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    assert not has_avx2(cpuinfo)
    cpuinfo.write_text("processor: 0\nFeatures: fp asimd\n")
    assert not has_avx2(cpuinfo)
    cpuinfo.write_text("processor: 0\nflags\t\t: fpu sse2 avx avx2x\n")
    assert not has_avx2(cpuinfo)
    cpuinfo.write_text("processor: 0\nflags\t\t: fpu sse2 avx avx2 fma\n")
    assert has_avx2(cpuinfo)
    monkeypatch.setattr("vqa.cpu.has_avx2", lambda: False)
    monkeypatch.setenv("MKL_CBWR", "AUTO")
    pin()
    assert os.environ["MKL_CBWR"] == "AUTO"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*cpu_digests.blocks(), "motion"])
def test_nothing_goes_where_pins_do_not_reach(name: str) -> None:
    part = cpu_digests.PARTS.get(name) or (lambda record: cpu_digests.method(name, record))
    with Seen() as seen:
        part(lambda name, value: None)
    assert not torch.backends.mkldnn.enabled
    assert len(seen.names) > 20
    assert not {text for text in seen.wrong if not (name == "sama_iqa" and text.startswith(OVERWRITTEN))}
