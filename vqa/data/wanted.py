"""Which packets of a video need not be decoded for the frames that are wanted, where that is certain.

In H.264 the packets themselves say to which pictures no other refers, and where the stream begins anew. What nobody
needs is never given to the decoder, and its work on the rest is the same to the last byte. Only, frames can no longer
be counted as they come: each is known by its time stamp. That number and stamp belong together is certain, because

* the stream is plain (:mod:`vqa.data.h264`): each packet holds one whole picture, none that others may refer to is
  missing, and all parameters and notes to the decoder, but for those on times, come with the first, which is decoded;
* stamps are there, all differ, and order the pictures as the stream itself has them shown;
* no packet is corrupt, hidden by an edit list, or changes the parameters;
* the decoder holds back at least as many pictures as wait for one that is shown before them: then it gives every
  picture, in this order, and it never comes to hold back fewer;
* and every frame that comes has the expected stamp.

Otherwise nothing is left out, and frames are counted; so it is where the decoder finds a fault. One in what is left out
is not noticed.
"""

from bisect import bisect, insort
from collections.abc import Iterator

import av

from vqa.data.decoding import Decoding
from vqa.data.h264 import Headers, Picture

# All packets are held while it is found out which are needed: so many bytes of them at most.
_HELD = 1 << 28


def needed(video: Decoding, wanted: set[int]) -> Iterator[tuple[int, av.VideoFrame]]:
    """Frames with their numbers, those ``wanted`` among them, in the order of showing.

    It ends where a frame is not the expected one, so that what is missing then has to be found by counting.

    Raises:
        MediaError: as :meth:`vqa.data.decoding.Decoding.frames`.
    """
    if video.codec != "h264" or video.size > _HELD:
        yield from enumerate(video.frames())
        return
    waits = video.context.reorder_depth
    packets = list(video.packets())
    try:
        coming = _plan(video.context.extradata or b"", packets, wanted, waits)
    except (ValueError, IndexError):  # the latter of parameters that end early
        yield from enumerate(video.frames(packets))
        return
    video.context.options = {"err_detect": "explode"}  # what is made up for a fault may come of what is left out
    sent = (packet for packet in packets if not packet.size or packet.pts in coming)
    for (stamp, number), frame in zip(coming.items(), video.frames(sent), strict=False):
        if frame.pts != stamp:
            return
        yield number, frame


def _plan(extradata: bytes, packets: list[av.Packet], wanted: set[int], waits: int) -> dict[int, int]:
    """Time stamps of the packets to decode and the numbers of their frames, in the order of showing.

    Raises:
        ValueError: if anything is uncertain.
    """
    headers, pictures, stamps = Headers(extradata), list[Picture](), list[int]()
    for packet in packets:
        if packet.size:  # the last one is empty
            odd = packet.is_corrupt or packet.is_discard or packet.has_sidedata("new_extradata")
            if packet.pts is None or odd:
                raise ValueError("a packet without a time, or not to be shown as it is")
            pictures.append(headers.picture(bytes(packet), notes=not pictures))
            stamps.append(packet.pts)
    places = headers.shown(pictures)
    order = sorted(range(len(places)), key=places.__getitem__)
    if order != sorted(order, key=stamps.__getitem__) or not len(set(stamps)) == len(set(places)) == len(order):
        raise ValueError("the container and the stream do not agree when frames are shown")
    numbers = dict(zip(order, range(len(order)), strict=True))
    if _overtaken([numbers[packet] for packet in range(len(order))]) > waits:
        raise ValueError("the decoder may give frames before others that come first")
    periods = {places[packet][0] for packet, number in numbers.items() if number in wanted}
    return {
        stamps[packet]: number
        for packet, number in numbers.items()
        if packet == 0 or number in wanted or (pictures[packet].used and places[packet][0] in periods)
    }


def _overtaken(numbers: list[int]) -> int:
    """How many frames wait for one that is decoded after and shown before them, at most."""
    before: list[int] = []
    most = 0
    for number in numbers:
        most = max(most, len(before) - bisect(before, number))
        insort(before, number)
    return most
