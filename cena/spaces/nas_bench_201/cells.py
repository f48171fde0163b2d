"""Cells of NAS-Bench-201: the string form, and which cells are the same family of functions.

A cell has four nodes. Node 0 is its input; node j sums one operation applied to each earlier node; node 3 is its
output. A cell is written here as the tuple of its six operations in the order of :data:`EDGES`.

Source: Dong & Yang, "NAS-Bench-201" (ICLR 2020), section 2.1. The paper's embedding identifies a *network*, so two
cells that can only ever compute the same functions should be one architecture (section 4: "different architectures
should yield different embeddings"). The benchmark's own isomorphism string is wrong for that in both directions; see
:func:`function_family`.
"""

from collections import Counter
from itertools import permutations, product

from cena.errors import InputError, unknown

TOPOLOGY_OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
CONVOLUTIONS = ("nor_conv_1x1", "nor_conv_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(source, target) of each edge, in the order of the string form."""

TopologyCell = tuple[str, ...]


def parse_topology_cell(text: str) -> TopologyCell:
    """The six operations of a cell written ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``.

    Raises
    ------
    InputError
        If the text has another shape, an edge from the wrong node or an unknown operation.
    """
    expected = "expected |op~0|+|op~0|op~1|+|op~0|op~1|op~2|"
    nodes = text.split("+")
    if len(nodes) != 3:
        raise InputError(f"malformed cell '{text}': {len(nodes)} nodes separated by '+' instead of 3; {expected}")
    operations = []
    for target, node in enumerate(nodes, start=1):
        edges = node[1:-1].split("|")
        if not (node.startswith("|") and node.endswith("|") and len(edges) == target):
            raise InputError(
                f"malformed cell '{text}': node {target} is '{node}', not {target} edges in bars; {expected}"
            )
        for source, edge in enumerate(edges):
            operation, _, origin = edge.partition("~")
            if origin != str(source):
                raise InputError(
                    f"malformed cell '{text}': edge '{edge}' of node {target} should end in ~{source}; {expected}"
                )
            if operation not in TOPOLOGY_OPERATIONS:
                raise unknown("operation", operation, TOPOLOGY_OPERATIONS)
            operations.append(operation)
    return tuple(operations)


def format_topology_cell(cell: TopologyCell) -> str:
    """The string form of a cell, the inverse of :func:`parse_topology_cell`."""
    nodes = [
        "|" + "".join(f"{operation}~{s}|" for operation, (s, t) in zip(cell, EDGES, strict=True) if t == target)
        for target in (1, 2, 3)
    ]
    return "+".join(nodes)


def all_topology_cells() -> list[TopologyCell]:
    """All 15,625 cells, in lexicographic order of their operations."""
    return list(product(TOPOLOGY_OPERATIONS, repeat=len(EDGES)))


# The value of a node is a formal sum. A term is (how often it is average-pooled, where it comes from): the cell's input
# or the convolution on the edge of that index. Its count says how often it is added.
INPUT = -1
Sum = Counter[tuple[int, int]]


def formal_sums(cell: TopologyCell) -> tuple[Sum, dict[int, Sum]]:
    """The cell's output, and the input of each convolution that is not fed zero, as formal sums.

    Average pooling is linear, so it distributes over the sum; a skip leaves the sum as it is; a convolution of
    anything but the empty sum starts a term of its own. A convolution of the empty sum is dropped: BatchNorm of a
    constant is its bias, which is zero at initialisation.
    """
    nodes: list[Sum] = [Counter({(0, INPUT): 1}), Counter(), Counter(), Counter()]
    convolved: dict[int, Sum] = {}
    for edge, (operation, (source, target)) in enumerate(zip(cell, EDGES, strict=True)):
        value = nodes[source]
        if operation == "skip_connect":
            nodes[target].update(value)
        elif operation == "avg_pool_3x3":
            nodes[target].update({(pools + 1, origin): count for (pools, origin), count in value.items()})
        elif operation in CONVOLUTIONS and value:
            convolved[edge] = Counter(value)
            nodes[target][(0, edge)] += 1
    return nodes[3], convolved


def live_convolutions(cell: TopologyCell) -> list[int]:
    """Edges whose convolution reaches the output with a non-zero input, in order."""
    output, convolved = formal_sums(cell)
    live: set[int] = set()
    waiting = [origin for _, origin in output]
    while waiting:
        origin = waiting.pop()
        if origin != INPUT and origin not in live:
            live.add(origin)
            waiting.extend(source for _, source in convolved[origin])
    return sorted(live)


FunctionFamily = tuple[tuple[tuple[str, tuple[tuple[int, int, int], ...]], ...], tuple[tuple[int, int, int], ...]]


def function_family(cell: TopologyCell) -> tuple[FunctionFamily, tuple[int, ...]]:
    """A canonical form shared by exactly the cells that compute the same functions with the same weight sharing.

    Dead edges are dropped, skips are transparent, nested sums are flattened, average pooling is linear; a convolution
    used twice stays one convolution, two parallel ones stay two. Convolutions have no order of their own, so the form
    is the smallest over all their numberings.

    Returns
    -------
    family : the operations and inputs of the numbered convolutions, and the output. Hashable and comparable.
    order : the edges that carry convolution 0, 1, ... of the family. Copying weights from the edges of one cell to
        those of another of its family, position by position, makes the two compute the same function.
    """
    output, convolved = formal_sums(cell)
    live = live_convolutions(cell)

    def numbered(order: tuple[int, ...]) -> FunctionFamily:
        number = {INPUT: INPUT, **{edge: position for position, edge in enumerate(order)}}

        def terms(formal_sum: Sum) -> tuple[tuple[int, int, int], ...]:
            return tuple(sorted((pools, number[origin], count) for (pools, origin), count in formal_sum.items()))

        return tuple((cell[edge], terms(convolved[edge])) for edge in order), terms(output)

    return min((numbered(order), order) for order in permutations(live))
