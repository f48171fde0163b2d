"""How this book words a difference between two things, and how words that are data enter a page.

A difference counts where its 95 % interval excludes zero, and nowhere else. What better means is the caller's to say:
a higher rank correlation, a lower regret.
"""

import re
from collections.abc import Iterable
from typing import Literal

from cena.evaluate import Interval

Told = Literal["better", "not told apart", "worse"]

TOLD: tuple[Told, ...] = ("better", "not told apart", "worse")
"""All there are, in the order in which they are counted."""


def told(difference: Interval, lower_is_better: bool = False) -> Told:
    """Whether the first of two is better than the second, by the interval of their difference, first minus second."""
    above, below = difference.low > 0, difference.high < 0
    if not (above or below):
        return "not told apart"
    return "better" if above != lower_is_better else "worse"


def signed(difference: Interval, digits: int = 3) -> str:
    """A difference with its interval, such as "+0.012 [-0.003, +0.027]"."""
    value, low, high = (f"{number:+.{digits}f}" for number in (difference.value, difference.low, difference.high))
    return f"{value} [{low}, {high}]"


def in_words(difference: Interval) -> str:
    """A difference with its interval, where higher is better, and what it says."""
    return f"{signed(difference)}: {told(difference)}"


def counted(verdicts: Iterable[Told]) -> str:
    """How often each verdict was found, such as "better in 2, worse in 1 of 3"."""
    found = [*verdicts]
    return ", ".join(f"{word} in {found.count(word)}" for word in TOLD if word in found) + f" of {len(found)}"


_MARKUP = re.compile(r"[\\`*{}\[\]<>$#|~&]|(?<![^\W_])_|_(?![^\W_])|^\W")  # within a word an underscore is none


def literal(text: str) -> str:
    """Text that is data, for a place in a line of Markdown: nothing of it is markup, HTML or the end of the line."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", " ".join(text.split()))
