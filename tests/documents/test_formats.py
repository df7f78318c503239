"""``docs`` keeps blocks true in Markdown, MDX, MyST, reStructuredText and AsciiDoc, and passes over no comment in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import PROJECT

from kshell.documents.regenerate import READERS, regenerate
from kshell.profiles.files import Places

SAMPLES = PROJECT / "tests" / "documents" / "samples"
ANSWER = "202 WA202 · Request Accepted"


def made(text: str, name: str = "page.md"):
    """Return a document as ``docs`` regenerates it."""
    return regenerate(text, name, Places.standard())


def errors(text: str, name: str = "page.md") -> list[str]:
    """Return the errors of a document."""
    return [error.note.headline for error in made(text, name).errors]


CONTAINED = {
    "a quote": "> <!-- kshell: explain WA202 -->\n> ```text\n> old\n> ```\n> after\n",
    "an empty line of a quote": "> <!-- kshell: explain WA202 -->\n>\n> ```text\n> old\n>\n> old\n> ```\n",
    "an item": "- <!-- kshell: explain WA202 -->\n  ```text\n  old\n  ```\n- after\n",
    "an item's further line": "1. Item\n\n   <!-- kshell: explain WA202 -->\n\n   ```text\n   old\n   ```\n",
    "an item in a quote": "> 1) <!-- kshell: explain WA202 -->\n>    ```text\n>    old\n>    ```\n",
    "MDX": "<Tabs>\n  {/* kshell: explain WA202 */}\n  ```text title=x\n  old\n  ```\n</Tabs>\n",
    "MDX of several lines": "{/*\n  kshell: explain WA202\n*/}\n\n```text\nold\n```\n",
    "content like an option": "<!-- kshell: explain WA202 -->\n```text\n:old: x\n```\n",
    "MyST": "% kshell: explain WA202\n```text\nold\n```\n",
    "a capital": "<!-- Kshell : explain WA202 -->\n```text\nold\n```\n",
    "an admonition of MyST": "````{note} Title\n<!-- kshell: explain WA202 -->\n```text\nold\n```\n````\nafter\n",
    "options of MyST": (
        "% kshell: explain WA202\n```{code-block} text\n:caption: An answer\n:linenos:\n\nold\n```\n"
    ),
    "YAML options of MyST": "% kshell: explain WA202\n```{code-block} text\n---\ncaption: x\n---\nold\n```\n",
    "colons of MyST": "% kshell: explain WA202\n:::{code-block} text\n:linenos:\nold\n:::\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTAINED)
def test_a_comment_is_taken_where_markdown_takes_one(kind):
    """The block below the comment is rewritten; the lines around it, its fences and its options stay."""
    before = CONTAINED[kind]
    document = made(before)
    assert (document.errors, document.blocks, document.true) == ((), 1, 0)
    assert ANSWER in document.text
    assert "old" not in document.text
    kept = [line for line in before.split("\n") if "old" not in line and line not in (">",)]
    assert [line for line in document.text.split("\n") if line in kept and line != ">"] == kept
    assert (made(document.text).text, made(document.text).true) == (document.text, 1)


@pytest.mark.parametrize("kind", CONTAINED)
def test_a_missing_block_is_added_there(kind):
    """Without its block the same comment gets a new one, with the marks of its quote and the indentation of its item."""
    comment = [
        line for line in CONTAINED[kind].split("\n") if "```" not in line and "old" not in line and ":::" not in line
    ]
    before = (
        "\n".join(line for line in comment if "kshell" in line.lower() or line.strip() in ("{/*", "*/}", "- Item"))
        + "\n"
    )
    text = made(before).text
    assert text.startswith(before)
    assert ANSWER in text
    assert (made(text).text, made(text).true) == (text, 1)


def test_what_follows_an_admonition_is_read_on():
    """The end of an admonition of MyST begins no block, and the end of a quote ends the quote's block."""
    block = "<!-- kshell: explain WA202 -->\n```text\nold\n```\n"
    document = made(f"````{{note}}\n{block}````\n\n{block}> ```sh\n> echo\n\n{block}")
    assert (document.blocks, document.errors) == (3, ())
    assert document.text.count(ANSWER) == 3


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.md", "> % kshell: nothing\n", "1:13"),
        ("a.md", "{/*\n  kshell: nothing\n*/}\n", "2:11"),
        ("a.rst", ".. kshell: nothing\n", "1:12"),
        ("a.rst", "..\n   kshell: nothing\n", "2:12"),
        ("a.adoc", "// kshell: nothing\n", "1:12"),
    ],
)
def test_the_error_of_a_command_is_at_its_first_character(name, text, place):
    """The place of a command's error is that of the command in its comment."""
    assert errors(text, name) == [f"{name}:{place}: 'nothing' is not allowed in a document"]


