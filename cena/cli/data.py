"""The command line's ``cena data``: what is in the download folder, fetching, verifying and importing it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from cena.cli.console import console, escape, table

data_commands = typer.Typer(
    help="The data sets: list, fetch or verify the files, import an official archive.", no_args_is_help=True
)

_AT_ONCE = 4
"""Files that are downloaded at the same time."""

Names = Annotated[list[str] | None, typer.Argument(help="Files as `cena data list` names them; default: all.")]


@data_commands.command("list")
def list_files() -> None:
    """Show the files: size, licence, where they come from, whether they are here, and which chapters need them."""
    from cena.data import derived, registry
    from cena.data.label_tables import IMPORTED, LabelTable

    title = escape(f"download folder {registry.data_folder()}")
    files = table("file", "MB", "licence", "from", "here", "chapters", title=title)
    for name, known in registry.REGISTRY.items():
        here = "no" if registry.missing([name]) else "yes"
        row = (name, f"{known.megabytes:,.2f}", known.licence, known.url or "", here, known.chapters)
        files.add_row(*map(escape, row))
    console.print(files)
    for space in derived.RECIPES:
        recipe = derived.recipe_of(space)
        here = "derived" if derived.derived_path(recipe).exists() else "to be derived"
        console.print(f"{space}: {here} from {escape(', '.join(recipe.sources))}")
    for path in sorted((registry.data_folder() / IMPORTED).glob("*.npz")):
        console.print(escape(f"{path.stem}: {LabelTable(path).origin()}"))


@data_commands.command("fetch")
def fetch_files(names: Names = None) -> None:
    """Download what is missing, several files at once, verify what is there, and derive the label tables.

    What broke off goes on where it stopped. A file that cannot be had does not keep the others waiting.
    """
    import joblib

    from cena.data import derived, registry
    from cena.errors import InputError

    wanted = names or [name for name, known in registry.REGISTRY.items() if not known.only_by_name]
    absent = set(registry.missing(wanted))
    megabytes = sum(registry.entry(name).megabytes for name in absent)
    console.print(f"to be downloaded: {len(absent)} of {len(wanted)} files, {megabytes:,.1f} MB")
    failures: list[str] = []
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:

        def fetched(name: str) -> None:
            task = bar.add_task(escape(Path(name).name), total=None, visible=name in absent)
            try:
                registry.fetch(name, lambda there, total: bar.update(task, completed=there, total=total or None))
            except InputError as error:
                failures.append(str(error))
                return
            console.print(f"{escape(name)}: " + ("downloaded" if name in absent else "there") + " and verified")

        joblib.Parallel(n_jobs=_AT_ONCE, prefer="threads")(joblib.delayed(fetched)(name) for name in wanted)
    for space in derived.RECIPES if names is None else ():
        if registry.missing(derived.recipe_of(space).sources):
            continue
        try:
            with console.status(f"deriving the labels of {space}"):
                place = derived.derived_table(space).path
        except InputError as error:
            failures.append(str(error))
            continue
        console.print(f"{space}: labels at {escape(str(place))}")
    if failures:
        raise InputError("\n".join(failures))


@data_commands.command("verify")
def verify_files(names: Names = None) -> None:
    """Check the files that are there against their checksums; exit with 1 if one is damaged or a named one missing."""
    from cena.data import registry

    bad = False
    for name in names or registry.REGISTRY:
        state = registry.state(name)
        console.print(f"{escape(name)}: {state}")
        bad |= state == "damaged" or (state == "missing" and names is not None)
    if bad:
        raise typer.Exit(1)


@data_commands.command("import")
def import_archive_of(
    space: Annotated[str, typer.Argument(help="nas-bench-201, nats-bench-size or nas-bench-101.")],
    archive: Annotated[
        Path | None, typer.Argument(help="The official archive; default for nas-bench-101: the fetched file.")
    ] = None,
) -> None:
    """Make a label table of an official archive; the labels of the space are taken from it from then on."""
    from cena.data import registry
    from cena.data.importing import import_archive
    from cena.data.public_files import ARCHIVE_101
    from cena.errors import InputError

    if archive is None:
        if space != "nas-bench-101":
            raise InputError(f"which archive of '{space}'? give its path: cena data import {space} PATH")
        archive = registry.fetch(ARCHIVE_101)
    with console.status(f"reading {escape(archive.name)}") as status:
        place = import_archive(
            space, archive, lambda count, _: status.update(f"reading {escape(archive.name)}: {count:,} records")
        )
    console.print(f"{space}: imported into {escape(str(place))}")
