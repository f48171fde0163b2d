"""Where the command line prints, and what keeps a terminal from ending a command or being steered by a file."""

import io
import sys
import unicodedata

from rich import markup
from rich.console import Console
from rich.table import Column, Table

console = Console(highlight=False)


def print_anywhere() -> None:
    """From now on a terminal that does not know a character gets a question mark in its place, and no error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def escape(text: object) -> str:
    """Text as it is printed when it comes from outside: nothing of it is markup or controls the terminal."""
    shown = (c if c in "\n\t" or unicodedata.category(c)[0] != "C" else "?" for c in str(text))
    return markup.escape("".join(shown))


def table(*headers: str, title: str | None = None) -> Table:
    """A table that shows all of every cell: what is too wide is folded, where rich would cut it off."""
    return Table(*(Column(header, overflow="fold") for header in headers), title=title)
