"""Stages: named, versioned, and noted when they are used."""

import pytest

from cena.stages import LOG_VARIABLE, STAGES, Stage, versions


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
        assert (tmp_path / name).read_text() == "a stage for tests\n"
    assert double.__doc__ == "Twice a number."
