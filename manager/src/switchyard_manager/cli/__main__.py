"""`python -m switchyard_manager.cli`."""

from switchyard_manager.cli.main import main

main()
