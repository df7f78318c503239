"""Find small faults that the tests do not detect: mutation testing of the modules that make a message.

Usage: pip install -e '.[dev]' && python bench/mutants.py [MODULE...] [-n SAMPLE] [--seed SEED] [-j JOBS]

A mutant is a module with one fault: a comparison inverted, a number off by one, a text emptied, a statement removed. The
module's tests run against it in a copy of the project. If they all pass, the mutant survives and is printed. A survivor may
show that a test is missing, or the fault may not matter; a reader decides. The same holds for a mutant that ran out of time:
it may run for ever, or the machine was busy. Nothing is asserted. Without MODULE all modules are tested, in ten minutes;
SAMPLE 0 makes every mutant, which takes more than an hour.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import cache_from_source
from operator import attrgetter
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

PROJECT = Path(__file__).parent.parent
TESTS = {  # fast tests first: the first failure ends a run
    "templating/templates": "templating/test_templates commands/test_listing promises/test_no_value_breaks_out",
    "templating/environment": "templating/test_sandbox templating/test_templates promises/test_no_value_breaks_out",
    "api/rules": "api/test_rules snippets/test_snippet_targets",
    "api/authentication/rules": "api/test_rules snippets/test_snippet_targets",
    "api/authentication/fields": "api/test_rules commands/test_explain console/test_completion",
    "api/request": "api/test_request",
    "privacy/values": "privacy/test_masking",
    "privacy/privacy": "privacy/test_masking scripts/test_reports",
    "core/json_text": "core/test_json_text",
    "snippets/targets": "snippets/test_snippet_targets snippets/test_snippets_windows snippets/test_snippets",
    "snippets/shells": "snippets/test_snippet_targets snippets/test_snippets_windows snippets/test_snippets_shells",
    "snippets/programs": "snippets/test_snippet_targets snippets/test_snippets_programs",
    "snippets/compiled": "snippets/test_snippet_targets snippets/test_snippets_programs",
    "snippets/javascript": "snippets/test_snippet_targets snippets/test_snippets_programs",
    "snippets/literals": "snippets/test_literals snippets/test_snippet_targets snippets/test_snippets_programs",
    "snippets/files": "snippets/test_snippet_targets snippets/test_snippets_programs",
    "snippets/placeholders": "snippets/test_snippet_targets documents/test_docs",
}
PYTEST = "-m pytest -x -q -n0 -p no:cacheprovider -p no:randomly --hypothesis-seed=0"
MOST_MEMORY = 4 * 1024**3  # bytes; a mutant may lack a bound that a test relies on

INVERTED: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.BitOr: ast.BitAnd,
}  # fmt: skip


class Mutant(NamedTuple):
    """A module whose tree has ``new`` instead of ``old`` in ``holder[key]``; ``inside`` is the expression to print."""

    holder: Any
    key: Any
    old: ast.AST
    new: ast.AST
    inside: ast.AST
    line: int

    def source(self, tree: ast.AST) -> tuple[str, str]:
        """Return the module's text with the fault, and a description of the change with its line."""
        before = ast.unparse(self.inside)
        self.holder[self.key] = self.new
        after = ast.unparse(self.new if self.inside is self.old else self.inside)
        text = ast.unparse(ast.fix_missing_locations(tree))
        self.holder[self.key] = self.old
        return text, f"{self.line}  {before}  ->  {after}"


def mutants(node: ast.AST) -> Iterator[Mutant]:
    """Yield every mutant of the tree below ``node``."""
    for name, value in ast.iter_fields(node):
        holder: Any = value if isinstance(value, list) else vars(node)
        for key in range(len(value)) if isinstance(value, list) else (name,):
            part = holder[key]
            if isinstance(part, ast.AST) and name not in ("annotation", "returns") and not has_no_effect(node, part):
                inside = part if isinstance(part, ast.expr | ast.stmt) else node
                for new in faults(part, condition=name in ("test", "ifs", "guard")):
                    yield Mutant(holder, key, part, new, inside, getattr(inside, "lineno", 0))
                yield from mutants(part)


def has_no_effect(node: ast.AST, part: ast.AST) -> bool:
    """Whether a part of ``node`` is a docstring or is only for the type checker."""
    match node, part:
        case _, ast.Expr(ast.Constant()) | ast.If(ast.Name("TYPE_CHECKING")) | ast.Subscript(ast.Name("Literal")):
            return True
        case ast.Call(ast.Name("cast"), [first, _]), _:
            return part is first
    return False


