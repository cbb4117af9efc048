"""Real servers on loopback, for whatever asks a server.

A test module gets their fixtures with `pytest_plugins = ["servers.fixtures"]`:

    orthanc_server   Orthanc with DICOMweb and WADO-URI, loaded with `archive.selection()`; for the session: read only
    make_orthanc     (files=(), user=None) -> Orthanc, one's own, to store to or with a password
    static_server    StaticServer of the same files; for the session
    file_server      FileServer of the same files by their names; `.files`, `.ranges`, `.lengths` may be changed
    fault_proxy      (upstream) -> FaultProxy before any of them, or before any other URL
    qido_server      (habits=None) -> QidoServer of the same files, in memory
    recorder         Recorder: another host

All of them but Orthanc tell what reached them: `requests`, each with method, target, query, headers, the client's port,
times and bytes sent, and `most_in_flight`. Faults are functions, see `servers.faults`:

    proxy = fault_proxy(orthanc_server.root)
    proxy.add(faults.busy(503, after=1), path="/metadata$", times=2)  # the first two times, then as if nothing were
    proxy.add(faults.redirect(302, recorder.origin), path="/bulk/")
    root = proxy.url(orthanc_server.root)
    ...
    assert recorder.credentials == []

`server.origin_as("localhost")` is the same server under another name, which is another host to HTTP clients. A client
has its answer before the server's thread is done with it, but `sent`, `ended` and `most_in_flight` are right by then;
after a request that was broken off, `server.settle()` waits for the server to notice.
"""
