"""A page of the site as a test reads it: its elements, ids, links and texts, with the nesting checked."""

import json
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input", "hr"}
# Elements of SVG that stand alone; in HTML source they must be closed by themselves.
CLOSED = {"path", "circle", "rect", "polyline"}


class Page(HTMLParser):
    """Links, ids and images of a page; AssertionError where elements are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.ids: list[str] = []
        self.data: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.note(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in CLOSED
        self.note(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, (tag, self.getpos())
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self.data.append(data)

    def note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        assert len(found) == len(attrs), (tag, attrs)
        self.tags.append((tag, found))
        self.ids += [found["id"]] if "id" in found else []


def text_of(page: Page) -> str:
    return " ".join(" ".join(page.data).split())


def landscape_data(page: Page) -> dict:
    """What the page of the landscapes gives to its script."""
    (source,) = (data for data in page.data if data.startswith('{"curves"'))
    return json.loads(source)
