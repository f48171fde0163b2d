"""The command line: ``cena``. Thin; what is heavy to import is imported by the command that needs it."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from cena.cli.console import console, escape, print_anywhere, table
from cena.cli.data import data_commands
from cena.cli.embed import embed_command, imagenet_command, pack_command, release_command
from cena.cli.failures import explained
from cena.companion.project import here
from cena.errors import InputError
from cena.study.checkout import own_checkout
from cena.study.cluster import VARIABLE
from cena.study.profiles import PROFILES, describe
from cena.study.profiles import profile as known_profile

app = typer.Typer(
    help="Contrastive embeddings for neural architectures: run the paper's companion.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_INTERRUPTED = 130  # the exit code typer gives a KeyboardInterrupt
_TERMINATED = 128 + signal.SIGTERM
_complaints = Console(stderr=True, highlight=False, soft_wrap=True)

Notebooks = Annotated[list[str] | None, typer.Argument(help="Notebooks by name, such as 04_layout; default: all.")]
ProfileName = Annotated[str, typer.Option("--profile", help="The settings of the run: see `cena profiles`.")]
Scheduler = Annotated[
    str | None, typer.Option(envvar=VARIABLE, help="Compute on a Dask cluster, such as tcp://host:8786.")
]


class _TakesParameters(TyperCommand):
    """Joins ``-p NAME VALUE`` to ``-p NAME=VALUE``: typer has no repeatable option of two values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        joined: list[str] = []
        waiting = iter(args)
        for argument in waiting:
            joined.append(argument)
            if argument in ("-p", "--parameter"):
                parts = [next(waiting, "")]
                if "=" not in parts[0]:
                    parts += [*islice(waiting, 1)]
                joined.append("=".join(parts))
        return super().parse_args(ctx, joined)


def _pair(text: str) -> tuple[str, str]:
    """Name and value of ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise InputError(f"-p needs a name and a value, not '{text}': -p runs 20, or -p runs=20")
    return name, value


def _fail_with(found: Mapping[str, Iterable[str]], said: str = "") -> None:
    """Print the reasons of each notebook, and exit with 1, if there are any."""
    for stem, reasons in found.items():
        for reason in reasons:
            console.print(f"{stem}: {said}{escape(reason)}", soft_wrap=True)
    if found:
        raise typer.Exit(1)


@contextmanager
def _executing(scheduler: str | None) -> Iterator[Callable[[str, int, int], None]]:
    """What shows the cells of the notebooks that are executed in this context, on a cluster if one is named."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    if scheduler:
        os.environ[VARIABLE] = scheduler  # the notebooks' kernels inherit it
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def progress(stem: str, cell: int, cells: int) -> None:
            if cell == 1:
                bar.reset(task)
                if not console.is_terminal:
                    console.print(f"{stem}: {cells} cells")
            bar.update(task, description=f"{stem}: cell {cell} of {cells}", completed=cell - 1, total=cells)

        yield progress


@app.command("run", cls=_TakesParameters)
def run_command(
    notebooks: Notebooks = None,
    profile: ProfileName = "quick",
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter, also as NAME VALUE; may be repeated."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also execute notebooks that are up to date.")] = False,
    scheduler: Scheduler = None,
) -> None:
    """Execute notebooks into _build/PROFILE; those that are fresh are not executed again."""
    from cena.companion.notebooks import run

    given = [_pair(text) for text in parameter or []]
    with _executing(scheduler) as progress:
        started = time.monotonic()
        for done in run(here(), notebooks or [], profile, given, force, progress):
            console.print(f"{done.stem}: " + ("fresh" if done.seconds is None else f"done in {done.seconds:.0f} s"))
        console.print(f"profile {profile}: {time.monotonic() - started:.0f} s")


@app.command("check")
def check_command() -> None:
    """Say which published notebooks are not fresh, and why; exit with 1 if there are any."""
    from cena.companion.check import check

    _fail_with(check(here()))
    console.print("all published notebooks are fresh")


@app.command("diff")
def diff_command(profile: Annotated[str, typer.Argument(help="Whose results to compare.")] = "quick") -> None:
    """Compare your results under a profile with the published ones; exit with 1 if any differ."""
    from cena.companion.diff import compare, worded
    from cena.evaluate.records import read_all

    project = here()
    results = project.results(known_profile(profile).name)
    if not any(results.glob("*.json")):
        raise InputError(f"there are no results under profile '{profile}': first `cena run --profile {profile}`")
    shown = table("id", "published", "yours", "verdict", title=f"profile {profile}: values with 95 % intervals")
    rows = compare(read_all(results), read_all(project.published_results))
    for row in rows:
        shown.add_row(*(escape(text) for text in (row.id, worded(row.published), worded(row.own), row.verdict)))
    console.print(shown)
    if any(row.verdict == "differ" for row in rows):
        raise typer.Exit(1)


