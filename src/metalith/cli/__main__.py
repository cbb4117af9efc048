"""`python -m metalith.cli`."""

from metalith.cli import main

main()
