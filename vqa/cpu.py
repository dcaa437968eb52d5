"""One instruction set for all: what the numerical libraries are told before they are loaded.

PyTorch, MKL, oneDNN, OpenBLAS and NumPy each choose their kernels by the processor they find, and kernels round
differently. Told to use AVX2, which x86-64 processors of the last decade have, they give the same bytes on all of
them; ``tests/test_cpus.py`` compares several. Where there is no AVX2, for example on ARM, nothing is told.
"""

import os
from pathlib import Path

# Set whatever was set before: a result must not depend on the shell that it was made in.
PINS = {
    "MKL_CBWR": "AVX2,STRICT",  # strict: sums in the same order wherever an array lies and whoever made the processor
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",  # its name for AVX2
    # X86_V3 is AVX2: QEMU 7.2 imitates the sort in these kernels wrongly, so they could not be compared with others.
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    # One thread until params say otherwise (vqa.device): the order of sums depends on the number.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def has_avx2(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether Linux says that this is an x86-64 processor with AVX2."""
    try:
        with cpuinfo.open(encoding="utf-8") as lines:
            return "avx2" in next((line for line in lines if line.startswith("flags")), "").split()
    except OSError:
        return False


def pin() -> None:
    """Put :data:`PINS` into the environment of this process and its children; on other processors change nothing."""
    if has_avx2():
        os.environ.update(PINS)
