"""Images as people have them: the pixels that viewers show, checksums, transparency, turning, kinds that are read."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vqa.data.images import Picture, is_image, read_image
from vqa.data.items import PreparedDataset
from vqa.data.paths import MediaError
from vqa.data.prepare import prepare
from vqa.data.video import decode, read_frames
from vqa.io import InputError

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
# What a viewer shows of stored pixels, by EXIF orientation.
SHOWN = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


def png(header: tuple[int, ...], rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of a header's numbers and raw rows, each after its filter byte."""
    body = ((b"IHDR", struct.pack(">IIBBBBB", *header)), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = (struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in body)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def said(picture: Picture) -> tuple[str, ...]:
    """What was assumed of a picture."""
    return tuple(remark.text for remark in picture.remarks)


def ramp(path: Path) -> np.ndarray:
    """Write a 16-bit grey ramp; returns the numbers."""
    grey = np.linspace(0, 65535, 256).round().astype(np.uint16)[None].repeat(4, 0)
    if path.suffix == ".png":
        path.write_bytes(png((256, 4, 16, 0, 0, 0, 0), b"".join(b"\0" + row.astype(">u2").tobytes() for row in grey)))
    elif path.suffix == ".pgm":
        path.write_bytes(b"P5 256 4 65535\n" + grey.astype(">u2").tobytes())
    else:
        Image.fromarray(grey).save(path)
    return grey


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm", ".jp2"])
def test_grey_of_16_bits_is_scaled_and_said(tmp_path, suffix):
    path = tmp_path / f"grey{suffix}"
    grey = ramp(path)
    picture = read_image(path)
    expected = (grey / 257)[..., None].repeat(3, 2)
    assert picture.pixels.dtype == np.uint8
    assert np.abs(picture.pixels - expected).max() <= 1
    assert said(picture) == ("16 bits per channel: read as 8",)
    assert np.array_equal(decode(path)[0][0], picture.pixels)
    assert np.array_equal(read_frames(path, np.array([0]))[0], picture.pixels)


def test_grey_tiffs_whose_numbers_mean_something_else(tmp_path):
    path = tmp_path / "grey.tif"
    grey = np.linspace(0, 65535, 256).round().astype(np.uint16)[None].repeat(4, 0)
    Image.fromarray(grey).save(path, tiffinfo={262: 0})  # white is zero
    assert np.abs(read_image(path).pixels[..., 0] - (255 - grey / 257)).max() <= 1
    for odd in (grey.astype(np.float32), grey.astype(np.int32)):
        Image.fromarray(odd).save(path)
        with pytest.raises(MediaError, match="numbers of 32 bits without a stated white"):
            read_image(path)


def test_16_bits_of_colour_are_said(tmp_path):
    rows = b"\0" + struct.pack(">6H", 0, 32896, 65535, 257, 514, 771)
    (tmp_path / "deep.png").write_bytes(png((2, 1, 16, 2, 0, 0, 0), rows))
    picture = read_image(tmp_path / "deep.png")
    assert picture.pixels.tolist() == [[[0, 128, 255], [1, 2, 3]]]
    assert said(picture) == ("16 bits per channel: read as 8",)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_of_grey_reach_white(tmp_path, bits):
    (tmp_path / "grey.png").write_bytes(png((2, 1, bits, 0, 0, 0, 0), bytes([0, (2**bits - 1) << (8 - 2 * bits)])))
    assert read_image(tmp_path / "grey.png").pixels[..., 0].tolist() == [[0, 255]]


def test_a_wrong_checksum_or_a_missing_end_is_damage(tmp_path):
    path = tmp_path / "a.png"
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(stream, "PNG")
    whole = stream.getvalue()
    at = whole.index(b"IDAT") + 500
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
    with pytest.raises(MediaError, match=r"a\.png: not an image that can be decoded, damaged: the checksum of IDAT"):
        read_image(path)
    for end in (12, 8, 1, len(whole) // 2):
        path.write_bytes(whole[:-end])
        with pytest.raises(MediaError, match=r"damaged: its end is missing|damaged: .*truncated"):
            read_image(path)
    # The checksum of the chunk is right, that of the compressed pixels is not.
    packed = bytearray(zlib.compress(b"\0" + bytes(6)))
    packed[-1] ^= 1
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 2, 0, 0, 0)), (b"IDAT", bytes(packed)), (b"IEND", b""))
    made = b"".join(struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + made)
    with pytest.raises(MediaError, match=r"damaged: .*incorrect data check"):
        read_image(path)
    path.write_bytes(whole)
    assert said(read_image(path)) == ()
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
    with pytest.raises(MediaError, match="the checksum of IDAT"):
        read_image(path)


