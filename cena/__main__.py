"""``python -m cena``: the command line."""

from cena.cli.main import main

main()