def test_a_comment_owns_a_literal_block_but_no_paragraph():
    """In reStructuredText a comment owns the block of a ``::`` alone; before a paragraph it gets a new block."""
    text = made(".. kshell: explain WA202\n\n::\n\n  old\n\nText::\n\n  kept\n", "a.rst").text
    assert text.startswith(f".. kshell: explain WA202\n\n::\n\n  {ANSWER}\n")
    assert "old" not in text
    text = made(".. kshell: explain WA202\n\nText::\n\n  kept\n", "a.rst").text
    assert text.startswith(f".. kshell: explain WA202\n\n.. code-block:: text\n\n   {ANSWER}\n")
    assert text.endswith("\nText::\n\n  kept\n")


RST = """Title
=====

.. kshell: explain WA202

.. code-block:: text
   :caption: An answer
   :linenos:

   old

   old

After it::

   .. kshell: explain WA202

- item

  .. kshell: explain
     WA202
  .. code-block:: text

     old
  after
"""
ADOC = """= Title

// kshell: explain WA202
.An answer
[source,text,linenums]
----
old
----

* item
+
// kshell: explain WA202
....
old
....

// kshell: explain WA202
```text
old
```
"""


@pytest.mark.parametrize(("text", "name", "blocks"), [(RST, "page.rst", 2), (ADOC, "page.adoc", 3)])
def test_the_other_formats_have_their_comments_and_blocks(text, name, blocks):
    """Their own comments own their own code blocks, and options, titles and attributes stay."""
    document = made(text, name)
    assert (document.errors, document.blocks, document.true) == ((), blocks, 0)
    assert document.text.count(ANSWER) == blocks
    kept = [line for line in text.split("\n") if "old" not in line]
    assert [line for line in document.text.split("\n") if line in kept and line][:99] == [line for line in kept if line]
    assert "old" not in document.text
    assert (made(document.text, name).text, made(document.text, name).true) == (document.text, blocks)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "a.rst",
            ".. kshell: explain WA202\n\nText.\n",
            ".. kshell: explain WA202\n\n.. code-block:: text\n\n   202 WA202",
        ),
        ("a.adoc", "// kshell: explain WA202\n\nText.\n", "// kshell: explain WA202\n[source,text]\n----\n202 WA202"),
    ],
)
def test_the_other_formats_get_a_new_block(name, before, after):
    """A comment without a block gets one in its format's form, once."""
    text = made(before, name).text
    assert text.startswith(after)
    assert text.endswith("\nText.\n")
    assert made(text, name).text == text


def test_a_delimiter_of_asciidoc_is_no_line_of_its_block():
    """A block whose output has a line ``----`` gets a longer delimiter."""
    from kshell.documents.asciidoc import AsciidocReader

    reader = AsciidocReader(["----", "----"])
    (block,) = reader.read()[1]
    assert reader.rewritten(block, "a\n----\n-----\n") == ["------", "a", "----", "-----", "------"]


