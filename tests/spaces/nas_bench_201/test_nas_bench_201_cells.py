"""Cells: their string form, and the number of function families against the benchmark's own isomorphism string."""

from collections import defaultdict
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cena.errors import InputError
from cena.spaces.nas_bench_201.cells import (
    CONVOLUTIONS,
    EDGES,
    TOPOLOGY_OPERATIONS,
    FunctionFamily,
    TopologyCell,
    all_topology_cells,
    format_topology_cell,
    function_family,
    live_convolutions,
    parse_topology_cell,
)

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
cells = st.tuples(*[st.sampled_from(TOPOLOGY_OPERATIONS)] * len(EDGES))


@cache
def families() -> dict[TopologyCell, FunctionFamily]:
    return {cell: function_family(cell)[0] for cell in all_topology_cells()}


def test_the_string_form_lists_the_edges_by_target() -> None:
    cell = ("nor_conv_3x3", "none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1", "none")
    assert parse_topology_cell(CELL) == cell
    assert format_topology_cell(cell) == CELL


@given(cells)
def test_a_cell_survives_its_string_form(cell: TopologyCell) -> None:
    assert parse_topology_cell(format_topology_cell(cell)) == cell


@given(cells, st.integers(0, 90), st.integers(0, 3), st.text("|+~0123_abcdnorvx ", max_size=3) | st.text(max_size=3))
def test_a_damaged_cell_is_refused_or_is_another_cell(cell: TopologyCell, start: int, length: int, damage: str) -> None:
    text = format_topology_cell(cell)
    damaged = text[:start] + damage + text[start + length :]
    try:
        assert format_topology_cell(parse_topology_cell(damaged)) == damaged
    except InputError as error:
        assert damaged in str(error) or "unknown operation" in str(error)  # noqa: PT017 - either outcome is right


@given(st.text(alphabet="|+~012", max_size=30) | st.text())
def test_any_text_is_refused_or_survives(text: str) -> None:
    try:
        assert format_topology_cell(parse_topology_cell(text)) == text
    except InputError as error:
        assert str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "^malformed cell '': 1 nodes separated by '\\+' instead of 3; expected \\|op~0\\|"),
        ("|none~0|+|none~0|none~1|", "2 nodes separated by '\\+' instead of 3"),
        (CELL + "+|none~0|none~1|none~2|none~3|", "4 nodes separated by '\\+' instead of 3"),
        (CELL.replace("none~2|", "none~1|"), "edge 'none~1' of node 3 should end in ~2"),
        (CELL.replace("none~0", "none"), "edge 'none' of node 2 should end in ~0"),
        (CELL.replace("none~0", "none~0~0"), "edge 'none~0~0' of node 2 should end in ~0"),
        (CELL[1:], "node 1 is 'nor_conv_3x3~0\\|', not 1 edges in bars"),
        (CELL[:-1], "node 3 is '.*none~2', not 3 edges in bars"),
        (CELL.replace("|none~0|skip_connect~1|", "|none~0|"), "node 2 is '\\|none~0\\|', not 2 edges in bars"),
        ("|+" + CELL.partition("+")[2], "edge '' of node 1 should end in ~0"),
        (CELL.replace("nor_conv_3x3", "conv_3x3"), "unknown operation 'conv_3x3'; valid: nor_conv_3x3, "),
        (CELL.replace("avg_pool_3x3", "max_pool_3x3"), "unknown operation 'max_pool_3x3'; valid: avg_pool_3x3, "),
        (CELL.replace("none~2", "~2"), "unknown operation ''; valid: none, skip_connect, "),
    ],
)
def test_a_malformed_cell_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_topology_cell(text)


def test_all_cells_are_in_lexicographic_order_of_their_operations() -> None:
    every = all_topology_cells()
    assert len(every) == len(set(every)) == 15_625
    codes = [tuple(TOPOLOGY_OPERATIONS.index(name) for name in cell) for cell in every]
    assert codes == sorted(codes)


def test_number_of_families() -> None:
    assert len(set(families().values())) == 5_044


def test_order_lists_the_live_convolutions_by_the_familys_numbers() -> None:
    for cell in all_topology_cells()[::31]:
        (convolutions, _), order = function_family(cell)
        assert sorted(order) == live_convolutions(cell)
        assert [cell[edge] for edge in order] == [name for name, _ in convolutions]


@pytest.mark.parametrize(
    ("cell", "live"),
    [
        ("|none~0|+|none~0|none~1|+|nor_conv_1x1~0|nor_conv_1x1~1|nor_conv_1x1~2|", [3]),  # fed zero
        ("|nor_conv_1x1~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|skip_connect~2|", [1]),  # reaches nothing
        ("|nor_conv_1x1~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|avg_pool_3x3~2|", [0, 2]),  # through another
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", []),
    ],
)
def test_live_convolutions_have_an_input_and_reach_the_output(cell: str, live: list[int]) -> None:
    assert live_convolutions(parse_topology_cell(cell)) == live


def isomorphism_string(cell: TopologyCell) -> str:
    """NAS-Bench-201's own: nested sums of nested operations, skips and zeros removed."""
    nodes = ["0"]
    for target in (1, 2, 3):
        terms = []
        for operation, (source, end) in zip(cell, EDGES, strict=True):
            if end != target:
                continue
            if operation == "none" or nodes[source] == "#":
                terms.append("#")
            elif operation == "skip_connect":
                terms.append(nodes[source])
            else:
                terms.append(f"({nodes[source]})@{operation}")
        nodes.append("+".join(sorted(terms)))
    return nodes[3]


def test_the_benchmarks_isomorphism_string_is_wrong_in_both_directions() -> None:
    families_of: dict[str, set[FunctionFamily]] = defaultdict(set)
    strings_of: dict[FunctionFamily, set[str]] = defaultdict(set)
    for cell, family in families().items():
        families_of[isomorphism_string(cell)].add(family)
        strings_of[family].add(isomorphism_string(cell))
    assert len(families_of) == 6_466  # as Dong & Yang count them: the reference above is theirs
    assert any(len(mixed) > 1 for mixed in families_of.values())
    assert any(len(apart) > 1 for apart in strings_of.values())


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_one_convolution_used_twice_is_not_two_convolutions(convolution: str) -> None:
    twice = parse_topology_cell(f"|{convolution}~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|")
    parallel = parse_topology_cell(f"|{convolution}~0|+|{convolution}~0|none~1|+|none~0|skip_connect~1|skip_connect~2|")
    assert isomorphism_string(twice).replace("+#", "").replace("#+", "").count(convolution) == 2
    assert families()[twice] != families()[parallel]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # dead edges: their operation does not matter
        (
            "|none~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|",
            "|nor_conv_1x1~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|",
        ),
        # parallel convolutions have no order
        (
            "|nor_conv_1x1~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
            "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|skip_connect~1|skip_connect~2|",
        ),
        # pooling of a sum is the sum of the pooled
        (
            "|nor_conv_1x1~0|+|skip_connect~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|",
            "|nor_conv_1x1~0|+|none~0|none~1|+|avg_pool_3x3~0|avg_pool_3x3~1|none~2|",
        ),
    ],
)
def test_cells_that_compute_the_same_functions_are_one_family(one: str, other: str) -> None:
    assert families()[parse_topology_cell(one)] == families()[parse_topology_cell(other)]
