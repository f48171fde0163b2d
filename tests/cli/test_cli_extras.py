"""A missing package of an extra is told in a sentence; any other missing module is a fault of the code."""

import pytest

from cena.cli import extras


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    lines = ["numpy>=2", 'jupyter-book<2,>=1; extra == "book"', 'distributed>=2025.1; extra == "cluster"']
    monkeypatch.setattr(extras, "requires", lambda _name: lines)


@pytest.mark.parametrize(("module", "extra"), [("jupyter_book.cli", "book"), ("distributed", "cluster")])
def test_the_extra_is_named(module, extra):
    reason = extras.missing_extra(ModuleNotFoundError(name=module))
    assert str(reason).endswith(f"which is not installed: pip install 'cena[{extra}]'")


@pytest.mark.parametrize("module", ["numpy", "no_such_module", None])
def test_another_missing_module_is_raised_again(module):
    error = ModuleNotFoundError(name=module)
    with pytest.raises(ModuleNotFoundError) as raised:
        extras.missing_extra(error)
    assert raised.value is error


def test_a_package_that_is_not_installed_has_no_extras(monkeypatch):
    def unknown(name):
        raise extras.PackageNotFoundError(name)

    monkeypatch.setattr(extras, "requires", unknown)
    with pytest.raises(ModuleNotFoundError):
        extras.missing_extra(ModuleNotFoundError(name="distributed"))
