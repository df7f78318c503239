"""The shape of the package: rooms in one order, imports that only point down, one door for each library."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
from conftest import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PACKAGE = PROJECT / "kshell"

ROOMS = (
    "__main__", "cli", "pytest_plugin", "testing", "python", "commands", "shell", "scripts", "documents", "console", "session",
    "transport", "curl", "privacy", "syntax", "snippets", "templating", "profiles", "simulator", "api", "core",
)  # fmt: skip
"""Every folder or file of the package, the highest first. A room imports only rooms that stand behind it."""

MODULES = {
    ".".join(("kshell", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): file
    for file in PACKAGE.rglob("*.py")
}


@cache
def trees() -> dict[str, ast.Module]:
    """Return the parsed modules by name."""
    return {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in MODULES.items()}


@cache
def nodes_of(tree: ast.Module) -> list[ast.AST]:
    """Return the nodes of a module in the order of ``ast.walk``."""
    return [*ast.walk(tree)]


def is_call_of(node: ast.AST, *names: str) -> bool:
    """Whether a node calls a function by one of these names."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def faulty(faults: Callable[[ast.Module], Iterable[object]]) -> dict[str, list[object]]:
    """Return the modules in which ``faults`` finds any, with what it finds."""
    return {name: found for name, tree in trees().items() if (found := list(faults(tree)))}


def imported(tree: ast.Module) -> set[str]:
    """The modules that ``tree`` imports anywhere: at the top, inside of a function, or for types only."""
    names: set[str] = set()
    for statement in nodes_of(tree):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            inner = {f"{statement.module}.{alias.name}" for alias in statement.names}
            names |= inner & MODULES.keys() or {statement.module}
    return names


@cache
def imports() -> dict[str, set[str]]:
    """Return what each module imports."""
    return {name: imported(tree) for name, tree in trees().items()}


@cache
def arrows() -> dict[str, set[str]]:
    """Return the other modules of kshell that each module imports."""
    return {name: (names & MODULES.keys()) - {name, "kshell"} for name, names in imports().items()}


def room_of(module: str) -> str:
    """``core`` for ``kshell.core.errors``; a file of the package is a room of its own."""
    return module.split(".")[1]


def test_every_module_stands_in_a_room():
    """A new folder is entered in the list of rooms, where it says what it may import."""
    assert {room_of(name) for name in MODULES if name != "kshell"} == set(ROOMS)


GUIDE = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_contributing_has_a_row_for_every_room():
    """The table of CONTRIBUTING.md has the rooms in the order of ``ROOMS``, each with a file or function that exists."""
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \| .* \| (`.*`) \|$", GUIDE, re.MULTILINE)
    assert tuple(room for room, _ in rows) == ROOMS
    for room, begin in rows:
        for name in re.findall(r"`([^`]+)`", begin):
            file = PACKAGE / room / name
            assert (
                file.exists() if name.endswith(".py") else f"def {name}(" in (PACKAGE / f"{room}.py").read_text("utf-8")
            )


def test_contributing_names_files_that_exist():
    """Every path that its recipes name is there; NAME stands for a file that the reader writes."""
    names = set(re.findall(r"`((?:kshell|tests|profiles|templates|bench|docs)/[^`\s]*)`", GUIDE))
    assert {name for name in names if "NAME" not in name and not (PROJECT / name).exists()} == set()
    assert len(names) > 15


def test_imports_point_down():
    """A module imports its own room and the rooms below it; lazy imports and imports for types count too."""
    place = {room: number for number, room in enumerate(ROOMS)}
    pairs = [(module, name) for module, names in arrows().items() if module != "kshell" for name in names]
    assert [(module, name) for module, name in pairs if place[room_of(name)] < place[room_of(module)]] == []


def test_no_circle():
    """No module is imported, however far round, by what it imports itself; lazy imports and imports for types count too."""
    left = dict(arrows())
    while free := {name for name, needs in left.items() if not needs}:
        left = {name: needs - free for name, needs in left.items() if name not in free}
    assert left == {}


def test_the_simulator_imports_core_alone():
    """The simulator states the API a second time, so it reads neither ``api`` nor anything built on it."""
    needs = {room_of(name) for module, names in arrows().items() if ".simulator" in module for name in names}
    assert needs <= {"simulator", "core"}


API_WORDS = re.compile(
    r"api-key|[Cc]ontent-[Tt]ype|application/json|/v2(?![.\w])|\bwhatsapp\b|/messages\b|^messages$|messaging_object|extra_info"
    r"|one_time_password|/data/"
)
READ_BY_PEOPLE = {
    "the page's is https://<api_domain>/v2/<sid>/…/messages",
    "write https://HOST or https://HOST:PORT; /v2/… is added to it",
}
"""Sentences of the console that name what the API has."""


