"""What the book's pages need of Sphinx: tables made from results and code at build time, and scripts without a network.

Directives:

- ``{records} PREFIX ...`` the records of the results whose id starts with one of the prefixes (all, if none is given);
  an error where no record has such an id, or could have
- ``{executions}`` which notebooks were run under which profile
- ``{profiles}`` the settings of every profile
- ``{api} MODULE ...`` the public names of modules with what their docstrings say first
"""

from collections.abc import Callable
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from cena.errors import InputError
from cena.evaluate.records import begins_an_id, read_all
from cena.report import tables


def table_directive(text: Callable[[Path, list[str]], str]) -> type[SphinxDirective]:
    """A directive that parses, in its place, the Markdown that `text` makes of the source folder and its arguments."""

    class TableDirective(SphinxDirective):
        optional_arguments = 1
        final_argument_whitespace = True

        def run(self) -> list[nodes.Node]:
            try:
                lines = text(Path(self.env.srcdir), " ".join(self.arguments).split()).splitlines()
            except InputError as error:
                raise self.error(str(error)) from None
            container = nodes.container(classes=["cena-table"])
            self.state.nested_parse(StringList(lines, self.env.docname), 0, container)
            return [container]

    return TableDirective


def records_table(source: Path, prefixes: list[str]) -> str:
    known = [record.id for folder in ("results", "published") for record in read_all(source / folder)]
    for prefix in prefixes:
        if not (begins_an_id(prefix) or any(id.startswith(prefix) for id in known)):
            raise InputError(f"no record of this run or of the published one has an id that begins with '{prefix}'")
    return tables.records_table(source / "results", prefixes)


def serve_third_party(app: Sphinx) -> None:
    # Not by html_static_path in _config.yml: Jupyter Book loads every script it finds there on every page.
    app.config.html_static_path.append("_third_party")


def load_plotly_where_used(app: Sphinx, _page: str, _template: str, context: dict, _doctree: object) -> None:
    if "Plotly.newPlot" in context.get("body", ""):
        app.add_js_file("plotly.min.js", priority=100)


def setup(app: Sphinx) -> dict[str, bool]:
    makers = {
        "records": records_table,
        "executions": lambda source, _: tables.executions(source / "notebooks"),
        "profiles": lambda _source, _: tables.profiles_table(),
        "api": lambda _, modules: "\n\n".join(map(tables.api_table, modules)),
    }
    for name, text in makers.items():
        app.add_directive(name, table_directive(text))
    app.connect("builder-inited", serve_third_party)
    app.connect("html-page-context", load_plotly_where_used)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
