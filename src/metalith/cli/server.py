"""What commands that speak with a DICOMweb server have in common: how to get there."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import metalith
from metalith.cli.failure import UsageError

__all__ = ["Server", "matching"]


@dataclass(frozen=True)
class Server:
    """How to reach a server.

    Credentials come from the environment, where other users of the machine do not see them: METALITH_TOKEN, or
    METALITH_PASSWORD for the user that is named.
    """

    url: str
    user: str | None
    timeout: float
    static: bool
    insecure: bool

    def source(self, **options: Any) -> metalith.DataSource:
        """The data source."""
        configuration: dict[str, Any] = {"wado_root": self.url, "static_wado": self.static, "timeout": self.timeout}
        configuration["retries"] = 2  # somebody waits
        if token := os.environ.get("METALITH_TOKEN"):
            configuration["token"] = token
        if self.user is not None:
            configuration["auth"] = (self.user, self._password())
        if self.insecure:
            configuration["verify"] = False
        return metalith.data_source("dicomweb", {**configuration, **options})

    def _password(self) -> str:
        password = os.environ.get("METALITH_PASSWORD")
        if password is None:
            if not sys.stdin.isatty():
                raise UsageError("--user needs a password: put it into METALITH_PASSWORD")
            from getpass import getpass

            password = getpass(f"Password of {self.user}: ")
        return password


def matching(pairs: list[str] | None) -> dict[str, str]:
    """`KEYWORD=VALUE` of the command line as parameters of a search."""
    found: dict[str, str] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError("--match needs KEYWORD=VALUE")
        if name in found:
            raise UsageError(f"--match: {name} comes twice")
        found[name] = value
    return found
