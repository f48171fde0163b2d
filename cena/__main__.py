"""``python -m cena``: the command line."""

from cena.cli import main

main()
