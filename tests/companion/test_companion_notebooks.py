"""The runner and the command line over a tiny notebook project (conftest.py)."""

import json
import shutil
from pathlib import Path

import pytest

import cena
from cena.companion import notebooks
from cena.companion.declarations import declaration
from cena.companion.normalise import digest, read
from cena.companion.notebooks import Execution, NotebookError, run
from cena.companion.project import Project
from cena.companion.publish import publish
from cena.errors import InputError
from cena.stages import STAGES
from cena.study import profiles
from cena.study.needs import needed_files

HEADER = """# ---
# jupyter:
#   cena:
#     needs: []
#     version: 1
# ---

"""

SLEEPER = (
    HEADER
    + """# %% tags=["parameters"]
profile: str = "quick"  # [quick] settings of the run
fail: bool = False  # raise an error

# %%
import os, time
from pathlib import Path

# %%
if fail:
    raise ValueError("it was asked to")
if not Path("once").exists():
    Path("part").write_text(str(os.getpid()))
    Path("part").rename("once")
    time.sleep(60)
"""
)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_execution_has_outputs_results_and_provenance(project):
    executed = read(project.executed("quick") / "01_first.ipynb")
    text = executed.cells[3].outputs[0].text
    assert text.startswith("quick 2 <object object> .")
    assert executed.cells[2].metadata.tags == ["injected-parameters"]
    assert [cell.execution_count for cell in executed.cells if cell.cell_type == "code"] == [1, 2, 3, 4, 5, 6]
    assert (project.results("quick") / "01_first.curve.csv").read_text() == "runs,profile\n2,quick\n"
    recorded = executed.metadata.cena
    assert recorded.parameters == {"profile": "quick", "runs": 2}
    assert recorded.stages == {"layout": STAGES["layout"].version}
    assert list(recorded.data) == ["labels of digits-topology: dataset=digits split=test epochs=6 trials=mean"]
    assert set(recorded.results) == {"01_first.json", "01_first.curve.csv", "01_first.drawing.svg"}
    assert recorded.digest == digest(executed)
    assert recorded.settings["views.points"] == profiles.profile("quick").views.points
    assert str(project.root.parent) not in json.dumps(executed)
    assert recorded.reads == {}
    second = read(project.executed("quick") / "02_second.ipynb")
    assert second.cells[-1].outputs[0].data["text/plain"] == "['01_first.json']"
    assert second.metadata.cena.reads == {"01_first.json": recorded.results["01_first.json"]}


def executions(project: Project) -> int:
    """How often the first notebook was executed: it notes that itself."""
    return len((project.root / "executions").read_text().splitlines())


def test_a_fresh_notebook_is_not_executed(project):
    assert executions(project) == 1
    [done] = run(project, ["01_first"], "quick")
    assert done == Execution("01_first", project.executed("quick") / "01_first.ipynb", None)
    assert executions(project) == 1


def test_a_forced_execution_has_equal_bytes(project):
    before = files(project.executed("quick")) | files(project.results("quick"))
    told: list[tuple[str, int, int]] = []
    [done] = run(project, ["01_first"], "quick", force=True, progress=lambda *what: told.append(what))
    assert done.seconds is not None
    assert executions(project) == 2
    assert files(project.executed("quick")) | files(project.results("quick")) == before
    assert told == [("01_first", cell, 6) for cell in (1, 2, 3, 4, 5, 6)]


WRITER = (
    HEADER
    + """# %% tags=["parameters"]
profile: str = "quick"  # [quick] settings of the run

# %%
from cena.companion.project import results_folder

(results_folder(profile) / "{name}").write_text("[]")
"""
)


def test_a_notebook_owns_the_files_it_wrote_and_no_others(project):
    mine = project.notebooks / "01_first_mine.py"
    mine.write_text(WRITER.format(name="01_first_mine.json"))
    results = project.results("quick")
    list(run(project, ["01_first_mine"], "quick"))
    (results / "01_first.notes.txt").write_text("a reader's own")
    list(run(project, ["01_first"], "quick", force=True))
    first = {"01_first.json", "01_first.curve.csv", "01_first.drawing.svg"}
    assert {*files(results)} == first | {"01_first_mine.json", "01_first.notes.txt"}
    assert read(project.executed("quick") / "01_first.ipynb").metadata.cena.results.keys() == first
    assert publish(project, ["01_first"], "quick") == (["01_first"], {})
    assert {*files(project.published_results)} == first
    assert publish(project, ["01_first_mine"], "quick") == (["01_first_mine"], {})
    list(run(project, ["01_first"], "quick", force=True))
    assert publish(project, ["01_first"], "quick") == (["01_first"], {})
    assert "01_first_mine.json" in files(project.published_results)


