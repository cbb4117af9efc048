"""The series of several sources on their way: each is a job, in which all sources that have it are asked at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from metalith.errors import Cancelled
from metalith.sources._cancel import Cancel
from metalith.sources.contract import DataSource
from metalith.sources.loading import Job, Loading, SeriesFailure
from metalith.sources.merge.asking import ChildFailed, raise_all
from metalith.store import Series

__all__ = ["MergeJob", "MergeLoading", "Part", "in_order", "load_parts", "nothing"]

Part = tuple[DataSource, Job]
"""A source, and what is to be done for it to have a series."""


@dataclass(eq=False)
class MergeJob(Job):
    """A series of several sources.

    Attributes
    ----------
    failures : list of SeriesFailure
        Of sources that could not give it, where others could.
    """

    failures: list[SeriesFailure] = field(default_factory=list, repr=False)


class MergeLoading(Loading):
    """As `Loading`; `failures` also has what single sources could not give, each as a `ChildFailed`."""

    def _account(self, job: Job, series: list[Series], error: Exception | None) -> None:
        failures = list(getattr(job, "failures", ()))
        if self._on_error == "raise" and error is None and failures:
            error = failures.pop(0).error
        self.failures += failures
        super()._account(job, series, error)


def load_parts(parts: Sequence[Part], cancel: Cancel) -> tuple[list[tuple[DataSource, Series]], list[SeriesFailure]]:
    """Has all sources load their parts, each with its own threads; what has come, in the order of the parts.

    Raises
    ------
    DataSourceError
        Nothing has come, and some failed.
    Cancelled
    """
    loadings = [(child, job, _one(child, job, cancel).start()) for child, job in parts]
    found: list[tuple[DataSource, Series]] = []
    failures: list[SeriesFailure] = []
    for child, job, loading in loadings:
        told = []
        try:
            for series in loading:
                found.append((child, series))
        except Cancelled as error:
            cancel.check()
            told.append(SeriesFailure(job.study_instance_uid, job.series_instance_uid, error))  # it was closed
        for failure in (*told, *loading.failures, *getattr(job, "failures", ())):
            failed = ChildFailed(child.name, failure.error)
            failures.append(SeriesFailure(job.study_instance_uid, failure.series_instance_uid, failed))
    if failures and not found:
        raise_all([failure.error for failure in failures if isinstance(failure.error, ChildFailed)])
    return found, failures


def _one(child: DataSource, job: Job, cancel: Cancel) -> Loading:
    def plan() -> list[Job]:
        return [job]

    scheduler: Any = child._scheduler
    return Loading(plan, scheduler, cancel=cancel)


def nothing(_: Cancel) -> list[Series]:
    """Loads nothing."""
    return []


def in_order(jobs: list[Job]) -> list[Job]:
    """Jobs by the order of their series, as far as something is known of all."""
    if len(jobs) < 2 or not all(job.summary for job in jobs):
        return jobs
    from metalith.sources.query import series_order

    by_summary = {id(job.summary): job for job in jobs}
    return [by_summary[id(one)] for one in series_order(job.summary for job in jobs)]
