"""`python -m metalith`."""

from metalith.cli import main

main()
