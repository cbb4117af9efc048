"""Options of the `merge` source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metalith.errors import ConfigurationError
from metalith.sources.options import Options, camel

__all__ = ["MergeOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOptions(Options):
    """Options of the `merge` source, and those of `Options`.

    Attributes
    ----------
    series_merge : mapping
        `data_source_names`, of the sources; and `default_data_source_name`, which of them is the default.
    """

    series_merge: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        for key, value in (self.series_merge or {}).items():
            if key in ("data_source_names", "dataSourceNames"):
                if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
                    raise ConfigurationError("seriesMerge.dataSourceNames must be a list of names")
            elif key not in ("default_data_source_name", "defaultDataSourceName"):
                raise ConfigurationError("seriesMerge: has dataSourceNames and defaultDataSourceName, and nothing else")
            elif value is not None and not isinstance(value, str):
                raise ConfigurationError("seriesMerge.defaultDataSourceName must be a name")

    def merged(self, name: str) -> Any:
        """A member of `series_merge`, by its name in snake_case; None where it is not given."""
        given = self.series_merge or {}
        return given.get(name, given.get(camel(name)))
