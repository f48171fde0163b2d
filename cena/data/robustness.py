"""How accurate the networks of NAS-Bench-201 are under attack: a label that is no accuracy on clean images.

Jung, Lukasik and Keuper ("Neural Architecture Design and Robustness: A Dataset", ICLR 2023) attacked every trained
network of the benchmark on CIFAR-10's test images. An attack may change each value of an image by a strength of so many
255ths. FGSM and PGD follow the gradient, APGD does so with step sizes of its own, Square tries random squares and needs
no gradient.

The table is the copy in the code of Kadlecova et al., "Surprisingly Strong Performance Prediction with Neural Graph
Features" (ICML 2024). It names a cell by NASLib's tuple of six operations.
"""

import ast
from pathlib import Path

import pandas as pd

from cena import spaces
from cena.data import registry
from cena.data.public_files import ATTACKS, ROBUSTNESS_TARGETS
from cena.errors import InputError
from cena.spaces.nas_bench_201.cells import EDGES, TopologyCell, all_topology_cells, format_topology_cell
from cena.stages import Stage

ROBUSTNESS = Stage("labels.robustness", version=1)
"""Accuracies under attack."""

_OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


@ROBUSTNESS
def robustness() -> pd.DataFrame:
    """The accuracy in percent on CIFAR-10 under each attack, a row for each architecture of NAS-Bench-201 in its order.

    The columns are pairs of an attack (:data:`cena.data.public_files.ATTACKS`) and a strength in 255ths, in the order
    of the table.

    Raises
    ------
    InputError
        If the table is missing and cannot be downloaded, is damaged, or is another table; the sentence names file and
        public address.
    """
    return read_robustness(registry.fetch(ROBUSTNESS_TARGETS))


def read_robustness(path: Path) -> pd.DataFrame:
    """What :func:`robustness` says, of a file of this form."""
    named = f"{path.name} (from {registry.entry(ROBUSTNESS_TARGETS).url})"
    try:
        table = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:  # the parser's own errors are ValueErrors
        raise InputError(f"cannot read {named}: {error}; fetch it again") from error
    attacks = {column: attack for column in table.columns if (attack := _attack(column))}
    if "net" not in table.columns or {name for name, _ in attacks.values()} != {*ATTACKS}:
        raise InputError(
            f"{named} has columns {', '.join(map(str, table.columns[:5]))}, ...: expected 'net' and accuracies under "
            f"{', '.join(ATTACKS)}; fetch it again"
        )
    cells = [_cell(str(text), named) for text in table["net"]]
    space = spaces.load("nas-bench-201")
    if sorted(cells) != sorted(all_topology_cells()):
        raise InputError(
            f"{named} has {len(set(cells)):,} cells in {len(cells):,} rows: expected each of the {len(space):,} once"
        )
    accuracy = table[[*attacks]].apply(pd.to_numeric, errors="coerce")
    if not accuracy.apply(lambda column: column.between(0, 100)).all(axis=None):
        raise InputError(f"{named} has accuracies that are not from 0 to 100: fetch it again")
    accuracy.columns = pd.MultiIndex.from_tuples(attacks.values(), names=("attack", "strength"))
    accuracy.index = pd.Index([space.index(format_topology_cell(cell)) for cell in cells])
    ordered: pd.DataFrame = accuracy.sort_index()
    return ordered


def _attack(column: str) -> tuple[str, float] | None:
    """The attack and its strength that a column such as ``aa_square@Linf_eps-0.5`` is of; None for another column."""
    kind, _, strength = str(column).partition("@Linf_eps-")
    names = {theirs: ours for ours, theirs in ATTACKS.items()}
    return (names[kind], float(strength)) if kind in names else None


def _cell(text: str, named: str) -> TopologyCell:
    """The cell of NASLib's tuple, ``"(4, 0, 3, 1, 4, 3)"``."""
    try:
        by_edge = dict(zip(_EDGES, (_OPERATIONS[number] for number in ast.literal_eval(text)), strict=True))
    except (ValueError, SyntaxError, TypeError, IndexError, RecursionError, MemoryError) as error:
        raise InputError(
            f"{named} names a cell '{text:.60}': expected six numbers from 0 to {len(_OPERATIONS) - 1} in brackets"
        ) from error
    return tuple(by_edge[edge] for edge in EDGES)
