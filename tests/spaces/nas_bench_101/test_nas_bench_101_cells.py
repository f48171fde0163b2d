"""Cells of NAS-Bench-101: string form, pruning, and what is refused."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cena.errors import InputError
from cena.spaces.nas_bench_101.cells import (
    MAX_EDGES,
    MAX_VERTICES,
    NAS_BENCH_101_OPERATIONS,
    NasBench101Cell,
    cell_from_matrix,
    edge_bit,
    format_nas_bench_101_cell,
    parse_nas_bench_101_cell,
    pruned,
)

CELL = "conv3x3(0)|maxpool3x3(0,1)|output(1,2)"
Matrix = NDArray[np.int64]


def matrix_of(vertices: int, edges: set[tuple[int, int]]) -> Matrix:
    matrix = np.zeros((vertices, vertices), dtype=np.int64)
    for edge in edges:
        matrix[edge] = 1
    return matrix


def chain(vertices: int) -> Matrix:
    return np.eye(vertices, k=1, dtype=np.int64)


@st.composite
def cells(draw: st.DrawFn) -> NasBench101Cell:
    """Any cell whose input also feeds its output, so that no drawn graph is disconnected."""
    vertices = draw(st.integers(2, MAX_VERTICES))
    pairs = [(s, t) for t in range(vertices) for s in range(t)]
    edges = draw(st.sets(st.sampled_from(pairs), max_size=MAX_EDGES - 1)) | {(0, vertices - 1)}
    operations = draw(st.lists(st.sampled_from(NAS_BENCH_101_OPERATIONS), min_size=vertices - 2, max_size=vertices - 2))
    return cell_from_matrix(matrix_of(vertices, edges), operations)


def test_the_string_form_lists_what_each_vertex_reads() -> None:
    matrix = matrix_of(4, {(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)})
    cell = cell_from_matrix(matrix, ["conv3x3", "maxpool3x3"])
    assert format_nas_bench_101_cell(cell) == CELL
    assert parse_nas_bench_101_cell(CELL) == cell
    assert [cell.inputs(vertex) for vertex in range(cell.vertices)] == [[], [0], [0, 1], [1, 2]]


def test_edges_are_numbered_as_in_the_benchmarks_generator() -> None:
    """`gen_is_edge_fn`: the bits FEDCBA are the matrix with columns A, BC, DEF."""
    assert cell_from_matrix(matrix_of(4, {(0, 1), (1, 2), (2, 3)}), ["conv3x3"] * 2).edges == 0b100101
    assert cell_from_matrix(matrix_of(4, {(0, 2), (2, 3), (0, 1), (1, 3)}), ["conv3x3"] * 2).edges == 0b110011


@given(cells())
def test_a_cell_survives_its_string_form(cell: NasBench101Cell) -> None:
    assert parse_nas_bench_101_cell(format_nas_bench_101_cell(cell)) == cell


@given(cells(), st.integers(0, 90), st.integers(0, 3), st.text("|(),0123_abcdnorvx ", max_size=3) | st.text(max_size=3))
def test_a_damaged_cell_is_refused_or_is_another_cell(
    cell: NasBench101Cell, start: int, length: int, damage: str
) -> None:
    text = format_nas_bench_101_cell(cell)
    damaged = text[:start] + damage + text[start + length :]
    try:
        read = parse_nas_bench_101_cell(damaged)
    except InputError as error:
        assert damaged in str(error) or "unknown operation" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert parse_nas_bench_101_cell(format_nas_bench_101_cell(read)) == read
        if read.vertices == damaged.count("|") + 2:  # nothing was pruned
            assert format_nas_bench_101_cell(read) == damaged


@given(st.text(alphabet="|(),01output", max_size=30) | st.text())
def test_any_text_is_refused_or_is_a_cell(text: str) -> None:
    try:
        assert format_nas_bench_101_cell(parse_nas_bench_101_cell(text))
    except InputError as error:
        assert str(error)  # noqa: PT017 - either outcome is right


def on_a_path(matrix: Matrix) -> list[int]:
    """The vertices that are reached from the first and reach the last, by the transitive closure."""
    reach = np.linalg.matrix_power(np.eye(len(matrix), dtype=np.int64) + matrix, len(matrix)) > 0
    return np.flatnonzero(reach[0] & reach[:, -1]).tolist()


@pytest.mark.parametrize("vertices", [2, 3, 4, 5])
def test_pruning_keeps_what_is_on_a_path_from_input_to_output(vertices: int) -> None:
    operations = ["conv3x3", "conv1x1", "maxpool3x3"][: vertices - 2]
    pairs = [(s, t) for t in range(vertices) for s in range(t)]
    for bits in product((0, 1), repeat=len(pairs)):
        matrix = matrix_of(vertices, {pair for pair, bit in zip(pairs, bits, strict=True) if bit})
        kept = on_a_path(matrix)
        if matrix.sum() > MAX_EDGES:
            continue
        if kept[:1] != [0] or kept[-1:] != [vertices - 1]:
            with pytest.raises(InputError, match="no path"):
                cell_from_matrix(matrix, operations)
            continue
        cell = cell_from_matrix(matrix, operations)
        assert cell.operations == tuple(operations[v - 1] for v in kept[1:-1])
        pruned = matrix[np.ix_(kept, kept)]
        assert [cell.inputs(t) for t in range(len(kept))] == [np.flatnonzero(column).tolist() for column in pruned.T]


@given(st.integers(2, MAX_VERTICES + 1), st.data())
def test_pruning_keeps_exactly_the_edges_of_paths_from_input_to_output(vertices: int, data: st.DataObject) -> None:
    """Against the definition: all paths are walked, and what none of them uses is gone."""
    pairs = [(s, t) for t in range(vertices) for s in range(t)]
    edges = data.draw(st.sets(st.sampled_from(pairs)))
    operations = data.draw(st.tuples(*[st.sampled_from(NAS_BENCH_101_OPERATIONS)] * (vertices - 2)))
    used = {edge for path in paths(0, vertices - 1, edges) for edge in pairwise(path)}
    cell = pruned(operations, sum(edge_bit(*edge) for edge in edges))
    if not used:
        assert cell is None
        return
    number = {old: new for new, old in enumerate(sorted({vertex for edge in used for vertex in edge}))}
    assert cell == NasBench101Cell(
        tuple(operations[old - 1] for old in list(number)[1:-1]),
        sum(edge_bit(number[s], number[t]) for s, t in used),
    )


def paths(start: int, end: int, edges: set[tuple[int, int]]) -> list[list[int]]:
    """Every path from one vertex to another."""
    if start == end:
        return [[end]]
    return [[start, *rest] for s, t in edges if s == start for rest in paths(t, end, edges)]


def test_limits_hold_after_pruning_as_in_the_benchmark() -> None:
    assert (
        format_nas_bench_101_cell(parse_nas_bench_101_cell("conv3x3(0)|" * 6 + "conv1x1(0)|output(7)"))
        == "conv1x1(0)|output(1)"
    )
    assert (
        format_nas_bench_101_cell(parse_nas_bench_101_cell("conv3x3()|" * 6 + "conv1x1(0)|output(7)"))
        == "conv1x1(0)|output(1)"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "",
            r"^malformed cell '': vertex 1 is '', not an operation and its inputs; expected a form such as conv3x3\(0",
        ),
        (CELL + "|", "vertex 4 is '', not an operation and its inputs"),
        (CELL.replace("(0)", ""), "vertex 1 is 'conv3x3', not an operation and its inputs"),
        ("output()", r"^malformed cell 'output\(\)': disconnected, no path leads from its input to its output"),
        ("conv3x3(0)|conv3x3()|output(2)", "disconnected, no path leads"),
        (CELL.replace("(0)", "(-1)"), "vertex 1 is 'conv3x3\\(-1\\)', not an operation and its inputs"),
        (CELL.replace("(0)", "(²)"), "vertex 1 is 'conv3x3\\(²\\)', not an operation and its inputs"),
        (CELL.replace("(0,1)", "(0, 1)"), "vertex 2 is 'maxpool3x3\\(0, 1\\)', not an operation and its inputs"),
        (CELL.replace("(0,1)", "(1,0)"), "vertex 2 reads '1,0', not ascending vertices"),
        (CELL.replace("(0,1)", "(0,0)"), "vertex 2 reads '0,0', not ascending vertices"),
        (CELL.replace("(0,1)", "(0,)"), "vertex 2 reads '0,', not ascending vertices"),
        (CELL.replace("(0,1)", "(00,1)"), "vertex 2 reads '00,1', not ascending vertices"),
        (CELL.replace("(0,1)", "(0,4)"), "vertex 2 reads '0,4', not ascending vertices"),
        (CELL.replace("(0,1)", "(0," + "9" * 5000 + ")"), "not ascending vertices"),
        (CELL.replace("output", "conv1x1"), "its last vertex is not the output"),
        (
            CELL.replace("(0,1)", "(0,2)"),
            "vertex 2 reads vertex 2, a cycle or vertices out of order; number them so that",
        ),
        (CELL.replace("(0)", "(0,2)"), "vertex 1 reads vertex 2, a cycle or vertices out of order"),
        (CELL.replace("(0)", "(3)"), "vertex 1 reads vertex 3, a cycle or vertices out of order"),
        ("conv3x3(0)|conv3x3(0)|output(3)", "vertex 3 reads vertex 3, a cycle"),
        (CELL.replace("conv3x3", "conv5x5"), "^unknown operation 'conv5x5'; valid: conv3x3, "),
        ("output(0)|output(1)", "^unknown operation 'output'; valid: conv3x3, "),
        (
            "|".join(f"conv1x1({v})" for v in range(6)) + "|output(6)",
            "^malformed cell '.*': 8 vertices after pruning, at most 7 are allowed",
        ),
        ("conv3x3(0)|conv3x3(0,1)|conv3x3(0,1,2)|output(0,1,2,3)", "10 edges after pruning, at most 9 are allowed"),
    ],
)
def test_a_malformed_cell_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_nas_bench_101_cell(text)


@pytest.mark.parametrize(
    ("matrix", "operations", "sentence"),
    [
        (chain(3), ["conv3x3"] * 2, r"^malformed cell: .* has shape \(3, 3\), but 2 operations need \(4, 4\)"),
        (chain(3)[:2], ["conv3x3"], r"has shape \(2, 3\), but 1 operations need \(3, 3\)"),
        ([], [], r"has shape \(0,\), but 0 operations need \(2, 2\)"),
        (2 * chain(3), ["conv3x3"], "^malformed cell: its adjacency matrix has entries other than 0 and 1"),
        (np.where(chain(3), np.nan, 0), ["conv3x3"], "has entries other than 0 and 1"),
        (chain(3) + np.eye(3, dtype=int), ["conv3x3"], "^malformed cell: vertex 0 reads vertex 0, a cycle"),
        (chain(3) + chain(3).T, ["conv3x3"], "vertex 0 reads vertex 1, a cycle"),
        (chain(3), ["input"], "^unknown operation 'input'; valid: "),
        (0 * chain(3), ["conv3x3"], "^malformed cell: disconnected, no path leads from its input to its output"),
        (matrix_of(4, {(0, 1), (2, 3)}), ["conv3x3"] * 2, "^malformed cell: disconnected, no path"),
        (chain(8), ["conv3x3"] * 6, "^malformed cell: 8 vertices after pruning, at most 7 are allowed"),
        (
            np.triu(np.ones((5, 5)), 1),
            ["conv3x3"] * 3,
            "^malformed cell: 10 edges after pruning, at most 9 are allowed",
        ),
    ],
)
def test_a_malformed_matrix_is_refused_in_one_sentence(matrix: Matrix, operations: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        cell_from_matrix(matrix, operations)


@given(cells())
def test_a_matrix_of_any_integer_type_gives_the_same_cell(cell: NasBench101Cell) -> None:
    matrix = matrix_of(cell.vertices, {(s, t) for t in range(cell.vertices) for s in cell.inputs(t)})
    assume(len(matrix) > 2)
    for kind in (np.uint8, np.float64, bool):
        assert cell_from_matrix(matrix.astype(kind), cell.operations) == cell
