"""The shape of the package: rooms in one order, imports that only point down, one door for each library."""

from __future__ import annotations

import ast

import pytest
from conftest import PROJECT

PACKAGE = PROJECT / "kshell"

ROOMS = (
    "__main__", "cli", "library", "commands", "shell", "scripts", "documents", "console", "session", "transport", "curl",
    "privacy", "syntax", "snippets", "templating", "profiles", "simulator", "api", "core",
)  # fmt: skip
"""Every folder or file of the package, the highest first. A room imports only rooms that stand behind it."""

MODULES = {
    ".".join(("kshell", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): ast.parse(
        file.read_text(encoding="utf-8")
    )
    for file in PACKAGE.rglob("*.py")
}


def imported(tree: ast.AST) -> set[str]:
    """The modules that ``tree`` imports anywhere: at the top, inside of a function, or for types only."""
    names: set[str] = set()
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            inner = {f"{statement.module}.{alias.name}" for alias in statement.names}
            names |= inner & MODULES.keys() or {statement.module}
    return names


ARROWS = {name: (imported(tree) & MODULES.keys()) - {name, "kshell"} for name, tree in MODULES.items()}


def room_of(module: str) -> str:
    """``core`` for ``kshell.core.errors``; a file of the package is a room of its own."""
    return module.split(".")[1]


def test_every_module_stands_in_a_room():
    """A new folder is entered in the list of rooms, where it says what it may import."""
    assert {room_of(name) for name in MODULES if name != "kshell"} == set(ROOMS)


@pytest.mark.parametrize("module", sorted(ARROWS.keys() - {"kshell"}))
def test_imports_point_down(module):
    """A module imports its own room and the rooms below it; lazy imports and imports for types count too."""
    below = ROOMS[ROOMS.index(room_of(module)) :]
    assert {name for name in ARROWS[module] if room_of(name) not in below} == set()


def test_no_circle():
    """No module is imported, however far round, by what it imports itself; lazy imports and imports for types count too."""
    left = dict(ARROWS)
    while free := {name for name, needs in left.items() if not needs}:
        left = {name: needs - free for name, needs in left.items() if name not in free}
    assert left == {}


def test_the_simulator_imports_core_alone():
    """The simulator states the API a second time, so it reads neither ``api`` nor anything built on it."""
    needs = {room_of(name) for module, names in ARROWS.items() if ".simulator" in module for name in names}
    assert needs <= {"simulator", "core"}


DOORS = {
    "click": {
        "kshell.profiles.files",  # the user's folder on systems other than Linux
        *(name for name in MODULES if name.split(".")[1:2] in (["console"], ["commands"])),
        "kshell.shell.completer",
    },
    "httpx": {"kshell.transport.client"},
    "jinja2": {"kshell.templating.sandbox", "kshell.templating.templates"},
    "phonenumbers": {"kshell.api.rules"},
    "uvicorn": {"kshell.simulator.server"},
    "yaml": {"kshell.profiles.strict_yaml"},
    "keyring": {"kshell.profiles.api_key"},
    "vcr": {"kshell.transport.tape_file"},
    "prompt_toolkit": {name for name in MODULES if name.startswith("kshell.shell.")},
}


@pytest.mark.parametrize("library", DOORS)
def test_each_library_has_one_door(library):
    """Replacing a library touches one file; of click the console and the commands, of prompt_toolkit the shell."""
    users = {name for name, tree in MODULES.items() if any(used.split(".")[0] == library for used in imported(tree))}
    assert users <= DOORS[library]


def test_only_the_error_of_jinja_leaves_its_door():
    """``templates`` knows of Jinja what a syntax error is, and nothing else."""
    names = [
        alias.name
        for node in ast.walk(MODULES["kshell.templating.templates"])
        if isinstance(node, ast.ImportFrom) and node.module == "jinja2"
        for alias in node.names
    ]
    assert names == ["TemplateSyntaxError"]


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_says_what_it_is(name):
    """Every module, and every public function, class and method of it, has a docstring."""
    tree = MODULES[name]
    missing = [] if ast.get_docstring(tree) else [name]
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else []
        for known in (node, *inner):
            if isinstance(known, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and known.name[0] != "_":
                missing += [] if ast.get_docstring(known) else [known.name]
    assert missing == []
