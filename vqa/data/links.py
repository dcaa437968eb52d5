"""One file in two places without two copies of it, where that is possible."""

import os
import shutil
from pathlib import Path

from vqa.io import InputError


def link_or_copy(source: Path, target: Path) -> None:
    """Make ``target`` a hard link of the file ``source``, or a copy where the file system or its rights forbid that.

    Raises:
        InputError: if it can be neither linked nor read, or if there is no space left.
    """
    source = source.resolve()  # a hard link of a symbolic link would be a symbolic link
    try:
        os.link(source, target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            raise InputError(f"{source}: cannot be copied to {target.parent} ({error.strerror})") from None
