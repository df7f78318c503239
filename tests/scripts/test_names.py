"""Names that nothing reads, and answers that are read too early, are said before anything is sent."""

from __future__ import annotations

import pytest

from kshell.templating.evaluation import names_in

SENT = "send\nexpect delivery == 'accepted'\n"
TO = "+919812345678"


@pytest.fixture
def run(cli, write):
    """Return a function that runs a script, with options: ``run(script, *options)`` gives a ``Ran``."""

    def ran(script: str, *options: str):
        write("s.kshell", script)
        return cli("run", "s.kshell", *options)

    return ran


@pytest.mark.parametrize(
    ("name", "rows", "warning"),
    [
        ("r.csv", f"to,reff\n{TO},x\n", "nothing reads the column 'reff'\nhint: did you mean ref?\n"),
        (
            "r.csv",
            f"To;ref\n{TO};x\n",
            "nothing reads the column 'To'\nhint: write to: variables have names in lower case\n",
        ),
        (
            "r.jsonl",
            f'{{"to": "{TO}"}}\n{{"to": "{TO}", "xy": 1}}\n',
            "nothing reads the column 'xy'\nhint: these names",
        ),
    ],
)
def test_a_column_that_nothing_reads_is_said_before_the_rows(run, write, name, rows, warning):
    """A column that neither the script nor its template reads is one warning, above all else."""
    write(name, rows)
    err = run(SENT, "--rows", name).err
    assert err.startswith(f"warning: {warning}")
    assert err.count("nothing reads") == 1


@pytest.mark.parametrize(
    "script",
    [
        f"{SENT}expect note == 'x'\n",
        "set ref={{ note }}\nsend\n",
        "source inner.kshell\n",
        "send -t other\n",
        "use template other\nsend\n",
        "use account second\nsend\n",
        "send -t {{ note }}\n",
        "capture x = note\nsend\n",
    ],
)
def test_a_column_that_something_reads_is_not_said(run, write, script):
    """A column counts as read by an expression, by a script that is sourced, and by every template that the script can use."""
    write("templates/other.json.j2", '{"messaging_object": {"to": "{{ to }}", "note": "{{ note }}"}}')
    write("profiles/accounts/second.yaml", "pod: sandbox\nsid: HX1IN\napi_key: env:KALEYRA_API_KEY\n"
          "phone_number: '+911234567890'\ntemplate: other\n")  # fmt: skip
    write("inner.kshell", "send ref={{ note }}\n")
    write("r.csv", f"to,note\n{TO},other\n")
    assert "nothing reads" not in run(script, "--rows", "r.csv").err


def test_a_variable_of_the_command_line_that_nothing_reads_is_said(run):
    """A ``--var`` that neither the script nor its template reads is a warning."""
    err = run(SENT, "--var", f"to={TO}", "--var", "reff=x").err
    assert err.startswith("warning: nothing reads the variable 'reff'\nhint: did you mean ref?\n")


def test_check_says_which_set_variables_nothing_reads(run):
    """``run --check`` warns of a variable that a ``set`` line sets and nothing reads, with its place; exit code 0."""
    ran = run(f"set to={TO} reff=x\nsend\n", "--check")
    assert ran.code == 0
    assert ran.err.startswith("warning: s.kshell:1:22: nothing reads the variable 'reff'\n")


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("expect status == 202\n", "1:8"),
        ("expect phone.code == 1\n", "1:8"),
        ("vars\ncapture id = 1 + body.data.id\n", "2:18"),
        ("set ref={{ body.code }}\nsend\n", "1:12"),
        ("source inner.kshell\n", "inner.kshell:1:8"),
        ("source inner.kshell\nsend\n", "inner.kshell:1:8"),
        ("send\nrun inner.kshell\n", "inner.kshell:1:8"),
    ],
)
def test_an_answer_before_the_first_send_is_a_fault(run, write, script, place):
    """A line that reads an answer before any ``send`` of its session is a fault, so that nothing is sent; exit code 3."""
    write("inner.kshell", "expect delivery\n")
    ran = run(script, "--check", "--var", f"to={TO}")
    assert ran.code == 3
    assert f"{place}: '" in ran.err
    assert "is part of an answer, but no send comes before\n" in ran.err


@pytest.mark.parametrize(
    "script",
    [
        "send\nexpect status == 202\n",
        "set status=1\nexpect status == '1'\n",
        "expect status is not defined\n",
        "expect body | default('') == ''\n",
        "source sends.kshell\nexpect status == 202\n",
        "send\nsource inner.kshell\n",
        "expect to.status is not defined\n",
        "expect 'status' != 'body'\n",
    ],
)
def test_what_is_no_early_answer_is_no_fault(run, write, script):
    """A variable of that name, a text, an answer that a sourced script gets, and a test whether it is defined are no fault."""
    write("inner.kshell", "expect delivery\n")
    write("sends.kshell", "send\n")
    assert run(script, "--check").code == 0


def test_a_column_may_have_a_name_of_the_answer(run, write):
    """A column named ``status`` can be read before a send."""
    write("r.csv", f"to,status\n{TO},x\n")
    assert run("expect status == 'x'\nsend\n", "--rows", "r.csv").code == 0


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("a.b + c[d] | upper", ["a", "c", "d"]),
        ("x is defined and y | default(z) == 1", ["x", "y", "z"]),
        ("'a' in b and not (c | default(value=d))", ["b", "c", "d"]),
        ("true and none", []),
    ],
)
def test_the_names_of_an_expression_are_those_that_it_reads(expression, names):
    """The names of an expression are the variables that it reads, without members, filters, tests and options."""
    assert [name.text for name in names_in(expression)] == names


def test_a_sourced_script_may_read_the_answer_of_the_shell(write):
    """In a shell that has sent a message, a script that is sourced may read the answer."""
    from kshell.console.dispatch import perform_line
    from kshell.profiles.files import Places
    from kshell.session.session import Session
    from kshell.shell.running import Shell

    write("s.kshell", "expect status == 202\n")
    shell = Shell(Session(Places.standard()))
    assert perform_line("source s.kshell", shell).exit_code == 3
    perform_line(f"send to={TO}", shell)
    assert perform_line("source s.kshell", shell).exit_code == 0