# ---- what is not taken


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a.md", "<!-- kshell explain E110 -->\n", "1:1: a comment that begins with kshell, but without a colon"),
        ("a.md", "{/* kshell explain E110 */}\n", "1:1: a comment that begins with kshell, but without a colon"),
        ("a.md", "Text <!-- kshell: explain E110 -->\n", "1:6: a comment behind text"),
        ("a.md", "| a | <!-- kshell: pods --> |\n", "1:7: a comment behind text"),
        ("a.md", "[//]: # (kshell: pods)\n", "1:1: not a comment of this format"),
        ("a.md", "\n.. kshell: pods\n", "2:1: not a comment of this format"),
        ("a.mdx", "// kshell: pods\n", "1:1: not a comment of this format"),
        ("a.md", "{/* kshell: pods\n", "1:13: a comment without an end"),
        ("a.md", "> <!-- kshell: pods -->\n> ```\n> old\n\ntext\n", "1:16: the block below this comment has no end"),
        ("a.rst", "<!-- kshell: pods -->\n", "1:1: not a comment of this format"),
        ("a.rst", ".. kshell explain E110\n", "1:1: a comment that begins with kshell, but without a colon"),
        ("a.rst", "% kshell: pods\n", "1:1: not a comment of this format"),
        ("a.rst", ".. kshell: explain --table codes\n", "1:12: a table stands in a Markdown document only"),
        ("a.adoc", "////\nkshell: pods\n////\n", "2:1: a command in a comment block"),
        ("a.adoc", "////\n// kshell: pods\n////\n", "2:1: a command in a comment block"),
        ("a.adoc", "// kshell explain E110\n", "1:1: a comment that begins with kshell, but without a colon"),
        ("a.adoc", "<!-- kshell: pods -->\n", "1:1: not a comment of this format"),
        ("a.adoc", "// kshell: pods\n----\nold\n", "1:12: the block below this comment has no end"),
        ("a.adoc", "// kshell: pods\n[source,bash]\nold\n", "1:12: the block below this comment has no end"),
        ("a.adoc", "  // kshell: pods\n", "1:1: a comment behind blanks"),
    ],
)  # fmt: skip
def test_a_comment_that_is_not_taken_is_an_error_with_its_place(name, text, error):
    """What looks like a comment of kshell and is not taken is an error that says what to write."""
    assert errors(text, name) == [f"{name}:{error}"]
    assert made(text, name).text == text
    assert made(text, name).errors[0].hint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "A comment such as `<!-- kshell: pods -->` owns a block; ``{/* kshell: pods */}`` too.\n"),
        ("a.md", "# kshell: a shell\n\nkshell: it is 100% kshell: yes. See https://kshell: x // kshell: no\n"),
        ("a.md", "<!-- kshell-start -->\n<!-- about kshell: x -->\n<!-- note\nkshell: pods -->\n"),
        ("a.md", "```text\n<!-- kshell pods -->\n% kshell: pods\n```\n"),
        ("a.rst", ".. kshell:: pods\n\n.. code-block:: rst\n\n   .. kshell: pods\n\nkshell: x\n"),
        ("a.adoc", "----\n// kshell: pods\n----\n\n////\nkshell is a shell\n////\n\n/// kshell: x\n\nkshell: x\n"),
    ],
)
def test_other_text_is_no_comment(name, text):
    """Code in a line, code blocks, headings, prose and other comments are text."""
    assert errors(text, name) == []
    assert (made(text, name).text, made(text, name).blocks) == (text, 0)


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.md", "> ```bash\n> curl 'x\n> ```\n", 2),
        ("a.md", "```{code-block} bash\n:caption: x\n\ncurl 'x\n```\n", 4),
        ("a.rst", ".. code-block:: bash\n   :linenos:\n\n   curl 'x\n", 4),
        ("a.rst", "Type::\n\n  $ curl 'x\n", 3),
        ("a.adoc", "[source,bash]\n----\nKEY=x curl 'x\n----\n", 3),
        ("a.adoc", "```sh\ncurl 'x\n```\n", 2),
    ],
)
def test_curl_of_a_hand_is_checked_in_every_format(name, text, line):
    """A faulty curl command is found in the code blocks of each format."""
    (fault,) = made(text, name).faults
    assert (fault.place.line, fault.text.split(";")[0]) == (line, "a quote that is not closed")
    assert text.split("\n")[line - 1][fault.place.column - 1 :] == "'x"


# ---- privacy


@pytest.mark.parametrize("command", ["accounts", "accounts --json", "pods --json", "templates"])
def test_a_list_in_a_page_has_only_what_ships(write, monkeypatch, tmp_path, command):
    """A list shows no account, pod or template of the working directory or the user, and no folder of this machine."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    yaml = "pod: in\nsid: HX1698IN\napi_key: env:K\nphone_number: '+911234567890'\n"
    write("profiles/accounts/private.yaml", yaml)
    write("profiles/pods/private.yaml", "base_url: https://private.example\n")
    for folder in ("accounts", "pods"):
        (tmp_path / "config/kshell/profiles" / folder).mkdir(parents=True)
        (tmp_path / "config/kshell/profiles" / folder / "mine.yaml").write_text(yaml)
    text = made(f"<!-- kshell: {command} -->\n").text
    assert ("demo" in text) or ("sandbox" in text) or ("auth" in text)
    for private in ("private", "mine", "1698", str(PROJECT), str(tmp_path)):
        assert private not in text


def test_a_page_cannot_use_an_account_of_the_user(monkeypatch, tmp_path):
    """An account of the user's configuration is not known in a page: on another machine it would be missing."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "kshell/profiles/accounts"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("pod: in\nsid: HX1\napi_key: env:K\nphone_number: '+911234567890'\n")
    assert errors("<!-- kshell: accounts own -->\n") == ["page.md:1:14: there is no account 'own'"]