@app.command("reproduce")
def reproduce_command(
    notebook: Annotated[str, typer.Argument(help="A published notebook, such as 04_layout.")],
    scheduler: Scheduler = None,
) -> None:
    """Execute a published notebook again, with its own parameters, and compare; exit with 1 if anything differs."""
    from cena.companion.reproduce import reproduce

    with _executing(scheduler) as progress:
        found = reproduce(here(), notebook, progress)
    _fail_with({notebook: found} if found else {})
    console.print(f"{notebook}: the page and its results came out the same")


@app.command("publish")
def publish_command(notebooks: Notebooks = None, profile: ProfileName = "paper") -> None:
    """Copy fresh executions and results to notebooks/, book/results and the README; exit with 1 if any is left out."""
    from cena.companion.publish import publish
    from cena.companion.readme import update_readme

    published, left_out = publish(here(), notebooks or [], profile)
    if published:
        update_readme(here())
    for stem in published:
        console.print(f"{stem}: published from profile {profile}")
    _fail_with(left_out, "left out, ")


@app.command("reword")
def reword_command(notebooks: Notebooks = None) -> None:
    """Carry reworded text from notebook sources over to their published executions, executing nothing."""
    from cena.companion.rewording import carry_text

    carried = carry_text(here(), notebooks or [])
    console.print(f"reworded: {', '.join(carried)}" if carried else "the published text is that of the sources")


@app.command("profiles")
def profiles_command() -> None:
    """Show the settings of every profile."""
    shown = table("setting", *PROFILES)
    for row in zip(*(describe(profile) for profile in PROFILES.values()), strict=True):
        shown.add_row(row[0][0], *(value for _, value in row))
    console.print(shown)


@app.command("spaces")
def spaces_command() -> None:
    """Show the search spaces."""
    from cena.spaces import SPACES, load

    shown = table("space", "architectures", "pixels", "the first architecture")
    for name in SPACES:
        space = load(name)
        shown.add_row(name, f"{len(space):,}", str(space.resolution), escape(space.architecture(0)))
    console.print(shown)


@app.command("book")
def book_command(
    profile: Annotated[str, typer.Option("--profile", help="A profile, or 'published'.")] = "quick",
) -> None:
    """Build the book from executed notebooks into _build/PROFILE/html, unless nothing has changed."""
    from cena.companion.book import build_book

    with console.status(f"building the book of {profile}"):
        index = build_book(here(), profile)
    console.print(f"the book: {index.relative_to(here().root)}")


@app.command("bundle")
def bundle_command() -> None:
    """Put the published book, its notebooks and results into _build/release; refused while a page is stale."""
    from cena.companion.bundle import bundle

    with console.status("building the published book"):
        place = bundle(here())
    console.print(f"the release: {place.relative_to(here().root)}")


app.command("embed")(embed_command)
app.command("imagenet")(imagenet_command)
app.command("release")(release_command)
app.command("pack")(pack_command)
app.add_typer(data_commands, name="data")

digits = typer.Typer(
    help="The bundled digits benchmarks: train their label tables, or check a row.", no_args_is_help=True
)
app.add_typer(digits, name="digits")
DigitsSpace = Annotated[str, typer.Argument(help="digits-topology or digits-size.")]


@digits.command("train")
def train_command(
    space: DigitsSpace,
    workers: Annotated[int, typer.Option(help="Parallel processes; -1 for one a core.")] = -1,
) -> None:
    """Train the architectures that the label table lacks, from every seed; killed, it goes on where it was."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from cena.study.artifacts import ArtifactStore
    from cena.study.digits_benchmark import table_path, train_table

    own_checkout()  # the table is in the package
    destination = table_path(space)
    journal = ArtifactStore().root / "digits" / f"{space}.jsonl"
    with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(space)
        train_table(space, journal, workers, lambda done, total: bar.update(task, completed=done, total=total))
    console.print(f"{space}: the table is {destination.name}; the journal {journal} can be deleted")


@digits.command("retrain")
def retrain_command(space: DigitsSpace, architecture: Annotated[str, typer.Argument(help="Its string form.")]) -> None:
    """Train one architecture again and show its rows of the table beside what comes out."""
    from cena.study.digits_benchmark import retrain

    rows = retrain(space, architecture)
    shown = table("seed", *rows.columns, title=f"{escape(architecture)}: accuracy in percent")
    for seed, values in rows.iterrows():
        shown.add_row(str(seed), *(f"{value:.4f}" for value in values))
    console.print(shown)


def main() -> None:
    """The entry point: bad input is one sentence and exit code 2, what fails 1, an interrupt 130, SIGTERM 143."""
    interrupted = _INTERRUPTED

    def terminated(*_: object) -> None:
        nonlocal interrupted
        interrupted = _TERMINATED
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminated)
    print_anywhere()
    try:
        app()
    except SystemExit as end:
        if end.code != _INTERRUPTED:
            raise
        _complaints.print("interrupted: run the same command again to go on")
        logging.getLogger("asyncio").disabled = True  # it would tell of the cell that was under way
        sys.exit(interrupted)
    except Exception as error:
        reason = explained(error)
        if reason is None:
            raise
        _complaints.print(escape(str(reason)))
        sys.exit(2 if isinstance(reason, InputError) else 1)
