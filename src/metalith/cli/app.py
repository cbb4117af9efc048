"""Commands, their options, and what becomes of errors: one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer

import metalith
from metalith.cli.failure import InputError, UsageError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would show local variables, and with them patient data
    help="DICOM files and DICOM JSON as natural metadata.",
    epilog="Exit codes: 0 all well, 1 bad input, 2 bad usage.",
)


class Dialect(StrEnum):
    natural = "natural"
    dcmjs = "dcmjs"
    cornerstone = "cornerstone"
    dicom = "dicom"


File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="DICOM JSON, a DICOM file, or a folder of DICOM files; standard input when it is '-' or left out.",
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES",
        help="Only these: keywords or tags, by commas; dots lead into sequences, as in "
        "SharedFunctionalGroupsSequence.PixelMeasuresSequence.PixelSpacing.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse what is not quite as PS3.18 has it.")]


@contextmanager
def reported() -> Iterator[None]:
    """Errors as one line on stderr; a reader that has seen enough is none."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # what is still buffered goes nowhere, so that the flush at exit does not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (metalith.ParseError, metalith.DataSourceError, InputError) as error:
        _fail(str(error), 1)
    except (metalith.ConfigurationError, UsageError) as error:
        _fail(str(error), 2)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror), 1)


def _fail(message: str, code: int) -> None:
    from metalith.cli.values import one_line

    print(f"metalith: {one_line(message)}", file=sys.stderr)
    raise typer.Exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"metalith {metalith.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Tell the version.")
    ] = False,
) -> None:
    pass


@app.command()
def show(
    file: File = "-",
    select: Select = None,
    json: Json = False,
    dialect: Annotated[
        Dialect, typer.Option(help="Names and values as another library has them; shown as JSON.")
    ] = Dialect.natural,
    instance: Annotated[
        int | None, typer.Option(metavar="N", help="Only the Nth, from 0; -1 is the last. With --json an object.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="How many instances, 0 for all.  [default: 1, with --json all]"),
    ] = None,
    items: Annotated[
        int, typer.Option(metavar="N", min=0, help="How many items of each sequence, 0 for all; not with --json.")
    ] = 10,
    strict: Strict = False,
) -> None:
    """Natural metadata of instances: keyword, VR, value."""
    with reported():
        from metalith.cli import show as command

        request = command.Request(select or [], cast(Any, dialect.value), instance, limit, items or sys.maxsize)
        command.run(file, request, json=json, strict=strict)


@app.command()
def summary(file: File = "-", json: Json = False, strict: Strict = False) -> None:
    """What a file holds: studies, series, what is constant and what varies, memory, problems, speed."""
    with reported():
        from metalith.cli import summary as command

        command.run(file, json=json, strict=strict)


@app.command()
def scan(
    inputs: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Folders, with all that is in them; DICOMDIRs; files.")
    ],
    select: Select = None,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON for each instance.")] = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Comma-separated values; without --select those that tell instances apart.")
    ] = False,
    tree: Annotated[
        bool, typer.Option("--tree", help="Patients, studies and series; this is what there is without --select.")
    ] = False,
    dialect: Annotated[
        Dialect, typer.Option(help="With --json: names and values as another library has them.")
    ] = Dialect.natural,
    paths: Annotated[bool, typer.Option("--paths", help="Also the path of each file.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Of damaged files, take what is before the damage.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Threads that read; 1 for a single disk that turns.")
    ] = None,
) -> None:
    """Any number of DICOM files: what they are of, or a row for each.

    Files that cannot be read are listed at the end, with the reason; files that are not DICOM are counted. The exit
    code is 0 when anything could be read.
    """
    with reported():
        from metalith.cli import scan as command

        dialect_name = cast(Any, dialect.value)
        request = command.Request(select or [], json, csv, tree, dialect_name, paths, partial, workers)
        command.run(inputs, request)


Url = Annotated[str, typer.Argument(metavar="URL", help="Root of a DICOMweb server, as https://host/dicom-web.")]
User = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Basic authentication; the password is in METALITH_PASSWORD, or asked for."),
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", min=0.001, help="How long to wait for the server.")]
Static = Annotated[bool, typer.Option("--static", help="The server consists of files; searches are answered here.")]
Insecure = Annotated[bool, typer.Option("--insecure", help="Do not verify the server's certificate.")]