def faults(part: ast.AST, *, condition: bool) -> Iterator[ast.AST]:
    """Yield every faulty replacement of one part."""
    match part:
        case ast.cmpop() | ast.boolop() | ast.operator() if type(part) in INVERTED:
            yield INVERTED[type(part)]()
        case ast.Constant(value):
            yield from (ast.Constant(other) for other in other_values(value))
        case ast.JoinedStr():
            yield ast.JoinedStr([])
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.expr() if condition and not isinstance(part, ast.Compare):
            yield ast.UnaryOp(ast.Not(), part)
        case ast.Return(ast.expr()) if ast.unparse(part) != "return None":
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Assign([ast.Subscript()]):
            yield ast.Pass()


def other_values(value: object) -> Iterator[str | int]:
    """Yield every faulty replacement of a constant: numbers off by one, also in a regular expression."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
    elif isinstance(value, str):
        yield "" if value else "mutant"
        for number in re.finditer(r"(?<![\\\w])\d+(?!\w)", value):
            yield f"{value[: number.start()]}{int(number[0]) + 1}{value[number.end() :]}"


class Copies:
    """Copies of the project. Each copy tests one mutant at a time."""

    def __init__(self, folder: Path, number: int) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        for name in map(str, range(number)):
            ignored = shutil.ignore_patterns(".*", "__pycache__")
            self.root = shutil.copytree(PROJECT, folder / name, ignore=ignored)
            self._free.put(self.root)

    def outcome(self, module: str, text: str, limit: float | None = None) -> str:
        """Run the module's tests with ``text`` as the module. Return ``passed``, ``failed`` or ``late``."""
        root = self._free.get()
        file = root / "kshell" / f"{module}.py"
        original = file.read_bytes()
        # Python identifies the source of bytecode by size and second, and two mutants may share both
        Path(cache_from_source(str(file))).unlink(missing_ok=True)
        file.write_text(text, encoding="utf-8")
        try:
            files = [f"tests/{name}.py" for name in TESTS[module].split()]
            return outcome([sys.executable, *PYTEST.split(), *files], root, limit)
        finally:
            file.write_bytes(original)
            Path(cache_from_source(str(file))).unlink(missing_ok=True)
            self._free.put(root)


def outcome(command: list[str], root: Path, limit: float | None) -> str:
    """Run tests in a copy of the project for at most ``limit`` seconds, and end every process that they started."""
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        return "failed" if process.wait(limit) else "passed"
    except subprocess.TimeoutExpired:
        return "late"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_mutants(module: str, options: argparse.Namespace, copies: Copies) -> None:
    """Test mutants of one module, and print how many were killed and which survived."""
    tree = ast.parse((copies.root / "kshell" / f"{module}.py").read_text(encoding="utf-8"))
    begun = time.monotonic()
    assert copies.outcome(module, ast.unparse(tree)) == "passed", f"{module}: its tests fail without a fault"
    limit = 30 + 4 * (time.monotonic() - begun)
    assert copies.outcome(module, "1 / 0") == "failed", f"{module}: its tests do not load the copy's module"
    every = list(mutants(tree))
    size = min(options.sample or len(every), len(every))
    sample = random.Random(options.seed).sample(every, size)  # noqa: S311 - no secret
    sources = [mutant.source(tree) for mutant in sorted(sample, key=attrgetter("line"))]
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda text: copies.outcome(module, text, limit), [text for text, _ in sources]))
    print(f"{module}: {outcomes.count('failed')} of {size} killed; {len(every)} can be made", flush=True)
    for (_, change), result in zip(sources, outcomes, strict=True):
        if result != "failed":
            print(f"    kshell/{module}.py:{change}{'  (out of time)' if result == 'late' else ''}", flush=True)


def main() -> None:
    """Test the mutants of every chosen module in turn."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", default=list(TESTS), metavar="MODULE", help=", ".join(TESTS))
    parser.add_argument("-n", "--sample", type=int, default=30, help="mutants of each module; 0 is all")
    parser.add_argument("--seed", type=int, default=0, help="the random choice of mutants")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1, help="mutants tested at once")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        copies = Copies(Path(folder), options.jobs)
        for module in options.modules:
            run_mutants(module, options, copies)


if __name__ == "__main__":
    main()
