"""Stages: named, versioned, and noted when they are used."""

import subprocess
import sys
from pathlib import Path

import pytest

import cena
from cena.evaluate.scoreboard import SCOREBOARD
from cena.stages import LOG_VARIABLE, STAGES, OtherCodeError, Stage, stages_used, versions

PACKAGE = Path(cena.__file__).parent


@pytest.fixture
def stage(monkeypatch):
    monkeypatch.setattr("cena.stages.STAGES", {})
    return Stage("a stage for tests", version=3)


def test_a_name_stands_for_one_stage(stage):
    with pytest.raises(ValueError, match="two stages called 'a stage for tests'"):
        Stage(stage.name, version=1)
    assert stage.name not in STAGES


def test_use_is_noted_once_a_log(stage, monkeypatch, tmp_path):
    @stage
    def double(number: int) -> int:
        """Twice a number."""
        return 2 * number

    assert double(2) == 4  # noted nowhere
    for name in ("first", "second"):
        monkeypatch.setenv(LOG_VARIABLE, str(tmp_path / name))
        assert not (tmp_path / name).exists()
        assert [double(1), double(number=3)] == [2, 6]
        assert versions(stage) == {"a stage for tests": 3}
        assert (tmp_path / name).read_text() == f"a stage for tests\t3\t{PACKAGE}\n"
        assert stages_used(tmp_path / name) == {"a stage for tests"}
    assert double.__doc__ == "Twice a number."


def test_a_process_notes_what_it_imports_and_uses(monkeypatch, tmp_path):
    monkeypatch.setenv(LOG_VARIABLE, str(tmp_path / "log"))
    subprocess.run([sys.executable, "-c", "from cena.evaluate.scoreboard import SCOREBOARD as s; s.use()"], check=True)
    assert (tmp_path / "log").read_text() == f"cena\t{cena.__version__}\t{PACKAGE}\nscoreboard\t1\t{PACKAGE}\n"
    assert stages_used(tmp_path / "log") == {SCOREBOARD.name}


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"a stage for tests\t4\t{PACKAGE}", f"'a stage for tests' has version 4 in {PACKAGE}, .* version 3 in"),
        ("a stage for tests\t3\t/other/cena", "'a stage for tests' has version 3 in /other/cena, .* version 3 in"),
        (f"another stage\t1\t{PACKAGE}", "'another stage' has version 1 in .* and version none in"),
        (f"cena\t9.9.9\t{PACKAGE}", f"'cena' has version 9.9.9 in .* and version {cena.__version__} in"),
        ("a stage for tests", "'a stage for tests' has version unknown in unknown"),
    ],
)
def test_other_code_that_computed_is_refused(line, said, tmp_path):
    (tmp_path / "log").write_text(f"a stage for tests\t3\t{PACKAGE}\n{line}\n")
    with pytest.raises(OtherCodeError, match=said):
        stages_used(tmp_path / "log")
