"""The hand-written stubs name what the compiled module has, no more and no less."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import metalith
from metalith import _core

STUBS = Path(metalith.__file__).with_name("_core.pyi")
# What object and Cython give every class, and what types need no declaration of.
INHERITED = {*dir(object), "__pyx_vtable__", "__reduce_cython__", "__setstate_cython__"}
INHERITED |= {"__getattr__", "__next__", "__setstate__"}


def declared():
    """Functions, and methods by class, as the stubs have them."""
    functions, classes = set(), {}
    for node in ast.parse(STUBS.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            functions.add(node.name)
        elif isinstance(node, ast.ClassDef):
            classes[node.name] = {
                member.target.id if isinstance(member, ast.AnnAssign) else member.name
                for member in node.body
                if isinstance(member, (ast.AnnAssign, ast.FunctionDef))
            }
    return functions, classes


def test_functions():
    functions, _ = declared()
    made = {
        name for name, thing in vars(_core).items() if inspect.isroutine(thing) and thing.__module__ == _core.__name__
    }
    assert functions == {name for name in made if not name.startswith("__")}


def test_classes():
    _, classes = declared()
    tables = {"Instance", "InstanceTable", "Sequence", "Scanner", "Framing", "Header", "HeaderReader"}
    builders = {"Builder", "PlaneBuilder", "FrameViews", "Selection"}
    assert tables | builders | {"Places", "Mapped", "Finder"} == set(classes)
    for name, methods in classes.items():
        cls = getattr(_core, name)
        made = set(dir(cls)) - INHERITED - {inherited for base in cls.__mro__[1:-1] for inherited in vars(base)}
        assert methods - INHERITED - made == set(), name
        assert made - methods == set(), name


def test_the_package_is_typed():
    assert STUBS.with_name("py.typed").exists()