def test_what_an_earlier_version_wrote_goes_unless_it_is_another_s_by_now(project):
    mine = project.notebooks / "03_mine.py"
    folders = project.results("quick"), project.published_results

    def version(name: str) -> None:
        mine.write_text(WRITER.format(name=name))
        list(run(project, ["03_mine"], "quick"))
        publish(project, ["03_mine"], "quick")

    version("curve.csv")
    assert all("curve.csv" in files(folder) for folder in folders)
    version("points.csv")
    assert all("curve.csv" not in files(folder) and "points.csv" in files(folder) for folder in folders)
    for folder in folders:
        (folder / "points.csv").write_text("of another notebook")
    version("lines.csv")
    assert all({"points.csv", "lines.csv"} <= {*files(folder)} for folder in folders)


def test_a_failed_notebook_leaves_the_results_as_they_were(project):
    before = files(project.results("quick"))
    source = project.notebooks / "01_first.py"
    source.write_text(source.read_text() + '\n# %%\nraise ValueError("after it has written")\n')
    with pytest.raises(NotebookError, match="after it has written"):
        list(run(project, ["01_first"], "quick", [("runs", "3")]))
    assert files(project.results("quick")) == before


def test_parameters_reach_the_notebook_and_make_it_another_execution(project):
    [done] = run(project, ["01_first"], "quick", [("runs", "3")])
    assert done.seconds is not None
    assert (project.results("quick") / "01_first.curve.csv").read_text() == "runs,profile\n3,quick\n"
    names, left_out = publish(project, ["01_first"], "quick")
    assert names == []
    assert left_out == {"01_first": ["parameter runs was 3, is 2"]}


@pytest.mark.parametrize(
    ("stems", "profile", "given", "reason"),
    [
        (["01_frist"], "quick", [], "unknown notebook '01_frist'; valid: 01_first, "),
        ([], "quik", [], "unknown profile 'quik'; valid: quick, "),
        (["01_first"], "quick", [("rums", "3")], "notebook '01_first': unknown parameter 'rums'; valid: runs, "),
        (["01_first"], "quick", [("runs", "many")], "parameter 'runs' is 'many': give an int from 0 to 10"),
        (["01_first"], "quick", [("runs", "11")], "from 0 to 10"),
        (["01_first"], "paper", [], "unknown value of parameter 'profile' 'paper'"),
        (["01_first"], "quick", [("profile", "paper")], "is given by --profile"),
        ([], "quick", [("runs", "3")], "notebook '02_second': unknown parameter 'runs'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_executed(project, stems, profile, given, reason):
    before = files(project.root)
    with pytest.raises(InputError, match=reason):
        run(project, stems, profile, given)
    assert files(project.root) == before


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("# %%\n1", "it has 0 cells tagged parameters"),
        ('# %% tags=["parameters"]\nruns: int = 2  # runs', "it declares no parameter 'profile: str'"),
        ('# %% tags=["parameters"]\nruns = 2', "parameters cell"),
        ('# %% tags=["parameters"]\nprofile: str = "quick"  # settings\n\n# %%\n1 +', "is not Python"),
    ],
)
def test_a_malformed_notebook_is_refused(project, source, reason):
    (project.notebooks / "03_bad.py").write_text(HEADER + source)
    with pytest.raises(InputError, match=f"notebook '03_bad':? {reason}"):
        list(run(project, ["03_bad"], "quick"))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("needs: []", "needs: [topologie]", "unknown need 'topologie'; valid: topology, "),
        ("needs: []", "needs: topology", r"its header says needs: 'topology'; give a list, such as \[topology\]"),
        ("needs: []", "nedes: []", "unknown entry of the header 'nedes'; valid: needs, "),
        ("needs: []", "reads: results", "its header says needs: None"),
        ("needs: []", "needs: []\n#     reads: everything", "unknown word after reads .* 'everything'; valid: results"),
        ("version: 1", "version: one", "its header says version: 'one'; give a whole number from 1"),
        ("version: 1", "version: 0", "its header says version: 0; give"),
        (HEADER, "", "its header says needs: None"),
    ],
)
def test_a_header_that_is_not_understood_is_refused_in_a_sentence(project, old, new, reason):
    (project.notebooks / "03_bad.py").write_text(SLEEPER.replace(old, new))
    with pytest.raises(InputError, match=f"notebook '03_bad': {reason}"):
        run(project, ["03_bad"], "quick")


