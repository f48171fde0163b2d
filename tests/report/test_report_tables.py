"""Tables show the numbers of the results, all of them and nothing else."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from types import ModuleType

import nbformat
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from nbformat import v4

from cena.errors import InputError
from cena.evaluate.intervals import Interval
from cena.evaluate.records import write_records
from cena.evaluate.scoreboard import judge, not_run
from cena.report import tables
from cena.study.profiles import PROFILES


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    measured = Interval(0.771, 0.768, 0.774, 10)
    write_records(
        folder / "05_analysis.json",
        [
            judge("table1.cifar10.tau", measured, reason="", baseline=0.737),
            not_run("table1.cifar100.tau", "needs the real labels"),
        ],
    )
    regret = judge(
        "fig5.nas-bench-201.cifar100.tpe_cena.regret@50", Interval(1.5, 1.25, 2.0, 30), reason="coarse", baseline=0.88
    )
    write_records(folder / "07_search.json", [regret])
    return folder


def test_every_record_is_a_row_with_interval_paper_rival_and_verdict(results):
    header, rule, *rows = cells(tables.records_table(results))
    assert header == ["result", "this run [95 % interval]", "paper", "rival", "verdict"]
    assert rule == ["---", "---:", "---:", "---:", "---"]
    assert rows == [
        [
            "NAS-Bench-201, CIFAR-100, tpe cena, regret after 50 evaluations",
            "1.50 [1.25, 2.00]",
            tables.NONE,
            "0.880",
            "**short**: coarse",
        ],
        ["CIFAR-10, Kendall τ (Table 1)", "0.771 [0.768, 0.774]", "0.73", "0.737", "**exceeded**"],
        ["CIFAR-100, Kendall τ (Table 1)", tables.NONE, "0.73", tables.NONE, "**not run**: needs the real labels"],
    ]


def test_prefixes_choose_records(results):
    assert len(cells(tables.records_table(results, ["table1."]))) == 2 + 2
    assert len(cells(tables.records_table(results, ["table1.cifar100", "fig5."]))) == 2 + 2


def test_no_such_record_is_said(results, tmp_path):
    for folder, prefix in ((results, "speed."), (tmp_path / "nowhere", "table1.")):
        assert tables.records_table(folder, [prefix]) == "*This run has recorded no such result.*"


def test_bars_do_not_break_a_table():
    assert tables.markdown_table(("a",), [("|x|",)]).endswith("| \\|x\\| |")


def test_every_setting_of_every_profile_is_shown():
    header, _, *rows = cells(tables.profiles_table())
    assert header == ["setting", *PROFILES]
    shown = {row[0]: row[1:] for row in rows}
    assert shown["judging: labels"] == [str(profile.judging.labels) for profile in PROFILES.values()]
    assert "name" not in shown


def notebook(path, profile):
    made = v4.new_notebook()
    made.metadata["cena"] = {"parameters": {"profile": profile}}
    nbformat.write(made, path)


def test_executions_of_one_profile_are_one_sentence_and_mixed_ones_are_listed(tmp_path):
    notebook(tmp_path / "01_a.ipynb", "paper")
    notebook(tmp_path / "02_b.ipynb", "paper")
    assert tables.executions(tmp_path) == "All notebooks of this book were executed under profile `paper`."
    notebook(tmp_path / "03_c.ipynb", "laptop")
    assert tables.executions(tmp_path) == (
        "The notebooks of this book were executed under profile `laptop`: 03_c; under profile `paper`: 01_a, 02_b."
    )


@pytest.fixture
def module(monkeypatch):
    made = ModuleType("made_for_a_test")
    source = '''
from enum import Enum
from typing import Protocol

def shown(points, seed=0, function=len, *, name: str = "x"):
    """What :func:`it` does with ``points``.  And more. Second.

    Third.
    """

def _hidden():
    pass

class Plain:
    """A class."""

class Kind(Enum):
    """An enumeration."""
    ONE = 1

class Shape(Protocol):
    """A protocol."""
'''
    exec(source, vars(made))  # its classes and functions name this module as theirs
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


def test_the_api_shows_arguments_and_the_first_sentence_of_public_names(module):
    header, _, *rows = cells(tables.api_table(module.__name__))
    assert header == ["`made_for_a_test`", ""]
    assert rows == [
        ["`shown(points, seed=0, function=..., name='x')`", "What `it` does with `points`."],
        ["`Plain()`", "A class."],
        ["`Kind`", "An enumeration."],
        ["`Shape`", "A protocol."],
    ]
    module.__all__ = ["Plain"]
    assert [row[0] for row in cells(tables.api_table(module.__name__))[2:]] == ["`Plain()`"]


def test_the_api_refuses_a_public_name_without_docstring_and_a_module_without_public_names(module):
    module.shown.__doc__ = None
    with pytest.raises(InputError, match=r"made_for_a_test\.shown has no docstring"):
        tables.api_table(module.__name__)
    module.__all__ = []
    with pytest.raises(InputError, match="made_for_a_test has no public names"):
        tables.api_table(module.__name__)


def test_records_are_counted_by_status():
    measured = Interval(0.771, 0.768, 0.774, 10)
    records = [judge("table1.cifar10.tau", measured, reason="", baseline=0.737)] * 2
    told = tables.records_counted([*records, not_run("table1.cifar100.tau", "needs the real labels")])
    assert told == "3 records: 2 exceeded, 0 reproduced, 0 short, 1 not run."


def test_the_table_of_the_top_has_the_best_in_bold_and_regret_is_better_when_lower():
    scores = {"ndcg": (0.5, 0.9), "top_tau": (0.25, 0.125), "regret_10": (1.0, 2.0), "regret_50": (0.5, 0.5)}
    summary = pd.DataFrame(scores)
    for name in scores:
        summary[f"{name}_high"] = summary[name] + 0.1
    header, _, one, other = tables.top_table(["one", "a|b"], summary).splitlines()
    assert header == "| features | nDCG | τ, best tenth | regret, 10 picks | regret, 50 picks |"
    assert one == "| one | 0.500 ± 0.100 | **0.250** ± 0.100 | **1.00** ± 0.10 | **0.50** ± 0.10 |"
    assert other == "| a&#124;b | **0.900** ± 0.100 | 0.125 ± 0.100 | 2.00 ± 0.10 | **0.50** ± 0.10 |"


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("table1.cifar10.tau", "CIFAR-10, Kendall τ"),
        (
            "fig5.nas-bench-201.cifar100.random.regret@50",
            "NAS-Bench-201, CIFAR-100, random, regret after 50 evaluations",
        ),
        ("embedding.cifar10.tau@100", "CIFAR-10, Kendall τ with 100 labels"),
        ("embedding.digits.tau-without-parameters", "digits, Kendall τ without parameters"),
        ("beyond.fgsm-0.5.tau", "FGSM of strength 0.5, Kendall τ"),
        ("beyond.square-4.tau", "Square of strength 4, Kendall τ"),
        ("embedding.zoo.curve", "networks of eight designs, widths and depths on a curve"),
        (
            "networks.imagenet.spearman-by-family",
            "untrained ImageNet networks, rank correlation with top-5 accuracy, families held out",
        ),
        ("embedding.identity.top10", "known architectures at fresh weights, share among their own ten nearest"),
    ],
)
def test_the_name_of_a_result_reads_as_words(id, words):
    assert tables.result_name(id) == words


def test_tables_load_no_torch():
    """What publishes and builds pages waits for no network, and works where torch is not installed."""
    code = "import sys; import cena.report.tables; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


MEANT = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a</td></table><iframe srcdoc='&lt;script&gt;'>",
    '<!-- <b> --><?x?><![CDATA[x]]><a href="javascript:alert(1)">a</a>',
    "&lt;b&gt; & &amp; \"quotes\" 'and' \\<b>\\\\<i>",
    "![a](javascript:alert(1)) [b](https://b.example) <https://c.example> `<b>` **d** $e$ ~~f~~ __g__",
    "- a\n- b\n\n<script>\nalert(1)\n</script>\n\n```{raw} html\n<b>\n```\n:::{include} /etc/passwd",
    "# a | b || {math}`c` {download}`d`",
    "x_1 and _this_ of __init__",
]


class Seen(HTMLParser):
    """The tags of some HTML, and its text without the spaces."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not {name for name, _ in attrs} - {"style"}

    def handle_data(self, data):
        self.text += "".join(data.split())


