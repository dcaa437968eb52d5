"""Images: which kinds are read, and their pixels as eight bits of red, green and blue.

Pillow decodes them. What it does without a word is done or said here: 16-bit grey is scaled, not clipped; checksums of
PNG are checked; transparent pixels lie on black; turning by EXIF orientation is one rule for every kind of file.
"""

import functools
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vqa.data.decoding import Facts
from vqa.data.ends import check_gif
from vqa.data.paths import MediaError, check_file
from vqa.data.png import check_png
from vqa.data.remarks import Remark
from vqa.settings.common import EXIF_RULES
from vqa.settings.strict import one_of

# Kinds by the name that Pillow gives them. No other one is opened: some of its readers start other programs.
_KINDS = {
    "AVIF": (".avif",),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c"),
    "PNG": (".png",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
# What Pillow lets pass in files of a kind.
_CHECKS = {"PNG": check_png, "GIF": check_gif}
# Images that are not read, so that they are named as such. FFmpeg would read a tile of some of them for the whole.
_OTHERS = (
    *(".heic", ".heif", ".jxl", ".jxr", ".svg", ".psd", ".exr"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf"),
)
IMAGE_SUFFIXES = frozenset({suffix for suffixes in _KINDS.values() for suffix in suffixes} | set(_OTHERS))
KINDS = ", ".join(_KINDS)

_ORIENTATION = 0x0112  # the EXIF tag
_BITS, _PHOTOMETRIC, _FORMAT = 258, 262, 339  # TIFF tags
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DEGREES = {3: 180, 6: -90, 8: 90}
_UNDONE = {**{number: number for number in _TURNS}, 6: 8, 8: 6}
# How files begin, to tell a damaged image from something else.
_SIGNATURES = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"RIFF": "WEBP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"BM": "BMP",
    bytes(8): "nothing",
}


@dataclass(frozen=True)
class Picture:
    """What is read of an image.

    Attributes:
        pixels: ``(H, W, 3)`` uint8 RGB in [0, 255].
        rotation: degrees counter-clockwise that the EXIF orientation was applied with.
        codec: name of the kind, the suffix where that fits.
        remarks: what was assumed.
    """

    pixels: np.ndarray
    rotation: int
    codec: str
    remarks: tuple[Remark, ...]

    @property
    def facts(self) -> Facts:
        """What is known of it, as of a video of one frame."""
        height, width = self.pixels.shape[:2]
        return Facts(1, width, height, 0.0, self.rotation, self.codec, self.remarks)


def is_image(path: Path) -> bool:
    """Whether ``path`` is treated as an image, a video of one frame, by its suffix; animated GIFs are videos."""
    suffix = path.suffix.lower()
    return suffix in IMAGE_SUFFIXES and not (suffix == ".gif" and _animated(path))


def read_image(path: Path, exif: str = "ignore") -> Picture:
    """Read an image.

    Args:
        path: the file; what it holds counts, not its suffix.
        exif: ``common.exif_orientation`` of params: ``ignore``: pixels as they are stored; ``apply``: turned and
            mirrored as viewers show them.

    Raises:
        MediaError: one line: no file, damaged (checksums included), of a kind that is not read, or too large.
    """
    one_of("exif", exif, EXIF_RULES)
    check_file(path)
    if path.suffix.lower() in _OTHERS and _signature(path) is None:
        raise _not_read(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, on sizes that photographs have today and on odd metadata
            with Image.open(path, formats=tuple(_KINDS)) as image:
                return _read(path, image, exif)
    except MediaError:
        raise
    except Image.DecompressionBombError:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise MediaError(f"{path}: announces more than {limit} pixels; scale it down or exclude it") from None
    except MemoryError:
        raise MediaError(f"{path}: too large for the memory; scale it down or exclude it") from None
    except UnidentifiedImageError:
        if _signature(path) is None:
            raise _not_read(path) from None
        raise _damaged(path, "its header is broken") from None
    except Exception as error:  # what a decoder raises at damaged bytes is of every kind, struct.error to KeyError
        raise _damaged(path, " ".join(str(error).split()) or type(error).__name__) from None


def _read(path: Path, image: Image.Image, exif: str) -> Picture:
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    pages = getattr(image, "n_frames", 1)
    if pages > 1 and kind in ("AVIF", "PNG", "WEBP"):
        raise MediaError(f"{path}: an animation of {pages} pictures; convert it to a video, or save one picture of it")
    deep = _deep_bits(image)  # first: the search for EXIF may load the pixels, which forgets how they are stored
    given = _orientation(image)
    remarks = []
    if pages > 1:
        remarks.append(Remark("several pictures", f"{pages} pictures in one file: the first one is read"))
    if kind in _CHECKS:
        _CHECKS[kind](path)
    if deep > 8:
        remarks.append(Remark("more than 8 bits", f"{deep} bits per channel: read as 8"))
    image.load()
    if image.mode in ("CMYK", "LAB"):
        remarks.append(Remark("other colours", f"{image.mode} colours: converted without their profile"))
    pixels, transparent = _on_black(image) if _has_alpha(image) else (_rgb(path, image, deep), False)
    if transparent:
        remarks.append(Remark("alpha channel", "alpha channel: transparent pixels are laid on black"))
    if given != 1 and exif == "ignore":
        remarks.append(Remark("EXIF orientation not applied", "its EXIF orientation is not applied"))
    # Pillow has turned TIFF already, and nothing else.
    turns = [_UNDONE[given]] if kind == "TIFF" and given != 1 else []
    turns += [given] if exif == "apply" and given != 1 else []
    if turns and turns != [_UNDONE[given], given]:
        turned = functools.reduce(lambda made, turn: made.transpose(_TURNS[turn]), turns, Image.fromarray(pixels))
        pixels = np.asarray(turned)
    suffix = path.suffix.lower()
    codec = suffix[1:] if suffix in _KINDS[kind] else kind.lower()
    return Picture(pixels, _DEGREES.get(given, 0) if exif == "apply" else 0, codec, tuple(remarks))


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 if there is none, or nothing that could be one."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # broken metadata of a sound image
        return 1
    return found if found in _TURNS else 1


def _deep_bits(image: Image.Image) -> int:
    """Bits of a channel as they are stored, where there are more than eight; 8 otherwise."""
    tags = getattr(image, "tag_v2", None)
    if tags is not None:
        bits = tags.get(_BITS, (8,))
        return max(bits if isinstance(bits, tuple) else (bits,))
    tiles = getattr(image, "tile", ())
    stored = str(tiles[0].args) if image.format == "PNG" and tiles else ""
    return 32 if image.mode == "F" else 16 if "16" in stored or image.mode.startswith("I") else 8


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info


def _on_black(image: Image.Image) -> tuple[np.ndarray, bool]:
    """Pixels ``(H, W, 3)`` uint8 on black, and whether any of them was transparent."""
    if image.mode.startswith("I"):  # 16-bit grey in which one value stands for nothing
        grey = np.array(image).astype(np.int64)
        hidden = grey == image.info["transparency"]
        pixels = np.repeat(np.where(hidden, 0, _eight(grey, 0xFFFF))[..., None], 3, axis=2)
        return pixels.astype(np.uint8), bool(hidden.any())
    whole = np.asarray(image.convert("RGBA"))
    colours, alpha = whole[..., :3].astype(np.uint32), whole[..., 3:].astype(np.uint32)
    return ((colours * alpha + 127) // 255).astype(np.uint8), bool((alpha < 255).any())


def _rgb(path: Path, image: Image.Image, bits: int) -> np.ndarray:
    """Pixels ``(H, W, 3)`` uint8 of an image without transparency."""
    if not image.mode.startswith(("I", "F")):
        return np.asarray(image.convert("RGB"))
    tags = getattr(image, "tag_v2", {})
    if image.mode == "F" or (tags and (bits > 16 or tags.get(_FORMAT, (1,)) not in (1, (1,)))):
        raise MediaError(f"{path}: numbers of {bits} bits without a stated white; convert it to 8 or 16 bits")
    top = 2**bits - 1 if tags else 0xFFFF
    grey = np.array(image).astype(np.int64)
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero, which Pillow minds for 8 bits alone
        grey = top - grey
    return np.repeat(_eight(grey, top)[..., None], 3, axis=2)


def _eight(grey: np.ndarray, top: int) -> np.ndarray:
    """Whole numbers from 0 to ``top`` as uint8, rounded."""
    return ((grey.clip(0, top) * 255 + top // 2) // top).astype(np.uint8)


def _animated(path: Path) -> bool:
    try:
        check_file(path)
        with Image.open(path, formats=("GIF",)) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # reading it says what is wrong
        return False


def _signature(path: Path) -> str | None:
    """Kind of image by the first bytes of a file; None for what is none that is read."""
    with path.open("rb") as stream:
        start = stream.read(16)
    if start.startswith(b"RIFF") and start[8:12] != b"WEBP"[: len(start[8:12])]:
        return None
    return next((kind for signature, kind in _SIGNATURES.items() if start.startswith(signature)), None)


def _not_read(path: Path) -> MediaError:
    return MediaError(f"{path}: not an image of a kind that is read ({KINDS}); convert it to one of them")


def _damaged(path: Path, why: str) -> MediaError:
    return MediaError(f"{path}: not an image that can be decoded, damaged: {why}; replace or exclude it")
