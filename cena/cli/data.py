"""The command line's ``cena data``: what is in the download folder, fetching, verifying and importing it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from cena.cli.console import console

data_commands = typer.Typer(
    help="The data sets: list, fetch or verify the files, import an official archive.", no_args_is_help=True
)

Names = Annotated[list[str] | None, typer.Argument(help="Files as `cena data list` names them; default: all.")]


@data_commands.command("list")
def list_files() -> None:
    """Show the files, whether they are in the download folder, and where they come from."""
    from cena.data import registry
    from cena.data.label_tables import IMPORTED, LabelTable

    table = Table("file", "there", "public address", "what it is", title=f"download folder {registry.data_folder()}")
    for name, entry in registry.REGISTRY.items():
        there = "no" if registry.missing([name]) else "yes"
        table.add_row(*map(escape, (name, there, entry.url or "none", entry.origin)))
    console.print(table)
    for path in sorted((registry.data_folder() / IMPORTED).glob("*.npz")):
        console.print(f"{path.stem}: {escape(LabelTable(path).origin())}")


@data_commands.command("fetch")
def fetch_files(names: Names = None) -> None:
    """Download files that are missing; those that are there are verified. What broke off goes on where it stopped."""
    from cena.data import registry

    wanted = names or [name for name, entry in registry.REGISTRY.items() if entry.url and not entry.only_by_name]
    absent = set(registry.missing(wanted))
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        for name in wanted:
            task = bar.add_task(escape(Path(name).name), total=None)
            registry.fetch(
                name,
                lambda there, total, task=task: bar.update(task, completed=there, total=total or None),  # type: ignore[misc]
            )
            console.print(f"{escape(name)}: " + ("downloaded" if name in absent else "there") + " and verified")


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
    from cena.errors import InputError

    if archive is None:
        if space != "nas-bench-101":
            raise InputError(f"which archive of '{space}'? give its path: cena data import {space} PATH")
        archive = registry.fetch(registry.ARCHIVE_101)
    with console.status(f"reading {escape(archive.name)}") as status:
        table = import_archive(
            space, archive, lambda count, _: status.update(f"reading {escape(archive.name)}: {count:,} records")
        )
    console.print(f"{space}: imported into {escape(str(table))}")
