"""Rejecting a series, as dcm4chee has it: all its instances are marked "Rejected for Quality Reasons" (113001, DCM)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metalith.errors import NotSupportedBySource
from metalith.sources._cancel import Cancel
from metalith.sources.dicomweb.addresses import resource_url

if TYPE_CHECKING:
    from metalith.sources.dicomweb.options import DicomWebOptions
    from metalith.sources.http import Transport

__all__ = ["reject_series"]


def reject_series(
    transport: Transport,
    options: DicomWebOptions,
    study_instance_uid: str,
    series_instance_uid: str,
    *,
    source: str = "dicomweb",
    cancel: Cancel | None = None,
) -> None:
    """Asks the server to reject a series.

    Parameters
    ----------
    transport : Transport
    options : DicomWebOptions
    study_instance_uid, series_instance_uid : str
    source : str, optional
        Name of the data source, for the error.
    cancel : Cancel, optional

    Raises
    ------
    NotSupportedBySource
        The server cannot do it (or has no such series: it answers both the same).
    DataSourceError
        The server cannot be reached, or refuses.
    """
    url = f"{resource_url(options.wado_root, study_instance_uid, series_instance_uid)}/reject/113001%5EDCM"
    response = transport.request("POST", url, cancel=cancel, expected=(200, 204, 404))
    if response.status_code == 404:
        raise NotSupportedBySource(source, "reject.series")
