"""What the built pages refer to: nothing on the network that they would load, and nothing that is not there."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADING_TAGS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
_LOADING_LINKS = {"stylesheet", "preload", "modulepreload", "icon", "preconnect", "dns-prefetch"}


def external_references(folder: Path) -> list[str]:
    """What the pages and style sheets in a folder of HTML load from the network; links to follow do not count."""
    found = [f"{path.relative_to(folder)}: {link}" for path, page in _pages(folder).items() for link in page.external]
    for sheet in sorted(folder.rglob("*.css")):
        urls = re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)", sheet.read_text(encoding="utf-8"))
        found += [f"{sheet.relative_to(folder)}: {url}" for url in urls]
    return found


def dead_links(folder: Path) -> list[str]:
    """The links of the pages in a folder of HTML to files, or places in pages, that are not there."""
    pages = _pages(folder)
    found = []
    for path, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = Path(os.path.normpath(path.parent / unquote(address.path))) if address.path else path
            place = unquote(address.fragment)
            lost = place and target in pages and place not in pages[target].places
            if lost or not (target.is_file() and target.is_relative_to(folder)):
                found.append(f"{path.relative_to(folder)}: {link}")
    return found


class _Page(HTMLParser):
    """What a page refers to: what it loads by itself from the network, its links, and the places links can lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.external: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.in_script = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_script = tag == "script"
        values = {name: value or "" for name, value in attrs}
        self.places |= {values.get("id", ""), values.get("name", "")}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and not _LOADING_LINKS & set(values.get("rel", "").split()):
            return
        address = values.get(_LOADING_TAGS.get(tag, ""), "")
        if address.startswith(("http:", "https:", "//")):
            self.external.append(address)

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.external += re.findall(r"https?://[^\s\"'`]+\.(?:js|mjs|css|woff2?)\b", data)

    def handle_endtag(self, _tag: str) -> None:
        self.in_script = False


def _pages(folder: Path) -> dict[Path, _Page]:
    return {path: _Page(path) for path in sorted(folder.rglob("*.html"))}
