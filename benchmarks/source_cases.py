"""What is timed of data sources: metalith and its peers, each a function of the server's URL.

Every function connects anew, as a program does that begins, and gives what it made for `right` to judge.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pydicom
import requests

import metalith
from benchmarks import check, source_data
from benchmarks.peers import naturalize, orjson_natural
from benchmarks.source_data import LONG, ROWS, SEVERAL, SMALL, STUDIES
from benchmarks.source_server import Server
from metalith.store import Series

WORKERS = 6


@dataclass(frozen=True)
class Work:
    """Something that every peer does.

    `runs` take the server's URL; `right` judges what each of them made.
    """

    about: str
    runs: dict[str, Callable[[str], Any]]
    right: Callable[[Any], bool]
    instances: int = 1
    most_requests: int | None = None  # of metalith
    most_bytes: int | None = None


def _source(root: str, **options: Any) -> Any:
    url = f"{root}/plain"
    return metalith.data_source("dicomweb", {"wado_root": url, "qido_root": url, "workers": WORKERS, **options})


def _url(root: str, study: str, number: int = 0) -> str:
    return f"{root}/studies/{study}/series/{source_data.series_uid(study, number)}/metadata"


# ---- a long series ----


def _by_source(way: str) -> Callable[[str], Any]:
    def run(root: str) -> Any:
        at = f"{root}/{way}"
        source = _source(root, wado_root=at, qido_root=at)
        (series,) = source.retrieve.series.metadata(LONG)
        source.close()
        return series

    return run


def _by_transport(way: str) -> Callable[[str], Any]:
    def run(root: str) -> Any:
        from metalith.sources.http import Transport

        with Transport([root]) as transport:
            return transport.metadata(_url(f"{root}/{way}", LONG))

    return run


def _by_requests(way: str) -> Callable[[str], Any]:
    def run(root: str) -> bytes:
        with requests.Session() as session:
            return session.get(_url(f"{root}/{way}", LONG)).content

    return run


def _by_client(way: str, make: Callable[[list[dict]], Any]) -> Callable[[str], Any]:
    def run(root: str) -> Any:
        from dicomweb_client import DICOMwebClient

        client = DICOMwebClient(f"{root}/{way}")
        return make(client.retrieve_series_metadata(LONG, source_data.series_uid(LONG, 0)))

    return run


def _datasets(rows: list[dict]) -> list[pydicom.Dataset]:
    return [pydicom.Dataset.from_json(row, lambda *_: b"") for row in rows]


def _long(way: str) -> Work:
    def right(made: Any) -> bool:
        body = source_data.body_of(LONG)
        if isinstance(made, bytes):
            return made == body
        if isinstance(made, list):
            return check.correct("natural" if isinstance(made[0], dict) else "pydicom", made, body)
        return check.correct("table", made.instances if isinstance(made, Series) else made, body)

    content = _by_requests(way)
    runs: dict[str, Callable[[str], Any]] = {
        "metalith, source": _by_source(way),
        "metalith, transport": _by_transport(way),
        "requests, content alone": content,
        "requests + orjson + naturalize": lambda root: orjson_natural(content(root)),
        "dicomweb-client + naturalize": _by_client(way, lambda rows: [naturalize(row) for row in rows]),
        "dicomweb-client + pydicom": _by_client(way, _datasets),
    }
    sent = len(source_data.answers()[_url(f"/{way}", LONG)].body)
    return Work(f"one series, {way}", runs, right, STUDIES[LONG][1], most_requests=3, most_bytes=sent + 1000)


# ---- many series ----


def _series_of(study: str) -> Callable[[str], Any]:
    def run(root: str) -> list[Any]:
        source = _source(root)
        found = source.retrieve.series.metadata(study).wait()
        source.close()
        return found

    return run


def _one_by_one(study: str, make: Callable[[bytes], Any]) -> Callable[[str], Any]:
    def run(root: str) -> list[Any]:
        with requests.Session() as session:
            rows = orjson.loads(session.get(f"{root}/plain/studies/{study}/series").content)
            uids = [row["0020000E"]["Value"][0] for row in rows]
            at = f"{root}/plain/studies/{study}/series"
            return [make(session.get(f"{at}/{uid}/metadata").content) for uid in uids]

    return run


def _many(study: str) -> Work:
    series, each = STUDIES[study]

    def right(made: list[Any]) -> bool:
        if isinstance(made[0], bytes):
            return made == [source_data.body_of(study, number) for number in range(series)]
        if isinstance(made[0], list):
            return [len(one) for one in made] == [each] * series
        uids = {source_data.series_uid(study, number): number for number in range(series)}
        whole = len(made) == series and all(len(one) == each for one in made)
        body = source_data.body_of(study, uids[made[0].series_instance_uid])
        return (
            whole
            and {one.series_instance_uid for one in made} == uids.keys()
            and check.correct("table", made[0].instances, body)
        )

    runs: dict[str, Callable[[str], Any]] = {
        "metalith, source": _series_of(study),
        "requests, content alone": _one_by_one(study, lambda body: body),
        "requests + orjson + naturalize": _one_by_one(study, orjson_natural),
    }
    return Work(f"{series} series of {each}", runs, right, series * each, most_requests=series + 2 + series // 100)


# ---- searching ----


def _search() -> Work:
    def by_source(root: str) -> list[Any]:
        source = _source(root, query_limit=ROWS)
        found = list(source.query.studies.search())
        source.close()
        return found

    def by_requests(root: str) -> list[dict]:
        return orjson_natural(requests.get(f"{root}/plain/studies").content)

    def by_client(root: str) -> list[pydicom.Dataset]:
        from dicomweb_client import DICOMwebClient

        return _datasets(DICOMwebClient(f"{root}/plain").search_for_studies(limit=ROWS))

    def right(rows: list[Any]) -> bool:
        def uid(row: Any) -> str:
            if hasattr(row, "study_instance_uid"):
                return row.study_instance_uid
            return row["StudyInstanceUID"] if isinstance(row, dict) else row.StudyInstanceUID

        return [uid(row) for row in rows] == [f"2.25.9.{k}" for k in range(ROWS)]

    runs: dict[str, Callable[[str], Any]] = {
        "metalith, source": by_source,
        "requests + orjson + naturalize": by_requests,
        "dicomweb-client + pydicom": by_client,
    }
    return Work(f"{ROWS:,} rows of studies", runs, right, ROWS, most_requests=2)


# ---- a header ----


def _header() -> Work:
    def by_parts(root: str) -> Any:
        from metalith.sources.headers import fetch_header
        from metalith.sources.http import Transport

        with Transport([root]) as transport:
            return fetch_header(transport, root + source_data.FILE)

    def whole(root: str) -> bytes:
        with requests.Session() as session:
            return session.get(root + source_data.FILE).content

    def by_pydicom(root: str) -> pydicom.Dataset:
        return pydicom.dcmread(io.BytesIO(whole(root)), stop_before_pixels=True)

    def right(made: Any) -> bool:
        if isinstance(made, bytes):
            return made == source_data.file_bytes()
        return made.Rows == 128 and made.SOPInstanceUID == metalith.read(source_data.file_bytes()).SOPInstanceUID

    runs: dict[str, Callable[[str], Any]] = {
        "metalith, parts": by_parts,
        "requests, content alone": whole,
        "requests + pydicom": by_pydicom,
    }
    return Work("a header before 8 MiB of pixels", runs, right, most_requests=2, most_bytes=1 << 18)


WORK: dict[str, Callable[[], Work]] = {
    "long": lambda: _long("plain"),
    "long, gzip": lambda: _long("gzip"),
    "50 series": lambda: _many(SEVERAL),
    "500 small series": lambda: _many(SMALL),
    "search": _search,
    "header": _header,
}
FLOOR = "requests, content alone"
_LONG_PEERS = (
    "metalith, source",
    "metalith, transport",
    FLOOR,
    "requests + orjson + naturalize",
    "dicomweb-client + naturalize",
    "dicomweb-client + pydicom",
)
_MANY_PEERS = ("metalith, source", FLOOR, "requests + orjson + naturalize")
_PEERS_OF = {
    "long": _LONG_PEERS,
    "long, gzip": _LONG_PEERS,
    "50 series": _MANY_PEERS,
    "500 small series": _MANY_PEERS,
    "search": ("metalith, source", "requests + orjson + naturalize", "dicomweb-client + pydicom"),
    "header": ("metalith, parts", FLOOR, "requests + pydicom"),
}
PEERS = [(name, peer) for name, peers in _PEERS_OF.items() for peer in peers]


def counted(work: Work, peer: str, server: Server) -> dict[str, float]:
    """Requests and bytes of one run."""
    server.counts()
    work.runs[peer](server.root)
    return server.counts()


def within(work: Work, peer: str, counts: dict[str, float]) -> bool:
    """Whether metalith asked for no more than it needs; of others everything is right."""
    if not peer.startswith("metalith"):
        return True
    return (work.most_requests is None or counts["requests"] <= work.most_requests) and (
        work.most_bytes is None or counts["bytes"] <= work.most_bytes
    )
