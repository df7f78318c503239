"""The commands ``curl`` and ``snippet``: the output of each target, in each form of the key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kshell import __version__
from kshell.snippets.catalog import TARGETS
from kshell.snippets.shells import SHELLS

GOLDEN = Path(__file__).parents[1] / "golden"
KEY = "Acanary00000000000000000000000key"
ENDINGS = {"bash": "sh", "python": "py.txt", "javascript": "js", "ruby": "rb", "csharp": "cs", "powershell": "ps1"}
WRITING = os.environ.get("KSHELL_GOLDEN") == "write"


def golden_of(name: str) -> Path:
    """Return the golden file of the target ``name``."""
    return GOLDEN / f"snippet-{name}.{ENDINGS.get(TARGETS[name].fence, TARGETS[name].fence)}"


def check_golden(file: Path, text: str) -> None:
    """Check that ``text`` equals the golden file; KSHELL_GOLDEN=write writes the file first."""
    text = text.replace(f'"version": "{__version__}"', '"version": "VERSION"')
    if WRITING:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), (
        "KSHELL_GOLDEN=write pytest tests/snippets/test_snippet_targets.py writes it"
    )


@pytest.mark.parametrize("name", [name for name in sorted(TARGETS) if WRITING or golden_of(name).exists()])
def test_a_target_prints_its_golden_file(cli, name):
    """Each target prints its golden file for the account docs, with its variable in place of the key."""
    ran = cli("snippet", name, "-a", "docs")
    assert ran.code == 0
    assert "KALEYRA_API_KEY" in ran.out
    check_golden(golden_of(name), ran.out)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_letters_are_written_as_they_are(cli, name):
    """Letters are written unescaped, except in Java and PowerShell, whose sources may have another encoding."""
    out = cli("snippet", name, "-a", "docs", "ref=é語").out
    escaped = {"java": "\\u00e9", "powershell": "$([char]0xe9)"}.get(name, "")
    assert (escaped or "é語") in out
    assert out.isascii() == bool(escaped)


@pytest.mark.parametrize(("shell", "ending"), [("powershell", "ps1"), ("cmd", "bat")])
@pytest.mark.parametrize("compact", ["", "--compact"])
def test_a_shell_of_windows_has_its_golden_file(cli, shell, ending, compact):
    """The curl commands for PowerShell and cmd.exe equal their golden files, on several lines and on one."""
    ran = cli("curl", "-a", "docs", "--shell", shell, *filter(None, [compact]))
    check_golden(GOLDEN / f"curl{compact.replace('--', '-')}.{ending}", ran.out)


@pytest.mark.parametrize("shell", SHELLS)
def test_curl_compact_is_one_line(cli, shell):
    """``curl --compact`` prints one line for every shell."""
    assert cli("curl", "-a", "docs", "--compact", "--shell", shell).out.count("\n") == 1


def test_snippet_curl_is_curl(cli):
    """``snippet curl`` prints the same as ``curl``."""
    assert cli("snippet", "curl", "-a", "docs").out == cli("curl", "-a", "docs").out


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_reveal_prints_the_key(cli, name, monkeypatch):
    """``--reveal`` prints the key in place of the variable."""
    monkeypatch.setenv("KALEYRA_API_KEY", KEY)
    out = cli("snippet", name, "-a", "docs", "--reveal").out
    assert KEY in out
    assert "KALEYRA_API_KEY" not in out


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_masked_prints_neither(cli, name, monkeypatch):
    """``--masked`` prints ``(redacted)`` in place of the key, and does not read the key."""
    out = cli("snippet", name, "-a", "docs", "--masked").out
    assert "(redacted)" in out
    assert "KALEYRA_API_KEY" not in out


PLACEHOLDERS = ("TO_NUMBER", "ONE_TIME_PASSWORD", "PHONE_NUMBER", "SID")


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_placeholders_stand_for_code_numbers_and_sid(cli, name):
    """``--placeholders`` replaces the code, the phone numbers and the SID of a snippet, and prints no finding about them."""
    ran = cli("snippet", name, "to=+919812345678", "otp=482913", "--placeholders")
    assert not [private for private in ("482913", "919812345678", "15005550000", "HXSANDBOXIN") if private in ran.out]
    assert all(word in ran.out for word in PLACEHOLDERS)
    assert (ran.code, ran.err) == (0, "")


def test_placeholders_need_no_recipient(cli):
    """With ``--placeholders`` no ``to`` and no ``otp`` need be given, and ``--strict`` finds no error."""
    ran = cli("snippet", "go", "--placeholders", "--strict")
    assert (ran.code, ran.err) == (0, "")
    assert all(f'"{word}"' in ran.out for word in ("TO_NUMBER", "ONE_TIME_PASSWORD"))


def test_a_finding_about_another_field_stays(cli):
    """``--placeholders`` hides the findings about placeholders alone."""
    ran = cli("snippet", "go", "to=nobody", "wa_source=zapir", "--placeholders")
    assert "wa-source" in ran.err
    assert "to-e164" not in ran.err


def test_placeholders_need_the_other_variables(cli, write):
    """``--placeholders`` fills in no variable that is not private."""
    write("profiles/accounts/own.yaml", "pod: in\nsid: HX1IN\nphone_number: '+911234567890'\napi_key: env:KEY\n")
    ran = cli("snippet", "go", "-a", "own", "--placeholders")
    assert (ran.code, ran.out) == (2, "")
    assert "not set: template_name, language" in ran.err


def test_placeholders_are_for_curl_too(cli):
    """``curl`` takes ``--placeholders`` and ``--masked`` too."""
    out = cli("curl", "--placeholders", "--masked").out
    assert "/v2/SID/whatsapp/PHONE_NUMBER/messages" in out
    assert "'api-key: (redacted)'" in out


def test_two_forms_of_the_key_exclude_each_other(cli):
    """``--masked`` with ``--reveal`` is a usage error, exit code 2."""
    ran = cli("snippet", "go", "-a", "docs", "--masked", "--reveal")
    assert ran.code == 2
    assert "exclude each other" in ran.err


def test_a_key_that_is_not_there_cannot_be_revealed(cli, monkeypatch):
    """``--reveal`` without the variable exits with 3 and says how to set it."""
    monkeypatch.delenv("KALEYRA_API_KEY")
    ran = cli("snippet", "go", "-a", "docs", "--reveal")
    assert (ran.code, ran.out) == (3, "")
    assert "export KALEYRA_API_KEY=" in ran.err


def test_strict_prints_nothing_where_there_are_errors(cli):
    """``--strict`` prints no snippet if there is an error finding, and exits with 1."""
    ran = cli("snippet", "go", "to=nobody", "otp=1", "--strict")
    assert (ran.code, ran.out) == (1, "")
    assert "to-e164" in ran.err


def test_findings_do_not_hinder_a_snippet(cli):
    """Without ``--strict`` a snippet is printed in spite of errors, which are on stderr."""
    ran = cli("snippet", "go", "to=nobody", "otp=1")
    assert ran.code == 0
    assert "package main" in ran.out
    assert "to-e164" in ran.err


def test_snippet_alone_lists_the_targets(cli):
    """``snippet`` without a target lists every target with its description."""
    out = cli("snippet").out
    assert [line.split()[0] for line in out.splitlines()] == sorted(TARGETS)
    assert all(target.says and target.says in out for target in TARGETS.values())


def test_an_unknown_target_is_a_usage_error(cli):
    """An unknown target is a usage error with a did-you-mean or the list of targets."""
    near, far = cli("snippet", "pyhton", "-a", "docs"), cli("snippet", "cobol", "-a", "docs")
    assert (near.code, far.code) == (2, 2)
    assert "did you mean python?" in near.err
    assert "did you mean node?" in cli("snippet", "nodejs", "-a", "docs").err
    assert f"targets: {', '.join(sorted(TARGETS)[:3])}" in far.err


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("node", "javascript"),
        ("js", "javascript"),
        ("TS", "javascript"),
        ("fetch", "javascript"),
        ("requests", "python-requests"),
        ("httpx", "python"),
        ("rb", "ruby"),
        ("C#", "csharp"),
        ("cs", "csharp"),
        ("golang", "go"),
        ("pwsh", "powershell"),
    ],
)
def test_an_alias_finds_its_target(cli, alias, name):
    """A target is found by its other names too, in capitals or not."""
    assert cli("snippet", alias, "-a", "docs").out == cli("snippet", name, "-a", "docs").out


def test_a_name_finds_one_target():
    """No alias is the name or the alias of another target."""
    names = [name for target in TARGETS.values() for name in (target.name, *target.aliases)]
    assert len(names) == len(set(names))


def test_targets_are_completed(cli):
    """Completion offers the targets that begin with the typed letters."""
    from kshell.commands.message import snippet

    (argument, *_) = snippet.params
    names = {item.value for item in argument.shell_complete(None, "p")}
    assert names == {name for name in TARGETS if name.startswith("p")}
    assert names > {"php", "python"}


def test_a_curl_command_imports_no_client(program):
    """``curl`` imports no HTTP library."""
    from subprocess import run
    from sys import executable

    code = (
        "import sys; from kshell.cli import run; run(['curl', '-a', 'docs']);"
        "print({'httpx', 'uvicorn', 'vcr', 'prompt_toolkit'} & set(sys.modules), file=sys.stderr)"
    )
    assert run([executable, "-c", code], capture_output=True, text=True).stderr.endswith("set()\n")


@pytest.mark.parametrize("shell", ["zsh", "fish", "sh"])
def test_a_posix_shell_has_the_command_of_bash(cli, shell):
    """zsh, fish and sh take the same command as bash."""
    assert cli("curl", "-a", "docs", "--shell", shell).out == cli("curl", "-a", "docs").out


def test_every_shell_is_offered():
    """``curl --shell`` offers every supported shell."""
    from kshell.commands.message import curl

    (choices,) = [list(option.type.choices) for option in curl.params if option.name == "shell"]
    assert choices == list(SHELLS)
