"""Data sources made of functions: `DataSource.create`."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from metalith.errors import ConfigurationError
from metalith.sources.facade import FUNCTIONS
from metalith.sources.filters import SeriesFilter

if TYPE_CHECKING:
    from metalith.sources.contract import DataSource
    from metalith.store import MetadataStore

__all__ = ["created"]

_GROUPS = ("query", "retrieve", "store", "reject")
_METHODS = (
    "initialize",
    "get_study_instance_uids",
    "parse_route_params",
    "delete_study_metadata",
    "get_image_ids_for_instance",
    "get_image_ids_for_display_set",
    "get_config",
    "close",
)


# what sources have of their own, and `hasattr` of the class does not see
_OWN = ("fetched", "metadata_store", "name", "options")

_NEAR = 0.86  # a letter too few or too many; "searches" is not yet "search"


def created(
    base: type[DataSource],
    name: str,
    configuration: Mapping[str, Any] | None,
    metadata_store: MetadataStore | None,
    functions: Mapping[str, Any],
) -> DataSource:
    """A source of a class of its own, whose methods are the functions."""
    methods: dict[str, Any] = {}
    extra: dict[str, dict[str, Any]] = {}
    helpers: dict[str, Any] = {}
    for key, value in functions.items():
        if key in _GROUPS:
            _sort_group(key, value, methods, extra.setdefault(key, {}))
        elif key in _METHODS:
            methods[key] = _function(key, value)
        elif key == "retrieve_series_metadata":  # its old name in the reference
            methods["retrieve_series_metadata"] = _function(key, value)
        elif hasattr(base, key) or key in _OWN or key.startswith("_"):
            raise ConfigurationError(f"{key} is what every data source has; a helper needs another name")
        else:
            _check_spelling(key, key, (*_GROUPS, *_METHODS))
            helpers[key] = value
    metadata = methods.pop("retrieve_series_metadata", None)
    own = {method: _method(function) for method, function in methods.items()}
    if metadata is not None:
        own["series_metadata"] = _series_metadata(metadata)
    if "close" in own:
        own["close"] = _closing(base, methods["close"])
    made: DataSource = type("CreatedDataSource", (base,), own)(name, configuration, metadata_store=metadata_store)
    made._extra = extra
    for key, value in helpers.items():
        setattr(made, key, value)
    return made


def _sort_group(path: str, given: Any, methods: dict[str, Any], extra: dict[str, Any]) -> None:
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{path} must be a mapping of functions, not a {type(given).__name__}")
    for key, value in given.items():
        dotted = f"{path}.{key}"
        known = {one[len(path) + 1 :].split(".")[0] for one in FUNCTIONS if one.startswith(f"{path}.")}
        if key not in known:
            _check_spelling(dotted, key, known)
        if dotted in FUNCTIONS:
            if value is not None:
                methods[FUNCTIONS[dotted]] = _function(dotted, value)
        elif any(one.startswith(f"{dotted}.") for one in FUNCTIONS) or isinstance(value, Mapping):
            _sort_group(dotted, value, methods, extra.setdefault(key, {}))
        else:
            extra[key] = value


def _check_spelling(dotted: str, name: str, known: Iterable[str]) -> None:
    """Functions may have names of their own; but one that is nearly a known one would never be called."""
    near = difflib.get_close_matches(name, known, 1, _NEAR)
    if near:
        raise ConfigurationError(f"{dotted} is what no data source has; did you mean {near[0]}?")


def _function(name: str, value: Any) -> Callable[..., Any]:
    if not callable(value):
        raise ConfigurationError(f"{name} must be a function, not a {type(value).__name__}")
    return value  # type: ignore[no-any-return]


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(_: Any, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return method


def _closing(base: type[DataSource], function: Callable[..., Any]) -> Callable[[Any], None]:
    def close(self: Any) -> None:
        try:
            base.close(self)
        finally:
            function()

    return close


def _series_metadata(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method for a function that may or may not want to know which series are wanted."""
    how = _takes_filters(function)

    def series_metadata(_: Any, study_instance_uid: str, filters: SeriesFilter) -> Any:
        if how == "by name":
            return function(study_instance_uid, filters=filters)
        return function(study_instance_uid, filters) if how else function(study_instance_uid)

    return series_metadata


def _takes_filters(function: Callable[..., Any]) -> str:
    """Whether a function has a parameter `filters`, or a second one that must be given."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return ""
    if any(one.name == "filters" and one.kind is not inspect.Parameter.POSITIONAL_ONLY for one in parameters):
        return "by name"
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [one for one in parameters if one.kind in kinds]
    if any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in parameters):
        return "second"
    return "second" if len(positional) > 1 and positional[1].default is inspect.Parameter.empty else ""
