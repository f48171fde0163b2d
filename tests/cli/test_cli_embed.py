"""The command line's ``cena embed`` and ``cena release``: what they print and exit with."""

import sys

import pytest

from cena.cli import embed as embed_cli
from cena.cli import main as cli
from cena.embed import network as embedding
from cena.embed import reference
from cena.study import pipeline as pipelines

NETWORKS = """
from torch import nn

def small():
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 5))

def pair():
    return nn.LSTM(8, 4)
"""


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Calls ``cena`` beside a module with networks, and returns exit code, output and errors."""
    (tmp_path / "networks_for_cli.py").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(embed_cli.console, "width", 300)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["cena", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return call


@pytest.mark.usefixtures("tiny_release")
def test_embed_prints_an_estimate_first_and_then_the_place(command):
    code, out, err = command("embed", "networks_for_cli:small", "--reference", "digits-topology")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("networks_for_cli:small: 2 views at 16 images will take about ")
    assert lines[0].endswith("MiB")
    assert lines[1] == "parameters: 965"
    assert lines[2].startswith("place in the layout: (0.")
    assert lines[3].startswith("predicted digits validation accuracy after 6 epochs: ")
    assert lines[4].startswith("outside measure: ")
    assert out.count("|nor_conv") + out.count("|avg_pool") + out.count("|skip") + out.count("|none") >= 5


@pytest.mark.usefixtures("tiny_release")
def test_embed_says_why_nothing_is_predicted_and_warns(command, monkeypatch):
    monkeypatch.setattr(reference, "_labels", lambda _name: (None, "no labels here"))
    monkeypatch.setattr(embedding, "OUTSIDE", -1.0)
    _, out, _ = command("embed", "networks_for_cli:small", "--reference", "digits-topology")
    assert "predicted accuracy: none, no labels here\n" in out
    assert "\nwarning: 'networks_for_cli:small' lies outside what the encoder has seen" in out


@pytest.mark.usefixtures("tiny_release")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["networks_for_cli:small"], "unknown released embedding 'nas-bench-201'; valid: digits-topology"),
        (["nothing", "--reference", "digits-topology"], "'nothing' names no factory: give package.module:factory"),
        (
            ["networks_for_cli:pair", "--reference", "digits-topology"],
            "network 'networks_for_cli:pair' cannot be embedded (",
        ),
    ],
)
def test_what_cannot_be_embedded_is_a_sentence_and_2(command, arguments, sentence):
    code, out, err = command("embed", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(sentence)
    assert err.count("\n") == 1


@pytest.mark.usefixtures("tiny_release")
def test_an_interrupt_is_a_sentence_and_130(command, monkeypatch):
    def interrupted(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(embedding, "class_views", interrupted)
    code, _, err = command("embed", "networks_for_cli:small", "--reference", "digits-topology")
    assert (code, err) == (130, "interrupted: run the same command again to go on\n")


def test_release_writes_the_files(command, monkeypatch, tiny_pipeline, tmp_path):
    asked = []

    def pipeline(settings, progress):
        asked.append(settings.space.name)
        progress("views", 1, 2)
        return tiny_pipeline

    monkeypatch.setattr(pipelines, "Pipeline", pipeline)
    folder = tmp_path / "out"
    code, out, _ = command("release", "nas-bench-101", "digits-topology", "--folder", str(folder))
    assert code == 0
    assert out.startswith("nas-bench-101: released, 0.")
    assert "\ndigits-topology: released, 0." in out
    assert len(list(folder.iterdir())) == 3
    assert asked == ["nas-bench-101", "digits-topology"]
    code, _, err = command("release", "digits", "--folder", str(folder))
    assert code == 2
    assert err.startswith("unknown released space 'digits'; valid: digits-topology, nas-bench-101")
    command("release", "--folder", str(folder))
    assert asked[2:] == ["digits-topology", "nas-bench-101", "nas-bench-201", "nats-bench-size"]
