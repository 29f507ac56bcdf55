"""`python -m switchyard_proxy.gate`."""

from switchyard_proxy.gate.main import main

main()
