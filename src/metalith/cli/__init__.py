"""The command line: a program on top of the library, with its own dependencies (the extra `cli`)."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command `metalith`."""
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name not in ("rich", "typer"):
            raise
        sys.exit(f'metalith: the command line needs {error.name}: pip install "metalith[cli]"')
    from metalith.cli.app import app

    app(prog_name="metalith")