def test_transparent_pixels_lie_on_black_and_opaque_ones_are_nothing_to_say(tmp_path):
    path = tmp_path / "a.png"
    alpha = ("alpha channel: transparent pixels are laid on black",)
    colours = np.array([[[200, 100, 50, 255], [200, 100, 50, 51], [200, 100, 50, 0]]], np.uint8)
    for name in ("a.png", "a.webp"):
        Image.fromarray(colours).save(tmp_path / name, lossless=True)
        picture = read_image(tmp_path / name)
        assert (picture.pixels.tolist(), said(picture)) == ([[[200, 100, 50], [40, 20, 10], [0, 0, 0]]], alpha)
    colours[..., 3] = 255
    Image.fromarray(colours).save(path)
    assert (read_image(path).pixels[0, 2].tolist(), said(read_image(path))) == ([200, 100, 50], ())
    Image.fromarray(np.array([[[80, 128], [80, 255]]], np.uint8), "LA").save(path)
    assert (read_image(path).pixels[..., 0].tolist(), said(read_image(path))) == ([[40, 80]], alpha)
    # One colour, one number of a palette, one 16-bit grey that stands for nothing
    path.write_bytes(png((2, 1, 8, 2, 0, 0, 0), bytes([0, 9, 8, 7, 9, 8, 6]), (b"tRNS", bytes([0, 9, 0, 8, 0, 7]))))
    assert (read_image(path).pixels.tolist(), said(read_image(path))) == ([[[0, 0, 0], [9, 8, 6]]], alpha)
    palette = (b"PLTE", bytes([9, 8, 7, 3, 2, 1])), (b"tRNS", bytes([0, 255]))
    path.write_bytes(png((2, 1, 8, 3, 0, 0, 0), bytes([0, 0, 1]), *palette))
    assert (read_image(path).pixels.tolist(), said(read_image(path))) == ([[[0, 0, 0], [3, 2, 1]]], alpha)
    grey = (b"tRNS", struct.pack(">H", 25700))
    path.write_bytes(png((2, 1, 16, 0, 0, 0, 0), b"\0" + struct.pack(">2H", 25700, 51400), grey))
    assert read_image(path).pixels[..., 0].tolist() == [[0, 200]]
    assert said(read_image(path)) == ("16 bits per channel: read as 8", *alpha)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", SHOWN)
def test_exif_orientation_is_one_rule_for_every_kind(tmp_path, suffix, orientation):
    path, exif = tmp_path / f"a{suffix}", Image.Exif()
    exif[0x0112] = orientation
    options = {"tiffinfo": {0x0112: orientation}} if suffix == ".tif" else {"exif": exif}
    Image.fromarray(PIXELS).save(path, **({"lossless": True} if suffix == ".webp" else {}), **options)
    stored, applied = read_image(path), read_image(path, "apply")
    assert np.array_equal(stored.pixels, PIXELS)
    assert np.array_equal(applied.pixels, SHOWN[orientation](PIXELS))
    assert said(stored) == (() if orientation == 1 else ("its EXIF orientation is not applied",))
    assert (stored.rotation, applied.rotation, said(applied)) == (0, {3: 180, 6: -90, 8: 90}.get(orientation, 0), ())


