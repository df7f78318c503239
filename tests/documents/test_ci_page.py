"""docs/ci.md: its examples are YAML, its hooks exist, and its commands pass in a project and fail in a faulty one."""

from __future__ import annotations

import re
import shlex
from glob import glob

import pytest
import yaml
from conftest import PROJECT

PAGE = (PROJECT / "docs" / "ci.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
COMMENT = "<!-- kshell: explain WA202 -->\n"


def commands() -> list[str]:
    """Return the kshell commands of the page's examples, each once."""
    _, workflow, gitlab = EXAMPLES
    found = [step["run"] for step in workflow["jobs"]["kshell"]["steps"] if "run" in step]
    assert [line for line in gitlab["kshell"]["script"] if line not in found] == []
    return [line for line in found if line.startswith("kshell ")]


@pytest.fixture
def project(cli, write):
    """A project whose documents and scripts are true; returns a function that runs a command line of a shell in it."""
    write("README.md", "# Project\n")
    write("docs/page.md", COMMENT)
    write("scripts/code.kshell", "send to=+919812345678 otp=482913\nexpect status == 202\n")
    assert cli("docs", "docs/").code == 0

    def run(line: str):
        words = [word for part in shlex.split(line)[1:] for word in (sorted(glob(part)) if "*" in part else [part])]
        return cli(*words)

    return run


def test_the_commands_of_the_page_pass_in_a_true_project(project):
    """Each command of the examples exits with 0 in a project without faults."""
    assert len(commands()) == 3
    assert [(line, project(line).code) for line in commands()] == [(line, 0) for line in commands()]


def test_the_commands_of_the_page_fail_in_a_faulty_project(project, write):
    """The check of documents finds a stale block, the check of scripts a fault, and the run a failed expectation."""
    write("docs/page.md", f"{COMMENT}```text\nold\n```\n")
    write("scripts/code.kshell", "send to=+919812345678 otp=482913\nexpect status == 400\n")
    write("scripts/faulty.kshell", "sned\n")
    documents, check, _ = commands()
    assert (project(documents).code, project(check).code) == (1, 3)
    assert project("kshell run scripts/code.kshell").code == 1


def test_the_hooks_of_the_page_exist():
    """The example for pre-commit names the hooks of ``.pre-commit-hooks.yaml``."""
    (repository,) = EXAMPLES[0]["repos"]
    assert [hook["id"] for hook in repository["hooks"]] == list(HOOKS)


@pytest.mark.parametrize(
    ("hook", "file", "true", "faulty", "code"),
    [
        ("kshell-docs", "page.rst", "", ".. kshell: explain WA202\n\n.. code-block:: text\n\n   old\n", 1),
        ("kshell-check", "code.kshell", "render\n", "rendre\n", 3),
    ],
)
def test_a_hook_fails_for_a_faulty_file(cli, write, hook, file, true, faulty, code):
    """The hook takes the file by its name; its command passes for a true file and fails for a faulty one."""
    assert re.search(HOOKS[hook]["files"], file)
    words = [*HOOKS[hook]["entry"].split()[1:], *HOOKS[hook].get("args", [])]
    write(file, true)
    assert cli(*words, file).code == 0
    write(file, faulty)
    assert cli(*words, file).code == code
