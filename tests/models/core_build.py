"""The C core built on its own, in a folder of the test's: skips, with the reason, where the tools are absent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def tool(name: str) -> str | None:
    """A program of the environment that runs the tests, or of the system."""
    return shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def run(*command: str | Path, cwd: Path | None = None, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Runs a command and keeps all that it says, errors included."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        timeout=timeout,
        check=False,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def need_compiler() -> str:
    """The C compiler that CMake will take."""
    compiler = os.environ.get("CC") or tool("cc") or tool("gcc") or tool("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    return compiler


def need_sanitizers(folder: Path) -> None:
    """Skips where programs with sanitizers cannot be built and run."""
    source = folder / "probe.c"
    source.write_text("int main(void) { return 0; }\n")
    built = run(need_compiler(), *SANITIZERS, source, "-o", folder / "probe")
    if built.returncode:
        pytest.skip("the C compiler has no address and undefined-behaviour sanitizers")
    if run(folder / "probe").returncode:
        pytest.skip("programs with sanitizers do not run here")


def build(folder: Path, *options: str, target: str | None = None) -> Path:
    """Configures and builds the core with its C tests; returns the build folder."""
    cmake = tool("cmake")
    if cmake is None:
        pytest.skip("no cmake")
    need_compiler()
    generator = ["-G", "Ninja"] if tool("ninja") else []
    if generator:
        generator.append(f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}")
    settings = ["-DMETALITH_TESTS=ON", "-DMETALITH_EXTENSION=OFF", f"-DPython_EXECUTABLE={sys.executable}", *options]
    configured = run(cmake, "-S", ROOT, "-B", folder, *generator, *settings)
    assert configured.returncode == 0, configured.stdout
    built = run(cmake, "--build", folder, "--parallel", *(["--target", target] if target else []))
    assert built.returncode == 0, built.stdout
    return folder