@pytest.mark.parametrize("store", [True, False])
def test_prepare_and_who_reads_its_items_follow_the_rule(tmp_path, store):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "data").mkdir()
    Image.fromarray(PIXELS).save(tmp_path / "data" / "a.png", exif=exif)
    (tmp_path / "data" / "labels.csv").write_text("name,mos,split\na.png,1,train\n")
    for rule, expected in (("ignore", PIXELS), ("apply", SHOWN[6](PIXELS))):
        report = prepare(tmp_path / "data", tmp_path / "out", "stop", store, rule)
        assert report["exif_orientation"] == rule
        data = PreparedDataset(tmp_path / "out", tmp_path / "data")
        (item,) = data.items("train")
        assert np.array_equal(data.frames(item, np.array([0]))[0], expected)
        assert (item.height, item.width) == expected.shape[:2]


@pytest.mark.parametrize("store", [True, False])
def test_a_decompression_bomb_is_one_bad_file(tmp_path, store):
    data = tmp_path / "photos"
    data.mkdir()
    Image.fromarray(PIXELS).save(data / "good.png")
    (data / "bomb.png").write_bytes(png((20000, 10000, 1, 0, 0, 0, 0), bytes(10000 * 2501)))
    (data / "labels.csv").write_text("name,mos,split\nbomb.png,1,train\ngood.png,2,train\n")
    report = prepare(data, tmp_path / "out", "exclude", store)
    assert report["usable"] == 1
    assert "bomb.png: announces more than 178956970 pixels" in report["excluded"][0]["reason"]
    with pytest.raises(InputError, match=r"bomb\.png: announces more than"):
        prepare(data, tmp_path / "out", "stop", store)


def test_a_size_that_photographs_have_is_read_without_a_word(tmp_path, recwarn):
    (tmp_path / "large.png").write_bytes(png((12000, 8000, 1, 0, 0, 0, 0), bytes(8000 * 1501)))
    picture = read_image(tmp_path / "large.png")
    assert (picture.pixels.shape, said(picture), list(recwarn)) == ((8000, 12000, 3), (), [])


@pytest.mark.parametrize("suffix", [".webp", ".tiff", ".avif", ".jp2", ".gif", ".bmp", ".ppm", ".jfif"])
def test_kinds_that_pillow_reads_are_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.full((20, 30, 3), 120, np.uint8)).save(path)
    picture = read_image(path)
    assert np.abs(picture.pixels.astype(int) - 120).max() <= 3
    assert (picture.pixels.shape, picture.codec, said(picture), is_image(path)) == ((20, 30, 3), suffix[1:], (), True)


def test_what_a_file_holds_counts_and_not_its_suffix(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert (read_image(tmp_path / "a.jpg").codec, said(read_image(tmp_path / "a.jpg"))) == ("png", ())


def test_kinds_that_are_not_read_are_named_with_those_that_are(tmp_path):
    kinds = r"not an image of a kind that is read \(AVIF, BMP, GIF, JPEG, JPEG2000, PNG, PPM, TIFF, WEBP\); convert"
    heic = b"\0\0\0\x18ftypheic" + bytes(40)
    for name, data in {"a.heic": heic, "a.jpg": heic, "a.svg": b"<svg/>", "b.jpg": b"%!PS-Adobe-3.0 EPSF"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(MediaError, match=kinds):
            decode(tmp_path / name)
    (tmp_path / "zeros.jpg").write_bytes(bytes(5000))
    with pytest.raises(MediaError, match="damaged: its header is broken; replace"):
        decode(tmp_path / "zeros.jpg")


def test_several_pictures_in_a_file(tmp_path):
    pages = [Image.fromarray(PIXELS // (i + 1)) for i in range(3)]
    for name in ("a.tif", "a.webp", "a.png", "a.gif"):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    picture = read_image(tmp_path / "a.tif")
    assert np.array_equal(picture.pixels, PIXELS)
    assert said(picture) == ("3 pictures in one file: the first one is read",)
    for name in ("a.webp", "a.png"):
        with pytest.raises(MediaError, match="an animation of 3 pictures; convert it to a video"):
            read_image(tmp_path / name)
    assert not is_image(tmp_path / "a.gif"), "a video"
    Image.fromarray(PIXELS).save(tmp_path / "still.gif")
    assert is_image(tmp_path / "still.gif")
