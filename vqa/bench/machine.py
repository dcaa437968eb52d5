"""Where something was made, in words: the machine and what runs on it, without its name or any path."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def processor() -> str:
    """Model of the processor, as Linux names it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def describe() -> dict[str, str]:
    """Processor, cores, memory, GPUs, system, Python and PyTorch, by what they are."""
    import torch  # takes seconds to import

    count = torch.cuda.device_count()
    gpus = dict.fromkeys(torch.cuda.get_device_name(number) for number in range(count))
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = platform.system()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "Processor": processor(),
        "Cores": str(len(os.sched_getaffinity(0))),
        "GPU": f"{count}: {', '.join(gpus)}" if count else "none",
        "Memory": f"{memory:.0f} GiB",
        "System": f"{system}, kernel {platform.release()}",
        "Python": platform.python_version(),
        "PyTorch": version("torch"),
    }
