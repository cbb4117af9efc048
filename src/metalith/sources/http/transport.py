"""HTTP as the data sources use it: credentials that stay at home, bounded bodies, retries, and DICOM JSON as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import requests
from requests.auth import AuthBase

import metalith
from metalith._core import InstanceTable
from metalith.errors import ConfigurationError, DataSourceError
from metalith.limits import current, with_overrides
from metalith.sources._cancel import Cancel
from metalith.sources.http.answer import Response
from metalith.sources.http.credentials import Credentials, Token
from metalith.sources.http.dicom_json import ACCEPT, table_of
from metalith.sources.http.engine import Call, Engine
from metalith.sources.http.origins import Origins, prepared_url
from metalith.sources.http.session import Session
from metalith.sources.http.wire import Wire

__all__ = ["Transport"]

T = TypeVar("T")
Params = Mapping[str, object] | Iterable[tuple[str, object]]


class Transport:
    """Requests to a server and, without its credentials, to wherever that refers to. For any number of threads.

    Parameters
    ----------
    origins : iterable of str
        URLs of the servers that may see the credentials; their scheme, host and port count. User and password in one
        of them are used as `auth`.
    token : str or callable, optional
        For `Authorization: Bearer …`; with a space in it, it stands for the whole of the field. A callable is asked for
        each request, and once more when the server says 401. None: no token now.
    auth : (user, password) or requests.auth.AuthBase, optional
    headers : mapping, optional
        Fields for each request to the origins.
    session : requests.Session, optional
        To send with what goes to the origins, with its own authentication, cookies, adapters and hooks. It stays the
        caller's to close. Through its connections a request that waits for the first byte cannot be called off.
    verify : bool or str, optional
        False: TLS certificates are not verified, about which urllib3 warns. A str: path of the authorities' file.
    cert : str or (str, str), optional
        The client's certificate and key, for the origins.
    timeout : float or (float, float), optional
        Seconds to connect, and between any two bytes.
    total_timeout : float or None, optional
        Seconds for everything: retries, redirects, and the answer's last byte.
    retries : int, optional
        Further attempts after failures that may pass.
    backoff : float, optional
        Seconds before the first of them, at most; then twice as long each time.
    max_bytes : int, optional
        Of an answer, decompressed. By default `metalith.Limits.max_bytes` as it is at the request.
    connections : int, optional
        Requests at a time; more wait.

    Attributes
    ----------
    session : requests.Session
        For dicomweb-client and the like: it has the same credentials, limits and retries.

    Raises
    ------
    ConfigurationError
        A setting is impossible; the message names it.

    Notes
    -----
    Proxies and authorities are taken from the environment, as requests does; `.netrc` is not read. What is sent again
    and what is not is told in `metalith.sources.http.retry`.

    Examples
    --------
    >>> from metalith.sources.http import Transport
    >>> with Transport(["http://localhost:8042"], token=lambda: "secret") as transport:
    ...     print(transport)
    <Transport: 1 origin>
    """

    def __init__(
        self,
        origins: Iterable[str],
        *,
        token: Token | None = None,
        auth: tuple[str, str] | AuthBase | None = None,
        headers: Mapping[str, str] | None = None,
        session: requests.Session | None = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        timeout: float | tuple[float, float] = (10, 60),
        total_timeout: float | None = 3600,
        retries: int = 4,
        backoff: float = 0.5,
        max_bytes: int | None = None,
        connections: int = 16,
    ) -> None:
        _check_numbers(retries=retries, backoff=backoff, max_bytes=max_bytes, connections=connections)
        self._timeout = _pair(timeout)
        _check_seconds("total_timeout", total_timeout)
        self._total_timeout, self._max_bytes = total_timeout, max_bytes
        self._origins = Origins(origins)
        if auth is None and token is None:
            auth = self._origins.user
        if auth is not None and token is not None:
            raise ConfigurationError("token and auth: only one of them can be the Authorization")
        credentials = Credentials(token, headers)

        self._abroad = Wire(connections, cookies=False)
        self._home: requests.Session
        self._own_home = session is None
        options: dict[str, Any] = {}
        if session is None:
            self._home = Wire(connections, cookies=True)
            self._home.auth = auth
        else:
            self._home = session
            self._abroad.proxies, self._abroad.trust_env = session.proxies, session.trust_env
            self._abroad.verify = session.verify
            if auth is not None:
                options["auth"] = auth
        if session is None or verify is not True:
            options["verify"] = self._abroad.verify = verify
        if cert is not None:
            options["cert"] = cert
        self._engine = Engine(
            origins=self._origins,
            credentials=credentials,
            home=self._home,
            abroad=self._abroad,
            home_options=options,
            connections=connections,
            retries=retries,
            backoff=backoff,
            user_agent=f"metalith/{metalith.__version__}",
        )
        self.session: requests.Session = Session(self._engine, self._timeout, total_timeout, self._limit)

    def __repr__(self) -> str:
        count = len(self._origins)
        return f"<Transport: {count} origin{'' if count == 1 else 's'}>"

    def close(self) -> None:
        """Closes the connections that nobody uses. A request afterwards opens new ones."""
        self._abroad.close()
        if self._own_home:
            self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- requests ----

    def request(
        self,
        method: str,
        url: str,
        *,
        accept: str | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        cancel: Cancel | None = None,
        stream: bool = False,
        max_bytes: int | None = None,
        expected: tuple[int, ...] | None = (200,),
        retry: bool | None = None,
        timeout: float | tuple[float, float] | None = None,
    ) -> Response:
        """Sends a request.

        Parameters
        ----------
        method, url : str
        accept : str, optional
            Media types for the Accept field.
        params : mapping or iterable of pairs, optional
            The query.
        headers : mapping, optional
            More fields. To a server that is none of the origins go only those that say what is wanted, such as Range.
        data : bytes, binary file or iterable of bytes, optional
            To be sent. An iterable can be sent only once: then nothing is tried again.
        cancel : Cancel, optional
        stream : bool, optional
            The body is left to be read, with `iter_content` or from `raw`, and the answer to be closed: it holds one of
            the connections until then. A body that is cut off is not fetched again.
        max_bytes : int, optional
            Of this answer.
        expected : tuple of int or None, optional
            Statuses that are an answer; any other is an error. None: all are.
        retry : bool, optional
            True says that repeating changes nothing, False that nothing is to be repeated. By default the method
            decides.
        timeout : float or (float, float), optional
            For this request.

        Returns
        -------
        Response
            A requests.Response.

        Raises
        ------
        DataSourceError
            There is no answer, it is not one of those expected, or not whole.
        Cancelled
        """
        fields = {**(headers or {}), **({} if accept is None else {"Accept": accept})}
        call = self._call(method, url, params, fields, cancel, max_bytes, expected, data, retry, timeout)
        return self._engine.perform(call, _as_it_is if stream else Response.load, stream)

    def get_bytes(
        self,
        url: str,
        *,
        accept: str | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        cancel: Cancel | None = None,
        max_bytes: int | None = None,
        expected: tuple[int, ...] = (200, 204),
    ) -> bytes:
        """The whole body of an answer; empty for 204. As `request`."""
        fields = {**(headers or {}), **({} if accept is None else {"Accept": accept})}
        call = self._call("GET", url, params, fields, cancel, max_bytes, expected)
        return self._engine.perform(call, lambda response: response.raw.read())

    def get_json(
        self,
        url: str,
        *,
        accept: str = "application/json",
        params: Params | None = None,
        cancel: Cancel | None = None,
        max_bytes: int | None = None,
    ) -> Any:
        """The JSON of an answer as dicts and lists; None for 204. As `request`."""
        import orjson

        def parse(response: Response) -> Any:
            body = response.raw.read()
            if response.status_code == 204:
                return None
            try:
                return orjson.loads(body)
            except orjson.JSONDecodeError:
                problem = response.raw.cut() if response.raw.is_open_ended else response.error("the answer is not JSON")
            raise problem

        call = self._call("GET", url, params, {"Accept": accept}, cancel, max_bytes, (200, 204))
        return self._engine.perform(call, parse)

    def metadata(
        self,
        url: str,
        *,
        params: Params | None = None,
        cancel: Cancel | None = None,
        progress: Callable[[int], object] | None = None,
        answered: Callable[[Response], object] | None = None,
        expected: tuple[int, ...] = (200, 204),
        strict: bool = False,
        **limits: int,
    ) -> InstanceTable:
        """The instances of an answer in DICOM JSON, without a tree of Python objects in between.

        Parameters
        ----------
        url, params, cancel, expected
            As for `request`.
        progress : callable, optional
            Called with the bytes so far, decompressed; from 0 again where the request had to be repeated.
        answered : callable, optional
            Called with the answer before its body is read, for its fields; again where the request had to be repeated.
        strict, **limits
            As for `metalith.naturalize`; `max_bytes` goes for the answer, too.

        Returns
        -------
        InstanceTable
            Empty for 204 and an empty body.

        Raises
        ------
        DataSourceError
            There is no answer, or it is not whole, or something else than DICOM JSON.
        ParseError
            It is damaged, or beyond a limit.
        Cancelled
        """
        bounds = with_overrides(limits)
        call = self._call("GET", url, params, {"Accept": ACCEPT}, cancel, limits.get("max_bytes"), expected)
        source = str(DataSourceError("", url=call.url).url)

        def scan(response: Response) -> InstanceTable:
            if answered is not None:
                answered(response)
            return table_of(response, source, bounds, strict, progress)

        return self._engine.perform(call, scan)

    def _call(
        self,
        method: str,
        url: str,
        params: Params | None,
        headers: Mapping[str, str],
        cancel: Cancel | None,
        max_bytes: int | None,
        expected: tuple[int, ...] | None,
        data: Any = None,
        retry: bool | None = None,
        timeout: float | tuple[float, float] | None = None,
    ) -> Call:
        return Call(
            method.upper(),
            prepared_url(url, params),
            max_bytes=self._limit() if max_bytes is None else max_bytes,
            timeout=self._timeout if timeout is None else _pair(timeout),
            total_timeout=self._total_timeout,
            headers=headers,
            data=data,
            cancel=cancel,
            expected=expected,
            repeat=retry,
        )

    def _limit(self) -> int:
        return current().max_bytes if self._max_bytes is None else self._max_bytes


def _as_it_is(response: Response) -> Response:
    return response


def _pair(timeout: float | tuple[float, float]) -> tuple[float, float]:
    pair = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if len(pair) != 2:
        raise ConfigurationError("timeout must be a number of seconds, or two of them")
    for seconds in pair:
        _check_seconds("timeout", seconds, optional=False)
    return float(pair[0]), float(pair[1])


def _check_seconds(name: str, seconds: Any, optional: bool = True) -> None:
    if seconds is None and optional:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= _LONGEST:
        raise ConfigurationError(f"{name} must be a number of seconds, above 0 and at most {_LONGEST:,}")


_LONGEST = 1_000_000  # what timers and sockets take


def _check_numbers(retries: Any, backoff: Any, max_bytes: Any, connections: Any) -> None:
    for name, value, least in (("retries", retries, 0), ("max_bytes", max_bytes, 0), ("connections", connections, 1)):
        if value is None and name == "max_bytes":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ConfigurationError(f"{name} must be a whole number, {least} at least")
    if isinstance(backoff, bool) or not isinstance(backoff, (int, float)) or not 0 <= backoff <= _LONGEST:
        raise ConfigurationError("backoff must be a number of seconds")