def test_only_what_a_notebook_declares_to_need_is_asked_for(project, monkeypatch):
    asked = []
    monkeypatch.setattr(
        notebooks, "needed_files", lambda needs, profile: [f"{need} of {profile.name}" for need in needs]
    )
    monkeypatch.setattr(notebooks, "need_files", lambda files, _profile: asked.append(files))
    source = SLEEPER.replace("[quick]", "[laptop]").replace('"quick"', '"laptop"')
    mentions = source + "\n# of_size( of_nas_bench_101( in a comment, or renamed, count for nothing\n"
    for needs in ("", "topology", "nas-bench-101, size"):
        (project.notebooks / "03_needs.py").write_text(mentions.replace("needs: []", f"needs: [{needs}]"))
        run(project, ["03_needs"], "laptop")
    assert asked == [[], ["topology of laptop"], ["nas-bench-101 of laptop", "size of laptop"]]


def test_every_notebook_of_the_book_declares_what_can_be_provided():
    project = Project(Path(__file__).parents[2])
    for stem in project.stems():
        declared = declaration(project, stem)
        assert needed_files(declared.needs, profiles.profile("laptop")) != [] or declared.reads_results


def test_a_failed_notebook_is_kept_apart_and_runs_again(project):
    (project.notebooks / "03_sleeper.py").write_text(SLEEPER)
    (project.root / "once").touch()
    with pytest.raises(
        NotebookError, match=r"'03_sleeper' failed in cell \[4\] with ValueError: it was asked to; see _b"
    ):
        list(run(project, ["03_sleeper"], "quick", [("fail", "true")]))
    failed = project.executed("quick") / "03_sleeper.failed.ipynb"
    assert "it was asked to" in failed.read_text()
    assert str(project.root) not in failed.read_text()
    assert not (project.executed("quick") / "03_sleeper.ipynb").exists()
    assert [done.stem for done in run(project, ["03_sleeper"], "quick")] == ["03_sleeper"]
    assert not failed.exists()


CHANGES = "from cena.stages import STAGES; STAGES['layout'].version = 9; "


@pytest.mark.parametrize("then", ["", "\n\n# %%\nPath('too far').touch()"])
def test_a_kernel_that_computes_with_other_code_is_refused(project, then):
    edited = project.notebooks / "01_first.py"
    before = files(project.results("quick")) | files(project.executed("quick"))
    head, use, _ = edited.read_text().partition("to_unit_square(np.eye(2))\n")
    edited.write_text(head + CHANGES + use + then)
    with pytest.raises(NotebookError, match=r"'01_first': 'layout' has version 9 in .*, which computed, and version 1"):
        list(run(project, ["01_first"], "quick"))
    assert files(project.results("quick")) | files(project.executed("quick")) == before
    assert not (project.root / "too far").exists()


def test_a_kernel_that_imports_another_copy_is_refused(project, monkeypatch, tmp_path):
    copy = tmp_path / "other/cena"
    copy.mkdir(parents=True)
    for part in Path(cena.__file__).parent.iterdir():
        if part.name not in ("stages.py", "__pycache__"):
            (copy / part.name).symlink_to(part)
    shutil.copy(Path(cena.__file__).parent / "stages.py", copy)
    (project.root / "cena").unlink()
    monkeypatch.setenv("PYTHONPATH", str(copy.parent))
    with pytest.raises(NotebookError, match=rf"'01_first': 'cena' has version .* in {copy}, which computed"):
        list(run(project, ["01_first"], "quick", force=True))


@pytest.mark.slow
def test_a_lost_kernel_is_an_error_of_its_notebook(project):
    (project.notebooks / "03_sleeper.py").write_text(SLEEPER.replace("time.sleep(60)", "os._exit(1)"))
    with pytest.raises(NotebookError, match="'03_sleeper' lost its kernel"):
        list(run(project, ["03_sleeper"], "quick"))


def test_the_command_runs_with_parameters_and_fails_with_1(project, command):
    (project.notebooks / "03_sleeper.py").write_text(SLEEPER)
    process = command("run", "03_sleeper", "-p", "fail", "true")
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "03_sleeper: 4 cells" in printed
    assert errors.startswith(
        "notebook '03_sleeper' failed in cell [4] with ValueError: it was asked to; see _build/quick"
    )
    assert errors.count("\n") == 1
