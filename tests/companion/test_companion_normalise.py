import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cena.companion.normalise import digest, normalise, read, read_executed, write


def notebook(*outputs: dict[str, Any], **metadata: Any) -> Any:
    """A notebook of one executed cell with these outputs."""
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.from_dict(output) for output in outputs])
    return nbformat.v4.new_notebook(cells=[cell], metadata=metadata)


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: Any) -> dict[str, Any]:
    named = {{"widget": "application/vnd.jupyter.widget-view+json"}.get(k, f"text/{k}"): v for k, v in data.items()}
    return {"output_type": "display_data", "data": named, "metadata": {}}


def outputs(book: Any, root: Path = Path("/somewhere/repo")) -> list[Any]:
    return normalise(book, root).cells[0].outputs


def test_cell_ids_follow_from_the_position():
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text) for text in "ab"])
    assert [cell.id for cell in normalise(book, Path("/somewhere")).cells] == ["cell-000", "cell-001"]


def test_times_and_versions_are_gone_and_provenance_stays():
    book = notebook(
        papermill={"duration": 1.2}, language_info={"name": "python", "version": "3.11.7"}, cena={"source": "abc"}
    )
    book.cells[0].metadata = nbformat.from_dict(
        {"papermill": {"duration": 3}, "execution": {"iopub.status.busy": "now"}, "tags": []}
    )
    book.cells[0].execution_count = 7
    clean = normalise(book, Path("/somewhere"))
    assert set(clean.metadata) == {"kernelspec", "language_info", "cena"}
    assert "version" not in clean.metadata.language_info
    assert clean.cells[0].metadata == {}
    assert clean.cells[0].execution_count == 7


def test_tags_stay():
    book = notebook()
    book.cells[0].metadata.tags = ["parameters"]
    assert normalise(book, Path("/somewhere")).cells[0].metadata == {"tags": ["parameters"]}


def test_printed_text_is_joined_however_it_arrived():
    pieces = outputs(
        notebook(stream("a\n"), stream("warn\n", "stderr"), stream("b\n"), shown(plain="1"), stream("c\n"))
    )
    whole = outputs(notebook(stream("a\nb\n"), stream("warn\n", "stderr"), shown(plain="1"), stream("c\n")))
    assert pieces == whole
    assert [output.get("text") for output in pieces] == ["a\nb\n", "warn\n", None, "c\n"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\r 10%|# | 1/10 [00:01]\r100%|##| 10/10 [00:02]\n", ""),
        ("before\n 50%\r100%\nafter", "before\nafter"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("no progress\n\n", "no progress\n\n"),
    ],
)
def test_progress_bars_are_gone(text, left):
    assert "".join(output.text for output in outputs(notebook(stream(text, "stderr")))) == left


def test_widgets_are_gone():
    assert outputs(notebook(shown(widget={"model_id": "1"}, plain="HBox"))) == []


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("<object object at 0x7f3a90b1c2d0>", "<object object>"),
        ("/somewhere/repo/cena/errors.py:3: warning", "./cena/errors.py:3: warning"),
        ("in '/somewhere/repo'", "in '.'"),
        ("/somewhere/repository/x", "/somewhere/repository/x"),
        ("https://host/somewhere/repo/x", "https://host/somewhere/repo/x"),
        (f"{sys.prefix}/lib/x.py:1", "<python>/lib/x.py:1"),
        ("/somewhere/else/ipykernel_123/456.py:2: UserWarning: x", "<cell>:2: UserWarning: x"),
        ("0x7f is 127 at 3", "0x7f is 127 at 3"),
    ],
)
def test_texts_name_no_place_of_this_machine(text, clean):
    [printed, display] = outputs(notebook(stream(text), shown(html=text)))
    assert printed.text == clean
    assert display.data["text/html"] == clean


