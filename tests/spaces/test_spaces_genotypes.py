"""Genotypes of DARTS: their text, what is refused, and which of them are one family."""

import re
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cena.errors import InputError
from cena.spaces.darts.genotypes import (
    CELL_NODES,
    DARTS_OPERATIONS,
    DartsCell,
    Genotype,
    canonical_cell,
    canonical_genotype,
    darts_cell,
    format_genotype,
    parse_genotype,
    random_genotypes,
)
from cena.spaces.darts.published import PUBLISHED_GENOTYPES

CELL = "[('sep_conv_3x3', 0), ('none', 1), " + ", ".join(["('skip_connect', 1), ('max_pool_3x3', 0)"] * 3) + "]"
TEXT = f"Genotype(normal={CELL}, normal_concat=range(2, 6), reduce={CELL}, reduce_concat=range(2, 6))"

cells = st.tuples(
    *(
        st.tuples(st.sampled_from(DARTS_OPERATIONS), st.integers(0, 1 + place // 2 if place > 1 else 1))
        for place in range(2 * CELL_NODES)
    )
).map(darts_cell)


@given(cells, cells)
def test_a_genotype_survives_its_text(normal: DartsCell, reduce: DartsCell) -> None:
    genotype = Genotype(normal, reduce)
    assert parse_genotype(format_genotype(genotype)) == genotype


def test_the_text_is_the_published_one() -> None:
    assert format_genotype(PUBLISHED_GENOTYPES["DARTS"]) == (
        "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
        "('skip_connect', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
        "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('max_pool_3x3', 1), "
        "('skip_connect', 2), ('max_pool_3x3', 0), ('skip_connect', 2), ('max_pool_3x3', 1), ('skip_connect', 2)], "
        "reduce_concat=range(2, 6))"
    )


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("range(2, 6)", "[2, 3, 4, 5]"),
        TEXT.replace("range(2, 6)", "range(2,6)"),
        TEXT.replace("range(2, 6)", "(2,3,4,5)"),
        TEXT.replace("'", '"').replace(", ", " ,\n  ").replace("=", " = "),
        TEXT.replace("('sep_conv_3x3', 0), ('none', 1)", "('none', 1), ('sep_conv_3x3', 0)"),
        f"  {TEXT}\n",
    ],
    ids=["list", "spacing", "tuple", "layout", "order of a node's edges", "margins"],
)
def test_spellings_of_one_genotype(text: str) -> None:
    assert parse_genotype(text) == parse_genotype(TEXT)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (TEXT.replace("'none'", "'nothing'", 1), "unknown operation 'nothing'; valid: none"),
        (TEXT.replace("('none', 1)", "('none', 2)", 1), "node 2 reads 2, give 0 to 1"),
        (TEXT.replace("('none', 1)", "('none', -1)", 1), "node 2 reads -1, give 0 to 1"),
        (TEXT.replace("('none', 1), ", "", 1), "it has 7 edges, give 8, two for each node"),
        (TEXT.replace("range(2, 6)", "range(3, 6)", 1), "normal_concat is not range(2, 6)"),
        (TEXT.replace("reduce_concat=range(2, 6)", "reduce_concat=[2, 3, 4]"), "reduce_concat is not range(2, 6)"),
        (TEXT.replace("('none', 1)", "('none', True)", 1), "expected Genotype(normal="),
        (TEXT.replace("('none', 1)", "('none', 1.0)", 1), "expected Genotype(normal="),
        (TEXT.replace("('none', 1)", "'none'", 1), "expected Genotype(normal="),
        (TEXT.replace("('none', 1)", "(('none',), 1)", 1), "expected Genotype(normal="),
        (TEXT.replace(CELL, "8", 1), "expected Genotype(normal="),
        (TEXT.replace(CELL, "[open('x', 'w')]", 1), "expected Genotype(normal="),
        (TEXT.replace("Genotype", "Cell"), "expected Genotype(normal="),
        (TEXT.replace("normal_concat=range(2, 6), ", ""), "expected Genotype(normal="),
        (TEXT.replace("normal_concat=", "concat="), "expected Genotype(normal="),
        (TEXT[:-1] + ", **{})", "expected Genotype(normal="),
        (TEXT[:-1], "expected Genotype(normal="),
        ("(" * 3000, "expected Genotype(normal="),
        ("\0", "expected Genotype(normal="),
    ],
)
def test_a_malformed_text_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=f"^malformed architecture '.*{re.escape(complaint)}"):
        parse_genotype(text)


