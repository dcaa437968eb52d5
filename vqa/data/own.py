"""Data sets of the user's own: where their files and labels are, and what was last seen of both.

``sources.yaml`` of such a scale has a block for each of them::

    clips:
      videos: /home/me/videos    # the files stay there; data/NAME has links to them, or copies
      labels: labels.csv         # name,mos,split, names below the folder; seen from the folder of the scale
      seen: 3f0c...              # digest of the labels, and of names, sizes and times of the files

DVC takes the block for a parameter of the stage ``fetch``, and does not look into the folder of the user. So
:func:`refresh` writes ``seen`` anew before the graph is run: after a label was corrected or a file replaced, everything
that depends on it is then brought up to date.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import yaml

from vqa.data.labels import read_labels
from vqa.data.listed import listed_files
from vqa.io import atomic, digest
from vqa.settings.params import Params, load_source
from vqa.settings.strict import build

SOURCES = Path("sources.yaml")
HEADER = "# Where the data are. Kept up to date by `vqa repro`; edit videos and labels, and leave seen alone.\n"


@dataclass(frozen=True)
class Source:
    """A block of ``sources.yaml``.

    Attributes:
        videos: folder of the files, absolute or seen from the folder of the scale.
        labels: label list, as ``videos``.
        seen: see :func:`look`; empty if nothing was seen yet.
    """

    videos: str
    labels: str
    seen: str = ""


def own_source(name: str, path: Path = SOURCES) -> Source:
    """The block of the data set ``name``; ParamsError says what does not fit."""
    return build(Source, load_source(name, path), f"{path.name}: {name}")


def look(source: Source) -> str:
    """Digest of the label list, and of names, sizes and times of change of the files that it names.

    Raises:
        InputError: if the list is not one, or a file is missing.
    """
    labels, lines = Path(source.labels), []
    files = listed_files(Path(source.videos), read_labels(labels).name)
    for name, file in files.items():
        state = file.stat()
        lines.append(f"{name},{state.st_size},{state.st_mtime_ns}")
    return digest(labels.read_bytes() + "\n".join(lines).encode())[:16]


def refresh(params: Params, path: Path = SOURCES) -> list[str]:
    """Bring ``seen`` of the user's own data sets up to date; names of those that changed.

    Raises:
        InputError: see :func:`look`.
    """
    own = [name for name, dataset in params.datasets.items() if dataset.source == "own"]
    before = {name: own_source(name, path) for name in own}
    now = {name: dataclasses.replace(source, seen=look(source)) for name, source in before.items()}
    if now != before:
        write_sources(now, path)
    return [name for name in own if now[name] != before[name]]


def write_sources(sources: dict[str, Source], path: Path) -> None:
    """Write the blocks of a scale's own data sets."""
    blocks = {name: dataclasses.asdict(source) for name, source in sources.items()}
    with atomic(path) as draft:
        draft.write_text(HEADER + yaml.safe_dump(blocks, sort_keys=False, allow_unicode=True), encoding="utf-8")