@app.command()
def studies(
    url: Url,
    patient_name: Annotated[str | None, typer.Option(metavar="NAME", help="With * and ? as wild cards.")] = None,
    patient_id: Annotated[str | None, typer.Option(metavar="ID")] = None,
    accession_number: Annotated[str | None, typer.Option(metavar="NUMBER")] = None,
    date: Annotated[str | None, typer.Option(metavar="DATE", help="20240131, or a range 20240101-20241231.")] = None,
    modality: Annotated[list[str] | None, typer.Option(metavar="CODE", help="Any of these.")] = None,
    match: Annotated[list[str] | None, typer.Option(metavar="KEYWORD=VALUE", help="Any attribute.")] = None,
    series_of: Annotated[str | None, typer.Option(metavar="UID", help="The series of this study instead.")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=0, help="How many at most.")] = None,
    offset: Annotated[int, typer.Option(metavar="N", min=0, help="How many to pass over.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON for each.")] = False,
    user: User = None,
    timeout: Timeout = 60,
    static: Static = False,
    insecure: Insecure = False,
) -> None:
    """What a DICOMweb server has: studies, or the series of one.

    A token (METALITH_TOKEN) or password (METALITH_PASSWORD) goes to the server of the URL, and to no other.
    """
    with reported():
        from metalith.cli import studies as command
        from metalith.cli.server import Server, matching

        named = {"patient_name": patient_name, "patient_id": patient_id, "accession_number": accession_number}
        named |= {"study_date": date}
        parameters: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        if modality:
            parameters["modality" if series_of else "modalities_in_study"] = modality
        parameters |= matching(match)
        request = command.Request(parameters, limit, offset, series_of, json)
        command.run(Server(url, user, timeout, static, insecure), request)


@app.command()
def fetch(
    url: Url,
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Its StudyInstanceUID.")],
    series: Annotated[list[str] | None, typer.Option(metavar="UID", help="Only these series.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep the metadata there: as DICOM JSON where the name ends in .json, else as a saved store.",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", min=1, help="How many series at once.")] = None,
    user: User = None,
    timeout: Timeout = 60,
    static: Static = False,
    insecure: Insecure = False,
) -> None:
    """The metadata of a study, from a DICOMweb server: its series, several at once.

    Series that fail are listed, and do not stop the others; the exit code is 1 then.
    """
    with reported():
        from metalith.cli import fetch as command
        from metalith.cli.server import Server

        request = command.Request(study, series or [], out, workers)
        command.run(Server(url, user, timeout, static, insecure), request)


class Frames(StrEnum):
    entry = "entry"
    number = "number"


@app.command()
def manifest(
    inputs: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Folders, with all that is in them; DICOMDIRs; files.")
    ],
    url_prefix: Annotated[
        str, typer.Option(metavar="URL", help="Where the files can be had: what follows is their place in the folder.")
    ],
    scheme: Annotated[str, typer.Option(metavar="NAME", help="Of the image ids.")] = "dicomweb",
    frames: Annotated[
        Frames, typer.Option(help="Of multi-frame objects: an entry for each frame, or one with their number.")
    ] = Frames.entry,
    frame_base: Annotated[int, typer.Option(metavar="N", min=0, max=1, help="What frames count from.")] = 1,
    select: Select = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there; without it to standard output.")
    ] = None,
) -> None:
    """A manifest of files for viewers: the JSON that OHIF's dicomjson data source opens."""
    with reported():
        from metalith.cli import manifest as command

        base: Any = frame_base
        kind: Any = frames.value
        command.run(inputs, command.Request(url_prefix, scheme, kind, base, select or [], out))


@app.command()
def demo(
    save: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the DICOM JSON there, to try show and summary on it.")
    ] = None,
) -> None:
    """Real metadata, from the files that pydicom brings along, made natural and timed."""
    with reported():
        from metalith.cli import demo as command

        command.run(save)
