"""The command line's ``cena embed``, ``cena imagenet``, ``cena release`` and ``cena pack``."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option

from cena.cli.console import console, escape, table
from cena.errors import unknown
from cena.study.checkout import own_checkout


def embed_command(
    factory: Annotated[str, Argument(help="package.module:factory, a function that returns a torch module.")],
    reference: Annotated[str, Option(help="The released space.")] = "nas-bench-201",
    seed: Annotated[int, Option(min=0, help="Of the initial weights.")] = 0,
) -> None:
    """Place any network, untrained, among the architectures of a released space."""
    from cena.embed import embed
    from cena.embed.reference import load_reference

    known = load_reference(reference)
    placed = embed(factory, known, seed, announce=lambda text: console.print(escape(text)))
    console.print(f"parameters: {placed.parameters:,}")
    across, up = placed.place.square
    console.print(f"place in the layout: ({across:.3f}, {up:.3f})")
    if placed.accuracy is None:
        console.print(f"predicted accuracy: none, {escape(placed.labelled)}")
    else:
        limits = f"{placed.accuracy.low:.1f} to {placed.accuracy.high:.1f}"
        console.print(f"predicted {placed.labelled}: {placed.accuracy.value:.1f} % (95 % limits {limits})")
    console.print(
        f"outside measure: {100 * placed.outside:.1f} % of the known architectures are nearer to their nearest"
    )
    nearest = table("architecture", "nearest known", "distance")
    for neighbour in placed.nearest:
        nearest.add_row(str(neighbour.architecture), escape(neighbour.text), f"{neighbour.distance:.4f}")
    console.print(nearest)
    if placed.warning:
        console.print(f"warning: {escape(placed.warning)}")


def imagenet_command(
    networks: Annotated[list[str], Argument(help="As pytorchcv calls them, such as resnet18.")],
) -> None:
    """Compute what is read of untrained ImageNet networks again, and compare it with what comes with the package; exit
    with 1 if it differs by more than rounding."""
    from cena.study.artifacts import ArtifactStore
    from cena.study.real_networks import FREE_READINGS, ROUNDING, differences_now

    differ = False
    for name in networks:
        found = differences_now(ArtifactStore(), name)
        reading = max(FREE_READINGS, key=found.__getitem__)
        differ |= found[reading] > ROUNDING
        verdict = "differs by more than rounding" if found[reading] > ROUNDING else "the same up to rounding"
        console.print(f"{escape(name)}: {verdict}, at most {found[reading]:.2g} ({reading})")
    if differ:
        raise Exit(1)


def release_command(
    spaces: Annotated[list[str] | None, Argument(help="Released spaces by name; default: all.")] = None,
    folder: Annotated[Path | None, Option(help="Where to write it; default: inside the package.")] = None,
) -> None:
    """Make the released encoder and embedding of some spaces; killed, it goes on where it was."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from cena.embed.released import FOLDER
    from cena.study.pipeline import Pipeline
    from cena.study.profiles import RELEASES
    from cena.study.release import LARGEST_RELEASES, size, write_release

    if folder is None:
        own_checkout()  # whose files are replaced
    place = folder or FOLDER
    for name in spaces or []:
        if name not in RELEASES:
            raise unknown("released space", name, RELEASES)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("")

        def progress(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        for name in spaces or RELEASES:
            write_release(Pipeline(RELEASES[name], progress=progress), place)
            console.print(f"{name}: released, {size(place) / 1e6:.1f} MB in all (at most {LARGEST_RELEASES / 1e6:.0f})")


def pack_command(
    name: Annotated[str, Argument(help="Of the file in the package, such as laptop.")],
) -> None:
    """Put the small artifacts of your runs into the package: where it is installed, they need not be computed."""
    from cena.study.artifacts import ArtifactStore
    from cena.study.released_artifacts import LARGEST_TOGETHER, RELEASED_FOLDER, pack

    own_checkout()  # whose files are replaced
    place = RELEASED_FOLDER / f"{name}.zip"
    count = pack(ArtifactStore().root, place)
    together = sum(path.stat().st_size for path in RELEASED_FOLDER.glob("*.zip"))
    console.print(
        f"{count} artifacts in {place.name}, {place.stat().st_size / 1e6:.1f} MB; {together / 1e6:.1f} MB in all "
        f"(at most {LARGEST_TOGETHER / 1e6:.0f})"
    )