def test_a_text_of_any_length_is_refused_without_reading_it() -> None:
    with pytest.raises(InputError, match=r"^malformed architecture of 1,000,000 characters: expected Genotype"):
        parse_genotype("[" * 1_000_000)


def test_random_genotypes_are_distinct_and_serve_both_roles() -> None:
    drawn = random_genotypes(200, seed=3)
    assert len(set(drawn)) == 200
    assert drawn[:50] == random_genotypes(50, seed=3) != random_genotypes(50, seed=4)
    assert all(genotype.normal == genotype.reduce for genotype in drawn)
    edges = [edge for genotype in drawn for node in genotype.normal for edge in node]
    for operation in DARTS_OPERATIONS:
        assert 130 < sum(name == operation for name, _ in edges) < 270  # 200 expected of 1,600
    last = [source for genotype in drawn for _, source in genotype.normal[3]]
    assert all(50 < last.count(source) < 110 for source in range(5))  # 80 expected of 400


def live(cell: DartsCell) -> list[list[tuple[str, int]]]:
    """The edges of each node that are not zero."""
    nodes: list[list[tuple[str, int]]] = []
    for node in cell:
        nodes.append([(name, s) for name, s in node if name != "none" and (s < 2 or nodes[s - 2])])
    return nodes


def renumbering(cell: DartsCell, other: DartsCell) -> tuple[int, ...] | None:
    """Which node of `cell` each node of `other` is, when they are one but for numbers and what is zero."""
    ours, theirs = live(cell), live(other)
    for order in permutations(range(CELL_NODES)):
        number = {0: 0, 1: 1} | {2 + old: 2 + new for new, old in enumerate(order)}
        renamed = [sorted((name, number[s]) for name, s in ours[old]) for old in order]
        if renamed == [sorted(node) for node in theirs]:
            return order
    return None


def test_the_canonical_form_is_the_cell_but_for_numbers_and_zeros() -> None:
    """So it never merges two families."""
    for genotype in random_genotypes(300, seed=5):
        assert renumbering(genotype.normal, canonical_cell(genotype.normal)) is not None
        assert canonical_genotype(canonical_genotype(genotype)) == canonical_genotype(genotype)


@given(cells, st.permutations(range(CELL_NODES)), st.data())
def test_one_family_has_one_canonical_form(cell: DartsCell, order: list[int], data: st.DataObject) -> None:
    """Renumber the nodes, and let what is zero read anything."""
    number = {0: 0, 1: 1} | {2 + old: 2 + new for new, old in enumerate(order)}
    alive = live(cell)
    edges = []
    for new, old in enumerate(order):
        for name, source in cell[old]:
            if (name, source) not in alive[old]:
                edges.append(("none", data.draw(st.integers(0, 1 + new))))
            elif number[source] >= 2 + new:
                return  # not an order in which nodes read earlier ones
            else:
                edges.append((name, number[source]))
    assert canonical_cell(darts_cell(edges)) == canonical_cell(cell)


def test_what_reads_a_zero_node_is_zero() -> None:
    rest = [("sep_conv_3x3", 0), ("sep_conv_3x3", 1)] * 2
    one = darts_cell([("none", 0), ("none", 1), ("dil_conv_3x3", 2), ("max_pool_3x3", 0), *rest])
    other = darts_cell([("none", 1), ("none", 1), ("none", 0), ("max_pool_3x3", 0), *rest])
    assert canonical_cell(one) == canonical_cell(other)


def test_the_two_inputs_are_not_the_same() -> None:
    one = darts_cell([("sep_conv_3x3", 0), ("none", 0)] * CELL_NODES)
    other = darts_cell([("sep_conv_3x3", 1), ("none", 0)] * CELL_NODES)
    assert canonical_cell(one) != canonical_cell(other)