def texts_of(tree: ast.Module) -> set[str]:
    """Every text of a module, the constant parts of f-strings too, but for docstrings."""
    bodies = [getattr(node, "body", None) for node in nodes_of(tree)]
    firsts = [body[0].value for body in bodies if isinstance(body, list) and body and isinstance(body[0], ast.Expr)]
    texts = [node for node in nodes_of(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {str(node.value) for node in texts if node not in firsts}


def test_the_form_of_a_request_stands_in_api():
    """The URL's form, header names and pointers stand in ``api``, and a second time in the simulator; nowhere else."""
    found = faulty(lambda tree: filter(API_WORDS.search, texts_of(tree) - READ_BY_PEOPLE))
    assert {name: texts for name, texts in found.items() if room_of(f"{name}.") not in ("api", "simulator")} == {}


def test_the_answer_is_read_in_one_place():
    """Only ``api.answers`` reads the body of a response, and nobody parses the body of a request, which has its payload."""
    calls = [
        (name, getattr(node.func, "attr", getattr(node.func, "id", "")), node)
        for name, tree in trees().items()
        for node in nodes_of(tree)
        if isinstance(node, ast.Call)
    ]
    assert {name for name, function, _ in calls if function == "read_body"} == {"kshell.api.answers"}
    parsed = [(name, ast.unparse(node)) for name, function, node in calls if function == "loads"]
    assert [(name, code) for name, code in parsed if "request.body" in code] == []


DOORS = {
    "click": {
        "kshell.profiles.files",  # the user's folder on systems other than Linux
        *(name for name in MODULES if name.split(".")[1:2] in (["console"], ["commands"])),
        "kshell.shell.completer",
    },
    "httpx": {"kshell.transport.http"},
    "httpcore": {"kshell.transport.http"},
    "h11": {"kshell.transport.http"},
    "jinja2": {f"kshell.templating.{name}" for name in ("environment", "evaluation", "program", "templates")},
    "phonenumbers": {"kshell.api.authentication.numbers"},
    "pytest": {"kshell.pytest_plugin"},
    "sse_starlette": {"kshell.simulator.pages"},
    "starlette": {"kshell.simulator.pages"},
    "uvicorn": {"kshell.simulator.server", "kshell.simulator.fast_connection"},
    "yaml": {"kshell.profiles.strict_yaml"},
    "keyring": {"kshell.profiles.api_key"},
    "vcr": {"kshell.transport.tape_file"},
    "prompt_toolkit": {name for name in MODULES if name.startswith("kshell.shell.")},
}


@pytest.mark.parametrize("library", DOORS)
def test_each_library_has_one_door(library):
    """Replacing a library touches one file; of click the console and the commands, of prompt_toolkit the shell."""
    users = {name for name, names in imports().items() if any(used.split(".")[0] == library for used in names)}
    assert users <= DOORS[library]


def test_only_the_error_of_jinja_leaves_its_door():
    """``templates`` knows of Jinja what a syntax error is, and nothing else."""
    names = [
        alias.name
        for node in nodes_of(trees()["kshell.templating.templates"])
        if isinstance(node, ast.ImportFrom) and node.module == "jinja2"
        for alias in node.names
    ]
    assert names == ["TemplateSyntaxError"]


def without_docstring(tree: ast.Module) -> list[str]:
    """Return what is public in a module and has no docstring: functions, classes, methods, the module itself."""
    missing = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else []
        for known in (node, *inner):
            if isinstance(known, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and known.name[0] != "_":
                missing += [] if ast.get_docstring(known) else [known.name]
    return missing


def test_everything_public_says_what_it_is():
    """Every module, and every public function, class and method of it, has a docstring."""
    assert faulty(without_docstring) == {}


# ---- errors and notes are data until they are shown

KIND = "(error|warning|hint)"


def strings_in(nodes: Iterable[ast.AST]) -> list[str]:
    """Every text that stands in the code; of one with ``{}`` in it each part."""
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def is_exception(name: str) -> bool:
    """Whether a class is an exception, by its name."""
    return name.endswith(("Error", "Exception"))


def exceptions_in(tree: ast.Module) -> set[str]:
    """The names of variables that hold an exception: caught, made, or handed to a function as one."""
    names: set[str] = set()
    for node in nodes_of(tree):
        match node:
            case ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.arg(arg=name, annotation=ast.expr() as kind) if is_exception(ast.unparse(kind)):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=kind)) if is_exception(ast.unparse(kind)):
                names.add(name)
    return names


def changed_in(tree: ast.AST) -> list[str]:
    """The attributes that are assigned outside of classes of exceptions: ``error.hint``, or ``setattr(error``."""
    changed: list[str] = []
    nodes = [tree]
    for node in nodes:
        if isinstance(node, ast.ClassDef) and is_exception(node.name):
            continue
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            changed.append(ast.unparse(node))
        elif is_call_of(node, "setattr"):
            changed.append(f"{ast.unparse(node.args[0])}.setattr")
        nodes += ast.iter_child_nodes(node)
    return changed


def test_no_text_begins_with_the_kind_of_a_note():
    """``note_lines`` alone writes ``error: ``, ``warning: `` and ``hint: ``, so nobody else makes or reads such a line."""
    texts = {(name, text) for name, tree in trees().items() for text in strings_in(nodes_of(tree))}
    assert {(name, text) for name, text in texts if re.match(f"{KIND}:", text)} == set()


def test_no_message_is_read_back():
    """No text is asked whether it begins with the kind of a note: a note has it as a field."""
    calls = {(name, node) for name, tree in trees().items() for node in nodes_of(tree) if isinstance(node, ast.Call)}
    read = {
        (name, ast.unparse(node))
        for name, node in calls
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in ("startswith", "removeprefix", "partition", "match", "compile")
        if any(re.match(rf"\W*{KIND}\b", text) for argument in node.args for text in strings_in(ast.walk(argument)))
    }
    assert read == set()


def test_no_exception_is_changed_in_flight():
    """An attribute of an exception is assigned by its own class alone; ``error.placed`` gives a copy with a place."""

    def of_exceptions(tree: ast.Module) -> list[str]:
        names = exceptions_in(tree)
        return [target for target in changed_in(tree) if target.partition(".")[0] in names]

    assert faulty(of_exceptions) == {}


# ---- small files, small functions

MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 40


def test_a_module_is_read_in_one_sitting():
    """A module has at most 350 lines; a longer one has two subjects, and each gets a file."""
    lines = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def long_functions(tree: ast.Module) -> list[tuple[str, int]]:
    """Return the functions with too many lines from ``def`` to their end, and how many."""
    functions = [node for node in nodes_of(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = [(function.name, (function.end_lineno or 0) - function.lineno + 1) for function in functions]
    return [(name, lines) for name, lines in lengths if lines > MOST_LINES_OF_A_FUNCTION]


def test_a_function_fits_on_a_screen():
    """A function has at most 40 lines from ``def`` to its end; its decorators do not count."""
    assert faulty(long_functions) == {}


# ---- no library is patched

PUBLIC_IN_SPITE_OF_ITS_NAME = {"_replace", "_asdict", "_fields", "_make", "_exit"}
"""Documented names that begin with ``_``: those of a named tuple, and ``os._exit``."""

REPLACEABLE = {"sys.stdout", "sys.stderr"}
"""Attributes of a module that Python documents as replaceable."""

MUTATORS = {"append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}


def is_private(name: str) -> bool:
    """Whether ``name`` begins with ``_`` and is nobody's public name."""
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC_IN_SPITE_OF_ITS_NAME


@cache
def own_names(tree: ast.Module) -> set[str]:
    """Return the private names that the classes of ``tree`` define: methods, attributes of the class, and of ``self``."""
    names: set[str] = set()
    for node in nodes_of(tree):
        if isinstance(node, ast.ClassDef):
            names |= {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)}
            names |= {name.id for inner in node.body for name in targets(inner) if isinstance(name, ast.Name)}
        names |= {
            name.attr
            for name in targets(node)
            if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name) and name.value.id == "self"
        }
    return set(filter(is_private, names))


def targets(statement: ast.AST) -> list[ast.AST]:
    """Return the names and attributes that an assignment sets; nothing for another statement."""
    found = getattr(statement, "targets", []) if isinstance(statement, ast.Assign) else []
    found = [statement.target] if isinstance(statement, ast.AnnAssign) else found
    return [inner for target in found for inner in ast.walk(target)]


@cache
def all_own_names() -> set[str]:
    """Return the private names that the classes of kshell define."""
    return set().union(*map(own_names, trees().values()))


def private_touches(tree: ast.Module) -> set[str]:
    """Return the private names of other libraries that ``tree`` imports, reads or writes."""
    found: set[str] = set()
    here = own_names(tree)  # a method that makes an object of its own class sets that object's attributes
    for node in nodes_of(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            own = all_own_names() if ast.unparse(node.value) in ("self", "cls", "super()") else here
            found |= set() if node.attr in own else {ast.unparse(node)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found |= {name for name in names if any(map(is_private, name.split(".")))}
        elif isinstance(node, ast.Call) and is_call_of(node, "getattr", "setattr", "hasattr", "delattr"):
            found |= {
                str(word.value) for word in node.args if isinstance(word, ast.Constant) and is_private(str(word.value))
            }
    return found


def test_no_private_name_of_a_library_is_used():
    """A module uses only the public names of other libraries, also in the classes that it derives from theirs."""
    assert faulty(private_touches) == {}


def replaced(tree: ast.Module) -> set[str]:
    """Return what ``tree`` changes in what it imports: an attribute, an item of one, or by a method that changes it."""
    imports = [node for node in nodes_of(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names}

    def is_imported(node: ast.AST) -> bool:
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return isinstance(node, ast.Name) and node.id in names

    def is_change(node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute | ast.Subscript):
            return not isinstance(node.ctx, ast.Load) and is_imported(node)
        if not isinstance(node, ast.Call):
            return False
        if is_call_of(node, "setattr", "delattr"):
            return is_imported(node.args[0])
        of_attribute = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Attribute)
        return of_attribute and node.func.attr in MUTATORS and is_imported(node.func)

    return {ast.unparse(node) for node in nodes_of(tree) if is_change(node)} - REPLACEABLE


def test_nothing_imported_is_replaced():
    """No function of a library is replaced, and ``sys.modules``, ``os.environ`` and other tables are only read."""
    assert faulty(replaced) == {}
