"""Whether what a scale needs of published files can be had at all: asked once, before anything is built."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from vqa.data.published.datasets import entries_of
from vqa.data.published.entries import CACHE, ROOT, published_entry
from vqa.io import InputError
from vqa.settings.params import Params
from vqa.sources.download import MIRROR, mirrored
from vqa.sources.transfer import reason

# Seconds until a host that does not answer counts as out of reach.
PATIENCE = 10.0


def check_reach(params: Params) -> None:
    """Make sure that every published file of a scale is here, in the mirror, or on a host that answers.

    Raises:
        InputError: one line: how many files are missing, which host cannot be reached and why, and what to do.
    """
    missing = sorted(set(_missing(params)))
    for host in dict.fromkeys(urlsplit(url).netloc for url in missing):
        if why := unreachable(next(url for url in missing if urlsplit(url).netloc == host)):
            mirror = os.environ.get(MIRROR)
            said = f"{MIRROR} is {mirror}, which lacks them" if mirror else f"{MIRROR} is not set"
            raise InputError(
                f"published files: {len(missing)} missing, {said}, and {host} cannot be reached ({why}): "
                f"set {MIRROR} to a folder that holds them as HOST/PATH of their addresses, or connect to the network"
            )


def unreachable(url: str) -> str:
    """Why the host of ``url`` cannot be reached; empty if it answers, whatever it says."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=PATIENCE):
            return ""
    except urllib.error.HTTPError:
        return ""
    except OSError as error:
        return reason(error)


def _missing(params: Params) -> Iterator[str]:
    """Addresses of the files that are neither where a stage would put them nor in the mirror."""
    folders = [(name, ROOT) for name in params.published]
    for name, dataset in params.datasets.items():
        if dataset.source == "published" and not (Path("data") / name).is_dir():
            folders += [(entry, CACHE) for entry in entries_of(name)]
    for name, root in folders:
        for path, source in published_entry(name).sources.items():
            url = source.remote(path).url
            if url and not (root / name / path).is_file() and mirrored(url) is None:
                yield url
