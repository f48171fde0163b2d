"""Figures: what they show is what they were given, and the same figure is the same bytes."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from cena.errors import InputError
from cena.report import plots, style
from cena.report.style import METHOD_STYLES

ARCHITECTURE = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
SQUARES = [np.array([[x, y], [x + 0.5, y], [x + 0.5, y + 0.5], [x, y + 0.5]]) for x in (0, 0.5) for y in (0, 0.5)]


@pytest.fixture(autouse=True)
def _own_figures():
    with mpl.rc_context():
        plt.switch_backend("agg")
        style.use_style()
        yield
        plt.close("all")


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def pipeline(generator):
    return plots.pipeline_diagram(
        ARCHITECTURE,
        [tuple(generator.normal(size=shape) for shape in ((4, 9), (8, 8), (64,))) for _ in range(2)],
        SQUARES,
        [10.0, 90.0, 91.0, 92.0],
        chosen=2,
    )


def test_the_style_is_applied():
    assert mpl.rcParams["svg.hashsalt"] == "cena"
    assert mpl.rcParams["savefig.dpi"] == 2 * mpl.rcParams["figure.dpi"]


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 3), (2, 2)])
def test_a_figure_has_its_panels_in_reading_order(rows, columns):
    drawn, axes = style.figure(rows, columns, panel_height=2)
    assert len(axes) == rows * columns
    assert [axis.get_subplotspec().num1 for axis in axes] == list(range(rows * columns))
    assert drawn.get_size_inches()[1] == 2 * rows
    assert drawn.get_size_inches()[0] <= style.TEXT_WIDTH


def test_the_same_figure_is_the_same_svg_without_a_date(tmp_path, generator):
    for name in ("first.svg", "second.svg"):
        style.save_svg(pipeline(np.random.default_rng(1)), tmp_path / name)
    first, second = (tmp_path / name for name in ("first.svg", "second.svg"))
    assert first.read_bytes() == second.read_bytes()
    assert b"<dc:date>" not in first.read_bytes()
    style.save_svg(pipeline(generator), second)
    assert first.read_bytes() != second.read_bytes()


def test_a_known_method_looks_the_same_in_every_figure():
    for others in (0, 3):
        _, (axes,) = style.figure()
        for number in range(others):
            plots.curve_with_interval(axes, [1, 2], [0, 0], [0, 0], [0, 0], f"other {number}")
        plots.curve_with_interval(axes, [1, 2, 3], [3, 2, 1], [2, 1, 0], [4, 3, 2], "DE on CENA")
        line = axes.lines[-1]
        assert to_rgb(line.get_color()) == to_rgb(style.COLOURS["blue"])
        assert line.get_linestyle() == "--"
        assert line.get_label() == "DE on CENA"
        np.testing.assert_array_equal(line.get_ydata(), [3, 2, 1])


def test_a_curve_s_band_is_its_interval_in_its_colour():
    _, (axes,) = style.figure()
    plots.curve_with_interval(axes, [1, 2], [5, 5], [4, 3], [6, 7], "random")
    corners = {tuple(corner) for corner in axes.collections[0].get_paths()[0].vertices}
    assert {(1, 4), (1, 6), (2, 3), (2, 7)} <= corners
    assert to_rgb(axes.collections[0].get_facecolor()[0][:3]) == to_rgb(axes.lines[0].get_color())


def test_methods_can_be_told_apart():
    looks = {(style["color"], style["linestyle"]) for style in METHOD_STYLES.values()}
    assert len(looks) == len(METHOD_STYLES)


def test_a_scatter_draws_the_best_architecture_last_and_names_its_unit(generator):
    drawn, (axes,) = style.figure()
    positions, accuracy = generator.random((50, 2)), generator.permutation(50.0 + np.arange(50))
    points = plots.accuracy_scatter(axes, positions, accuracy)
    np.testing.assert_array_equal(points.get_offsets()[-1], positions[np.argmax(accuracy)])
    np.testing.assert_array_equal(points.get_array(), np.sort(accuracy))
    assert points.get_rasterized()
    assert drawn.axes[-1].get_ylabel() == "test accuracy (%)"


def test_the_colour_range_leaves_out_the_worst_tenth_only():
    low, high = plots._accuracy_limits([10.0] * 5 + list(np.linspace(80, 90, 95)))
    assert 80 < low < 81
    assert high == 90


def test_predictions_and_truth_share_one_scale_that_holds_all_of_them():
    _, (axes,) = style.figure()
    plots.prediction_scatter(axes, [50.0, 60.0], [40.0, 75.0])
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xlim()[0] < 40
    assert axes.get_xlim()[1] > 75
    assert axes.get_aspect() == 1
    assert axes.get_xlabel() == "test accuracy (%)"


def test_cells_have_the_colours_of_their_values():
    drawn, (axes,) = style.figure()
    cells = plots.draw_laguerre_cells(axes, SQUARES, [1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(cells.get_array(), [1, 2, 3, 4])
    assert [len(path.vertices) - 1 for path in cells.get_paths()] == [4] * 4
    assert drawn.axes[-1].get_ylabel() == "test accuracy (%)"


def test_cells_without_a_label_have_no_colour_bar():
    drawn, (axes,) = style.figure()
    plots.draw_laguerre_cells(axes, SQUARES, [1.0, 2.0, 3.0, 4.0], label=None)
    assert drawn.axes == [axes]


def test_the_pipeline_shows_its_arrays_and_every_operation_but_none(generator):
    drawn = pipeline(generator)
    images = [image for axes in drawn.axes for image in axes.images]
    assert sorted(image.get_array().shape for image in images) == [(4, 9)] * 2 + [(8, 8)] * 4
    arrows = [text for text in drawn.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 5


def test_the_pipeline_refuses_what_is_no_cell():
    views = [(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(8))] * 2
    with pytest.raises(InputError, match="malformed cell"):
        plots.pipeline_diagram("64:64:64:64:64", views, SQUARES, np.zeros(4), 0)


def test_in_a_notebook_figures_have_twice_the_resolution(monkeypatch):
    asked = []
    monkeypatch.setattr("builtins.get_ipython", lambda: None, raising=False)
    monkeypatch.setattr(
        "matplotlib_inline.backend_inline.set_matplotlib_formats", lambda *formats: asked.extend(formats)
    )
    style.use_style()
    assert asked == ["retina"]
