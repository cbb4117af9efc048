"""Loading by image id: who asks for an image that nobody has loaded gets its header fetched.

>>> loader = metalith.ImageLoader(store, folders=["/data"])
>>> loader.provide(metadata)
>>> metadata.get("imagePlaneModule", "wadouri:https://host/a.dcm")         # fetches the header, and is answered

`metadata.get` alone never touches the network: only with a loader among its providers does it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from metalith import _core
from metalith._core import Instance
from metalith.answers import answer
from metalith.errors import Cancelled, ConfigurationError, DataSourceError, ImageIdError, StoreError
from metalith.image_ids import ImageId
from metalith.modules.table import TYPES
from metalith.sources._cancel import Cancel
from metalith.sources._linked import linked
from metalith.sources._single_flight import SingleFlight
from metalith.sources.image_places import Place, Places
from metalith.sources.transport_options import TransportOptions
from metalith.store import MetadataStore

if TYPE_CHECKING:
    from metalith.sources.contract import DataSource

__all__ = ["ImageLoader"]

PRIORITY = -10_000  # below that of everybody else, typed providers among them

_OF_IDS = frozenset({"uriModule", "imageUrlModule", "baseImageId"})  # which nothing need be fetched for
_FURTHER_TYPES = frozenset({"instance", "naturalized", "scalingModule"})


class ImageLoader:
    """Loads the headers of images by their ids, each once, into a store.

    Parameters
    ----------
    store : MetadataStore
        Where they go. An instance that is there already stays as it is.
    origins : iterable of str, optional
        Servers that headers may be fetched from, such as "https://host"; redirects to others are not followed. All
        servers where none are given.
    folders : iterable of path-like, optional
        Folders whose files `dicomfile:` ids may name, behind all symbolic links; without them no file is opened.
    source : DataSource, optional
        Loads the series of `wadors:` ids into the same store. Without it, these want their series loaded first.
    configuration : mapping, optional
        `metalith.sources.transport_options.TransportOptions`: `token`, `timeout`, ... Credentials go to `origins` only;
        `max_bytes` is of a header, and `workers` how many of them `load_many` fetches at once.

    Raises
    ------
    ConfigurationError
        An option is unknown or impossible, or there are credentials without the origins they are for.

    Examples
    --------
    >>> from pydicom.data import get_testdata_file
    >>> import os
    >>> path = get_testdata_file("CT_small.dcm")
    >>> metadata = metalith.MetadataProviders()
    >>> loader = metalith.ImageLoader(metalith.MetadataStore(), folders=[os.path.dirname(path)])
    >>> loader.provide(metadata)
    >>> metadata.get("imagePixelModule", f"dicomfile:{path}").rows
    128
    """

    def __init__(
        self,
        store: MetadataStore,
        *,
        origins: Iterable[str] | None = None,
        folders: Iterable[str | os.PathLike[str]] | None = None,
        source: DataSource | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(store, MetadataStore):
            raise ConfigurationError(f"store: must be a MetadataStore, not a {type(store).__name__}")
        self.store, self._source = store, source
        self.options = TransportOptions.of(configuration, "image loader")
        self._places = Places(origins, folders, source is not None)
        secrets = (self.options.token, self.options.auth, self.options.headers, self.options.cert)
        if origins is None and any(secrets):
            raise ConfigurationError("origins: must be given where there are credentials, which go to no others")
        if source is not None and source.metadata_store is not store:
            raise ConfigurationError("source: must have the loader's store as its metadata_store")
        self._flights = SingleFlight()
        self._lock = threading.Lock()
        self._transport: Any = None
        self._provided: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"<ImageLoader into {self.store!r}>"

    # ---- loading ----

    def load(self, image_id: str, *, cancel: Cancel | None = None) -> Instance:
        """The instance of an image, fetched if the store has it not.

        Parameters
        ----------
        image_id : str
            `wadouri:`, `dicomweb:`, `dicomfile:`, or a plain http(s) URL; `wadors:` where there is a source for it. Of
            a frame or of the whole instance.
        cancel : Cancel, optional

        Returns
        -------
        Instance

        Raises
        ------
        ImageIdError
            The text is no image id.
        DataSourceError
            The id is of a kind that is not loaded, or of a place that it may not be loaded from; or the server cannot
            be reached, or refuses.
        ParseError
            What is there is no DICOM file.
        StoreError
            The file has not the UIDs that an instance has.
        OSError
            The file cannot be read.
        Cancelled
        """
        found = self._known(image_id)
        if found is not None:
            return found
        parsed = ImageId(image_id)
        return self._fetched(parsed, self._places.of(parsed), cancel)

    def load_many(
        self,
        image_ids: Iterable[str],
        *,
        on_error: Callable[[str, Exception], object] | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[tuple[str, Instance]]:
        """Image ids with their instances, each once and as they arrive, several at a time.

        They are begun in the order in which they are given, and not many more than have been taken. Who leaves the
        loop before its end does not want the rest.

        Parameters
        ----------
        image_ids : iterable of str
        on_error : callable(image_id, error), optional
            Called with what could not be loaded; without it the first error ends the loading.
        cancel : Cancel, optional

        Raises
        ------
        MetalithError, OSError
            As for `load`.
        TypeError
            `image_ids` is a single one.
        """
        if isinstance(image_ids, str):
            raise TypeError("image_ids are several: a list, not a str; `load` takes a single one")
        pool = ThreadPoolExecutor(self.options.workers, thread_name_prefix="metalith-images")
        with linked(cancel) as own:
            try:
                yield from self._each(pool, iter(dict.fromkeys(image_ids)), on_error, own)
            finally:
                own.cancel()
                pool.shutdown(cancel_futures=True)

    def _each(
        self,
        pool: ThreadPoolExecutor,
        image_ids: Iterator[str],
        on_error: Callable[[str, Exception], object] | None,
        cancel: Cancel,
    ) -> Iterator[tuple[str, Instance]]:
        waiting: dict[Future[Instance], str] = {}
        while True:
            for image_id in islice(image_ids, 2 * self.options.workers - len(waiting)):
                waiting[pool.submit(self.load, image_id, cancel=cancel)] = image_id
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in [one for one in waiting if one in done]:
                image_id = waiting.pop(future)
                cancel.check()
                error = future.exception()
                if error is None:
                    yield image_id, future.result()
                elif on_error is None or not isinstance(error, Exception) or isinstance(error, Cancelled):
                    raise error
                else:
                    on_error(image_id, error)

    # ---- fetching ----

    def _known(self, image_id: str) -> Instance | None:
        """The instance of an image, if the store has it."""
        try:
            return self.store.instance_by_image_id(image_id)
        except ImageIdError:  # a path that no file can have
            return None

    def _fetched(self, parsed: ImageId, place: Place, cancel: Cancel | None) -> Instance:
        """The instance of an image, fetched once for all who ask for it at the same time, be it by various ids."""
        base = str(parsed.base)
        key = place.kind, place.what
        if place.kind == "series":
            self._flights.do(key, lambda: self._load_series(place, base, cancel), cancel=cancel)
            found = self._known(base)
            if found is None:
                raise DataSourceError("the series of the id has no such instance")
            return found
        instance = self._flights.do(key, lambda: self._load_header(place, base, cancel), cancel=cancel)
        if self._known(base) is None:
            self._make_known(base, instance)
        for metadata in self._provided:  # what was said before, when it was not here
            metadata.invalidate(base)
        return instance

    def _load_header(self, place: Place, base: str, cancel: Cancel | None) -> Instance:
        for known in (base, *place.image_ids):  # somebody may have been faster, or came by another id
            found = self._known(known)
            if found is not None:
                return found
        instance = self._read(place, cancel)
        with self.store.transaction():
            kept = self.store.instance(_uid(instance))
            if kept is None:
                self.store.add_instances(instance)
                self.store.add_image_ids({base: _uid(instance)})
                return self.store.instance(_uid(instance)) or instance
        # its place is another one's, too: the same instance, which stays as it is
        return kept

    def _read(self, place: Place, cancel: Cancel | None) -> Instance:
        if place.kind == "file":
            from metalith.part10 import read

            limits: dict[str, Any] = {} if self.options.max_bytes is None else {"max_bytes": self.options.max_bytes}
            return read(place.what[0], **limits)
        from metalith.sources.headers import fetch_header

        return fetch_header(
            self.transport,
            place.what[0],
            allowed=None if self._places.urls is None else self._places.may_fetch,
            cancel=cancel,
            max_bytes=self.options.max_bytes,
            retries=self.options.retries,
        )

    def _make_known(self, base: str, instance: Instance) -> None:
        """Gives an instance that is in the store one more image id."""
        self.store.add_image_ids({base: instance.SOPInstanceUID})

    def _load_series(self, place: Place, base: str, cancel: Cancel | None) -> None:
        assert self._source is not None
        if self._known(base) is not None:
            return
        study, series = place.what
        filters = {"series_instance_uid": series}
        self._source.retrieve_series_metadata(study, filters=filters, cancel=cancel, on_error="raise").wait()

    @property
    def transport(self) -> Any:
        """What speaks with servers. Transport."""
        with self._lock:
            if self._transport is None:
                self._transport = self.options.transport(*(self._places.urls or ()))
            return self._transport

    # ---- as a metadata provider ----

    def provide(self, metadata: Any, priority: float = PRIORITY, types: Iterable[Any] | None = None) -> None:
        """Makes the loader a metadata provider: what no provider of higher priority knows is loaded.

        Parameters
        ----------
        metadata : metalith.MetadataProviders
            `metadata.remove_provider(loader)` ends it.
        priority : float, optional
            Below that of the store, so that it is asked for what the store has not.
        types : iterable, optional
            For which types only.
        """
        metadata.add_provider(self, priority, types)
        with self._lock:
            if not any(one is metadata for one in self._provided):
                self._provided += (metadata,)

    def get(self, type: Any, image_id: Any, *_: Any, **__: Any) -> Any:
        """As a metadata provider: loads the image, and answers. None for ids and types that nothing is loaded for.

        Raises
        ------
        MetalithError, OSError
            As for `load`.
        """
        if not isinstance(image_id, str):
            return None
        loaded: Instance | None = None
        if self._known(image_id) is None:
            if not _is_of_images(type):
                return None
            try:
                parsed = ImageId(image_id)
                place = self._places.of(parsed)
            except (ImageIdError, DataSourceError):
                return None
            loaded = self._fetched(parsed, place, None)
        found = self.store.get(type, image_id)
        # the store may have had to let it go already
        return answer(type, loaded, image_id) if found is None and loaded is not None else found

    def explain(self, type: Any, image_id: Any) -> str:
        """Why there is no answer, for `MetadataProviders.explain` and `require`."""
        if not isinstance(image_id, str):
            return "it is no image id"
        if self._known(image_id) is not None:
            return "the image has nothing of it"
        try:
            self._places.of(ImageId(image_id))
        except ImageIdError as error:
            return str(error)
        except DataSourceError as error:
            return error.reason
        return "nothing is loaded for this type"

    # ---- for asyncio, and ending ----

    @property
    def aio(self) -> Any:
        """The same functions for asyncio; see `metalith.sources.aio`. Aio."""
        from metalith.sources.aio import Aio

        return Aio(self)

    def close(self) -> None:
        """Lets go of connections. A closed loader may be used again."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _uid(instance: Instance) -> str:
    uid = instance.get("SOPInstanceUID")
    if not isinstance(uid, str) or not uid:
        raise StoreError("the image has no SOPInstanceUID")
    return uid


def _is_of_images(type: Any) -> bool:
    """Whether there may be an answer of this type once the image is loaded."""
    kind = type if isinstance(type, str) else getattr(type, "type", None)
    if not isinstance(kind, str) or kind in _OF_IDS:
        return False
    if kind in TYPES or kind in _FURTHER_TYPES or _core.describe_keyword(kind) is not None:
        return True
    return len(kind) == 8 and set(kind) <= set("0123456789ABCDEFabcdef")
