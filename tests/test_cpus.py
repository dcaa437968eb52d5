"""The same bytes on every x86-64 processor with AVX2: digests of this one beside those of others that QEMU imitates.

A process under ``qemu-x86_64 -cpu MODEL`` sees that model: its maker, its instructions, its caches. It takes minutes;
``make cpus`` runs it.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cpu_digests
import pytest
from project import ROOT

from vqa.cpu import has_avx2

QEMU = shutil.which("qemu-x86_64")
# Intel's first one with AVX2, a later one with other caches, and AMD's Zen 3
MODELS = ("Haswell", "Skylake-Client", "EPYC-Milan")

pytestmark = [
    pytest.mark.cpus,
    pytest.mark.skipif(QEMU is None, reason="qemu-x86_64 is missing: install the package qemu-user"),
    pytest.mark.skipif(platform.machine() != "x86_64" or not has_avx2(), reason="not an x86-64 processor with AVX2"),
]


def digests(model: str | None) -> dict[str, str]:
    """What :mod:`cpu_digests` says on a processor; None: on this one."""
    command = [sys.executable, cpu_digests.__file__]
    if model is not None:
        # QEMU wants the program itself and not a link to it; by the name it is called, Python finds its packages.
        command = [QEMU, "-cpu", model, "-0", sys.executable, os.path.realpath(sys.executable), command[1]]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{model}: {done.stderr[-2000:]}"
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    return digests(None)


@pytest.fixture(scope="module")
def elsewhere() -> dict[str, dict[str, str]]:
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(MODELS, pool.map(digests, MODELS), strict=True))


def test_every_part_gave_digests(here: dict[str, str]) -> None:
    assert {name.partition(":")[0] for name in here} == set(cpu_digests.parts())


def test_another_run_gives_the_same(here: dict[str, str]) -> None:
    assert digests(None) == here


@pytest.mark.parametrize("model", MODELS)
def test_another_processor_gives_the_same(
    model: str, here: dict[str, str], elsewhere: dict[str, dict[str, str]]
) -> None:
    other = elsewhere[model]
    assert other.keys() == here.keys()
    differing = [name for name in here if other[name] != here[name]]
    assert not differing, f"{len(differing)} of {len(here)} differ on {model}, first {differing[0]!r}"