def test_a_page_has_the_same_account_on_every_machine(monkeypatch):
    """``KSHELL_ACCOUNT`` changes no page."""
    monkeypatch.setenv("KSHELL_ACCOUNT", "low-balance")
    assert "202 Accepted" in made("<!-- kshell: send to=+919812345678 otp=482913 2>&1 -->\n").text


def test_a_page_has_relative_paths(write):
    """The file of an account of the project is shown relative to the project's folder."""
    write("profiles/accounts/ours.yaml", "pod: in\nsid: HX1\napi_key: env:K\nphone_number: '+911234567890'\n")
    text = made("<!-- kshell: accounts ours -->\n").text
    assert " profiles/accounts/ours.yaml\n" in text
    assert os.getcwd() not in text


# ---- folders, patterns, counts


def test_folders_and_patterns_are_taken(cli, write):
    """``docs`` takes the documents below a folder, without hidden folders and packages, and those of a pattern."""
    for name in (
        "docs/a.md",
        "docs/b/c.rst",
        "docs/.git/x.md",
        "docs/node_modules/x.md",
        "docs/x.txt",
        "pages/p.adoc",
        "pages/q.md",
    ):
        comment = {"rst": ".. kshell: explain WA202\n", "adoc": "// kshell: explain WA202\n"}
        write(name, comment.get(name.rpartition(".")[2], "<!-- kshell: explain WA202 -->\n"))
    write("docs/none.md", "# Nothing\n")
    ran = cli("docs", "docs", "pages/*.adoc")
    assert ran.err == (
        "docs/a.md: 1 block, rewritten\ndocs/b/c.rst: 1 block, rewritten\npages/p.adoc: 1 block, rewritten\n"
    )
    ran = cli("docs", "--check", "docs/", "**/*.adoc", "pages/q.md")
    assert (ran.code, ran.err) == (
        1,
        "error: pages/q.md is stale\nhint: kshell docs pages/q.md\n5 files: 3 of 4 blocks are true\n",
    )


@pytest.mark.parametrize("ending", sorted(READERS))
def test_any_lines_are_read_once(ending):
    """Each line of a document belongs to at most one comment or block, whatever the lines are."""
    from itertools import product

    parts = [
        "",
        "```",
        "----",
        "// kshell: pods",
        ".. kshell: pods",
        "<!-- kshell: pods -->",
        "   x::",
        "[a]",
        "    x",
        "> ```{note}",
    ]
    for lines in product(parts, repeat=3):
        comments, blocks, _ = READERS[ending](list(lines)).read()
        spans = [(it.line, it.end) for it in comments] + [(it.start, it.end) for it in blocks]
        spans += [(it.block.start, it.block.end) for it in comments if it.block]
        taken = [number for start, end in spans for number in range(start, end)]
        assert len(taken) == len(set(taken))
        assert all(number < 3 for number in taken)


SAMPLE_FILES = sorted(path.name for path in SAMPLES.glob("*")) if SAMPLES.is_dir() else []


def test_every_format_has_a_sample():
    """There is a sample for Markdown, MDX, reStructuredText and AsciiDoc."""
    assert {Path(name).suffix for name in SAMPLE_FILES} == {".md", ".mdx", ".rst", ".adoc"}


@pytest.mark.parametrize("name", SAMPLE_FILES)
def test_a_sample_is_true(name):
    """The sample of each format is kept true, and ``docs`` makes it from the same page without its blocks."""
    text = (SAMPLES / name).read_text(encoding="utf-8")
    document = made(text, name)
    assert (document.text, document.errors, document.faults) == (text, (), ())
    assert document.true == document.blocks >= 3