def seen(markdown: str) -> Seen:
    """What a viewer shows that obeys HTML in Markdown; the book's builder does not."""
    return Seen(MarkdownIt("commonmark").enable("table").render(markdown))


PLAIN = {"table", "thead", "tbody", "tr", "th", "td", "strong", "p"}


@pytest.mark.parametrize("text", [" ".join(text.split("\n")) for text in MEANT])
@pytest.mark.parametrize("field", ["reason", "source"])
def test_what_a_record_says_is_shown_and_never_obeyed(tmp_path, text, field):
    record = judge("table1.cifar10.tau", Interval(0.771, 0.768, 0.774, 10), reason="", baseline=0.737)
    write_records(tmp_path / "x.json", [replace(record, **{field: text})])
    shown = seen(tables.records_table(tmp_path))
    assert shown.tags <= PLAIN
    assert "".join(text.split()) in shown.text
    assert shown.text.endswith("exceeded" + (":" + "".join(text.split()) if field == "reason" else ""))


@pytest.mark.parametrize("text", MEANT)
def test_no_cell_of_a_table_is_html_or_more_than_a_cell(text):
    columns = ["ndcg", "top_tau", "regret_10", "regret_50"]
    summary = pd.DataFrame([dict.fromkeys([*columns, *(f"{name}_high" for name in columns)], 0.5)])
    shown = seen(tables.top_table([text], summary))
    assert shown.tags <= PLAIN
    assert "".join(text.split()) in shown.text
    for table in (tables.markdown_table((text, "b"), [("c", "d")]), tables.markdown_table(("a", "b"), [("c", text)])):
        assert len(table.splitlines()) == 3
        html = MarkdownIt("commonmark").enable("table").render(table)
        assert not re.search(r"<(script|b|i|iframe|!|\?)|<a href=.?javascript|<img[^>]+(onerror|javascript)", html)


@pytest.mark.parametrize("text", MEANT)
def test_a_profile_or_a_notebook_s_name_is_no_markup(tmp_path, text):
    notebook(tmp_path / "01_a.ipynb", text)
    assert tables.executions(tmp_path).startswith("All notebooks of this book were executed under profile ")
    notebook(tmp_path / "02_<b>*x*.ipynb", "quick")
    shown = seen(tables.executions(tmp_path))
    assert shown.tags <= {"p", "code"}
    assert "".join(text.split()) in shown.text
    assert "02_<b>*x*" in shown.text
