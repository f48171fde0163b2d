"""The canonical form, the hash and the enumeration against brute force over all renumberings."""

from functools import cache
from itertools import permutations, product

import pytest

from cena.spaces.nas_bench_101 import isomorphism
from cena.spaces.nas_bench_101.cells import NAS_BENCH_101_OPERATIONS, NasBench101Cell, parse_nas_bench_101_cell
from cena.spaces.nas_bench_101.isomorphism import all_nas_bench_101_cells, canonical, canonical_hash

Form = tuple[tuple[bool, ...], tuple[str, ...]]


def full_cells(vertices: int) -> list[NasBench101Cell]:
    """Every cell with this many vertices of which none can be pruned, in the order of the benchmark's generator."""
    found = []
    for edges in range(1 << vertices * (vertices - 1) // 2):
        bare = NasBench101Cell(("conv3x3",) * (vertices - 2), edges)
        read = {source for target in range(vertices) for source in bare.inputs(target)}
        if edges.bit_count() <= 9 and len(read) == vertices - 1 and all(bare.inputs(v) for v in range(1, vertices)):
            found += [
                NasBench101Cell(labels, edges) for labels in product(NAS_BENCH_101_OPERATIONS, repeat=vertices - 2)
            ]
    return found


def relabelled(cell: NasBench101Cell) -> list[Form]:
    """The cell under all permutations of its inner vertices, cyclic looking ones included."""
    forms = []
    for permutation in permutations(range(1, cell.vertices - 1)):
        order = (0, *permutation, cell.vertices - 1)
        edges = tuple(source in cell.inputs(target) for source in order for target in order)
        forms.append((edges, tuple(cell.operations[v - 1] for v in permutation)))
    return forms


@cache
def classes(vertices: int) -> dict[Form, list[NasBench101Cell]]:
    """The cells of each isomorphism class, in order; a class is named by its smallest form."""
    found: dict[Form, list[NasBench101Cell]] = {}
    for cell in full_cells(vertices):
        found.setdefault(min(relabelled(cell)), []).append(cell)
    return found


@pytest.mark.parametrize("vertices", [2, 3, 4, 5])
def test_cells_share_canonical_form_and_hash_exactly_when_isomorphic(vertices: int) -> None:
    forms, hashes = set(), set()
    for members in classes(vertices).values():
        assert {canonical(cell) for cell in members} == {members[0]}
        (name,) = {canonical_hash(cell) for cell in members}
        hashes.add(name)
        forms.add(members[0])
    assert len(forms) == len(hashes) == len(classes(vertices))


def test_the_enumeration_is_the_first_of_each_class_in_the_generators_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isomorphism, "MAX_VERTICES", 5)
    firsts = [members[0] for vertices in (2, 3, 4, 5) for members in classes(vertices).values()]
    assert all_nas_bench_101_cells() == firsts


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("maxpool3x3(0)|conv3x3(1)|output(2)", "maxpool3x3(0)|conv3x3(1)|output(2)"),  # a chain has one order
        ("maxpool3x3(0)|conv3x3(0)|output(1,2)", "conv3x3(0)|maxpool3x3(0)|output(1,2)"),  # by operation
        # edges 0-1, 0-2, 1-4, 2-3, 3-4 are bits 0, 1, 7, 5, 9: less than with either branch's vertices otherwise
        ("conv1x1(0)|conv3x3(0)|maxpool3x3(1)|output(2,3)", "conv3x3(0)|conv1x1(0)|maxpool3x3(2)|output(1,3)"),
    ],
)
def test_canonical_forms_worked_by_hand(text: str, first: str) -> None:
    assert canonical(parse_nas_bench_101_cell(text)) == parse_nas_bench_101_cell(first)


def test_the_hash_of_the_bare_cell_is_the_benchmarks() -> None:
    assert canonical_hash(parse_nas_bench_101_cell("output(0)")) == "043721b9c7fe8c5fad811d47d83132ec"


@pytest.mark.slow
def test_number_of_cells() -> None:
    cells = all_nas_bench_101_cells()
    assert len(cells) == len(set(cells)) == 423_624
    assert all(canonical(cell) == cell for cell in cells[::97])
    keys = [(cell.vertices, cell.edges, tuple(map(NAS_BENCH_101_OPERATIONS.index, cell.operations))) for cell in cells]
    assert keys == sorted(keys)
