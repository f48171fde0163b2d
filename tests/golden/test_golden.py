"""Every stage gives on a tiny fixed input what it gave when its version was set.

A failure names the stage. If the change is meant, raise the version of the stage and write the new output down:
``CENA_WRITE_GOLDEN=1 pytest tests/golden``. If it is not, the stage is broken.
"""

import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from golden_cases import CASES

import cena
from cena.stages import STAGES

WRITTEN = Path(__file__).parent / "stages.json"
DIGITS = 6
TOLERANCE = 2e-3
"""Relative, for numbers that are not whole: processors round differently."""
TRAINED = {"arch2vec", "digits", "encoder", "trajectories"}
"""Stages that train: the steps amplify what is rounded, and ten times the tolerance is still far below one setting."""


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def differences(written: Any, found: Any, tolerance: float = TOLERANCE, where: str = "") -> list[str]:
    """Where two outputs differ by more than rounding."""
    if isinstance(written, dict) and isinstance(found, dict) and written.keys() == found.keys():
        return [
            line
            for key in written
            for line in differences(written[key], found[key], tolerance, f"{where} {key}".strip())
        ]
    if isinstance(written, list) and isinstance(found, list) and len(written) == len(found):
        scale = max((abs(one) for one in written if isinstance(one, float)), default=0.0)
        pairs = enumerate(zip(written, found, strict=True))
        return [
            line
            for place, (old, new) in pairs
            for line in (
                []
                if isinstance(old, float) and isinstance(new, int | float) and abs(old - new) <= tolerance * scale
                else differences(old, new, tolerance, f"{where}[{place}]")
            )
        ]
    if isinstance(written, float) and isinstance(found, int | float):
        same = np.isclose(written, found, rtol=tolerance, atol=0, equal_nan=True)
        return [] if same else [f"{where}: {written} became {found}"]
    return [] if written == found else [f"{where}: {written!r} became {found!r}"]


def rounded(output: Any) -> Any:
    if isinstance(output, dict):
        return {key: rounded(value) for key, value in output.items()}
    if isinstance(output, list | tuple):
        return [rounded(value) for value in output]
    return float(f"{output:.{DIGITS}g}") if isinstance(output, float) else output


def verdict(stage: str, version: int, output: Any, written: Any) -> str | None:
    """What is wrong with a stage's output; None when it is as written down."""
    changes = differences(written["output"], output, (10 if stage in TRAINED else 1) * TOLERANCE)
    if version != written["version"]:
        return f"stage '{stage}' has version {version}: write its output down, CENA_WRITE_GOLDEN=1 pytest tests/golden"
    if changes:
        return f"stage '{stage}' changed and its version is still {version}: {'; '.join(changes[:3])}"
    return None


@pytest.mark.parametrize("stage", CASES)
def test_a_stage_changes_with_its_version_only(stage):
    written = json.loads(WRITTEN.read_text()) if WRITTEN.exists() else {}
    output, version = rounded(CASES[stage]()), STAGES[stage].version
    old = written.get(stage)
    if os.environ.get("CENA_WRITE_GOLDEN") and (old is None or version != old["version"]):
        written[stage] = {"version": version, "output": output}
        WRITTEN.write_text(json.dumps(dict(sorted(written.items())), indent=1) + "\n")
        old = written[stage]
    assert old is not None, f"no output of stage '{stage}' is written down: CENA_WRITE_GOLDEN=1 pytest tests/golden"
    wrong = verdict(stage, version, output, old)
    assert wrong is None, wrong


def test_every_stage_has_a_case():
    for module in pkgutil.walk_packages(cena.__path__, "cena."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert STAGES.keys() == CASES.keys()
    assert json.loads(WRITTEN.read_text()).keys() == CASES.keys()


@pytest.mark.parametrize(
    ("stage", "module", "constant", "value"),
    [
        ("distance-map", "cena.layout.distance_map", "_STEP", 0.4),
        ("views", "cena.jacobians.weights", "RESCALE", (0.5, 2.0)),
    ],
)
def test_another_number_behind_a_stage_is_caught_by_its_name(stage, module, constant, value, monkeypatch):
    written = json.loads(WRITTEN.read_text())[stage]
    monkeypatch.setattr(sys.modules[module], constant, value)
    output = rounded(CASES[stage]())
    version = written["version"]
    assert verdict(stage, version, output, written).startswith(f"stage '{stage}' changed and its version is still")
    assert verdict(stage, version + 1, output, written).startswith(f"stage '{stage}' has version {version + 1}")


def test_rounding_is_no_change_and_anything_else_is():
    written = {"numbers": [1.0, 2.0, 1e-9], "whole": [1, 2], "text": "a"}
    assert differences(written, {"numbers": [1.001, 2.0, 2e-9], "whole": [1, 2], "text": "a"}) == []
    assert differences(written, {**written, "numbers": [1.01, 2.0, 0.0]}) == ["numbers[0]: 1.0 became 1.01"]
    assert differences(written, {**written, "whole": [1, 3]}) == ["whole[1]: 2 became 3"]
    assert differences(written, {**written, "text": "b"}) == ["text: 'a' became 'b'"]
    assert differences(written, {"numbers": [1.0]})
    assert differences([1.0, 2.0], [1.0])
