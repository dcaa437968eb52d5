"""Device, threads and determinism of one process, from params."""

import ctypes
import os
import platform

import torch

from vqa.io import InputError
from vqa.settings.params import Common


def set_up(common: Common) -> torch.device:
    """Pin the threads, switch deterministic algorithms on and return the device to use.

    Raises:
        InputError: if params ask for CUDA and there is none.
    """
    torch.set_num_threads(common.threads)
    _keep_freed_memory()
    _take_buffers()
    available = torch.cuda.is_available()
    if common.device == "cuda" and not available:
        raise InputError("common.device is cuda, but no CUDA device is visible; set it to auto or cpu")
    use_cuda = available and common.device != "cpu"
    if common.deterministic:
        # oneDNN and NNPACK sum in an order that depends on the sizes of the processor's caches.
        torch.backends.mkldnn.set_flags(False)
        torch.backends.nnpack.set_flags(False)
    if common.deterministic and (use_cuda or common.threads > 1):
        # One CPU thread is deterministic by itself, and the switch costs seconds of imports in every process.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when CUDA starts
        torch.use_deterministic_algorithms(True)
        # What is read before it is written would be a bug; filling every new tensor to find it takes time in each step.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    # fp32 throughout, as the released code: TF32 changes numbers.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda" if use_cuda else "cpu")


def _keep_freed_memory() -> None:
    """Have the C library keep what is freed: given back after every step, it is mapped and cleared anew in the next.

    That takes up to a seventh of a small training. Other C libraries than GNU's go on as they are.
    """
    trim_threshold, mmap_threshold, most = -1, -3, 256 << 20
    if hasattr(ctypes.CDLL(None), "mallopt"):
        for option in (trim_threshold, mmap_threshold):
            ctypes.CDLL(None).mallopt(option, most)


def _take_buffers() -> None:
    """Have MKL take the memory that it works in, which it keeps; with less of it, it rounds otherwise in silence."""
    square = torch.ones(512, 512)
    torch.bmm(square[None], square[None])
    torch.mm(square, square)


def describe(device: torch.device, common: Common) -> dict[str, str | int]:
    """Hardware and versions that the bytes of a result depend on: the same text wherever these are the same.

    So Python goes without its last number, and processors that :mod:`vqa.cpu` makes alike have one name. How networks
    compute is named where it is not as in the released code.
    """
    found: dict[str, str | int] = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "torch": torch.__version__,
    }
    if common.precision != "fp32":
        found["precision"] = common.precision
    if common.compile:
        found["compiled"] = True
    return found