def test_errors_are_cleaned_too():
    failed = {"output_type": "error", "ename": "E", "evalue": "/somewhere/repo/x", "traceback": ["/somewhere/repo/y"]}
    [error] = outputs(notebook(failed))
    assert (error.evalue, error.traceback) == ("./x", ["./y"])


def test_random_element_ids_are_numbered_by_appearance():
    def page(first: str, second: str) -> Any:
        return outputs(notebook(shown(html=f"<div id={first}> {second} {first}"), shown(html=second)))

    one = page("3f2b8c1e-9d4a-4b6f-8a7e-1c2d3e4f5a6b", "0a1b2c3d-4e5f-4a6b-9c8d-7e6f5a4b3c2d")
    other = page("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
    assert one == other
    assert one[0].data["text/html"].count("000000000001") == 2
    assert one[1].data["text/html"].endswith("000000000002")


def test_what_is_no_text_stays():
    png = "iVBORw0KGgo/somewhere/repo/AAA"
    data = {"image/png": png, "application/json": {"path": 1}}
    [output] = outputs(notebook({"output_type": "display_data", "data": data, "metadata": {}}))
    assert output.data == data


def test_normalising_twice_changes_nothing(tmp_path):
    book = notebook(stream("x at 0x7f3a90b1c2d0\n"), shown(html="11111111-1111-4111-8111-111111111111"))
    write(normalise(book, Path("/somewhere")), tmp_path / "once.ipynb")
    write(normalise(read(tmp_path / "once.ipynb"), Path("/somewhere")), tmp_path / "twice.ipynb")
    assert (tmp_path / "once.ipynb").read_bytes() == (tmp_path / "twice.ipynb").read_bytes()


def test_the_digest_is_of_the_content_however_it_is_written(tmp_path):
    book = normalise(notebook(stream("a\nb\n"), shown(html="<p>"), cena={"version": 1}), Path("/somewhere"))
    book.metadata.cena.digest = digest(book)
    write(book, tmp_path / "page.ipynb")
    (tmp_path / "page.ipynb").write_text(json.dumps(json.loads((tmp_path / "page.ipynb").read_text())))
    assert digest(read(tmp_path / "page.ipynb")) == book.metadata.cena.digest


@pytest.mark.parametrize(
    "change",
    [
        lambda book: book.cells[0].outputs[0].update(text="c"),
        lambda book: book.cells[0].outputs.pop(),
        lambda book: book.cells[0].update(source="2"),
        lambda book: book.cells[0].update(execution_count=2),
        lambda book: book.cells[0].metadata.update(tags=["remove-cell"]),
        lambda book: book.cells.append(nbformat.v4.new_markdown_cell("more")),
        lambda book: book.metadata.cena.update(version=2),
        lambda book: book.metadata.pop("cena"),
        lambda book: book.metadata.kernelspec.update(name="another"),
    ],
)
def test_every_change_changes_the_digest(change):
    book = normalise(notebook(stream("a"), shown(html="b"), cena={"version": 1}), Path("/somewhere"))
    before = digest(book)
    change(book)
    assert digest(book) != before


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        '"text"',
        "{}",
        "[" * 100_000,
        '{"cells": 1}',
        '{"nbformat": 99, "cells": []}',
        '{"cells": [], "metadata": [], "nbformat": 4, "nbformat_minor": 5}',
        '{"cells": [1], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        '{"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        '{"cells": [{"cell_type": "code"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        '{"cells": [], "metadata": {"cena": "text"}, "nbformat": 4, "nbformat_minor": 5}',
        '{"cells": [], "metadata": {"cena": {"stages": []}}, "nbformat": 4, "nbformat_minor": 5}',
        "\xff\xfe\0",
    ],
)
def test_what_is_no_notebook_is_read_as_none(tmp_path, junk):
    path = tmp_path / "01_first.ipynb"
    assert read_executed(path) is None
    path.write_bytes(junk.encode("latin-1"))
    assert read_executed(path) is None
    path.unlink()
    path.mkdir()
    assert read_executed(path) is None
