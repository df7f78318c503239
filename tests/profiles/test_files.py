"""Files: which file a name refers to, how it is read, and how a file is written."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from kshell.core.errors import ProfileError, SetupError, TemplateError, UsageError
from kshell.core.models import Origin
from kshell.profiles.files import MOST_BYTES, Places, read_text, shipped_folder, shown, user_folder, write_private

POD = "title: {title}\nbase_url: http://127.0.0.1:1\n"


@pytest.fixture
def folders(tmp_path):
    """Return a function that makes four folders with the given pods: ``folders(home=["a"])``."""

    def made(**pods: list[str]) -> Places:
        for place, names in pods.items():
            inside = tmp_path / place / "profiles" / "pods"
            inside.mkdir(parents=True)
            for name in names:
                (inside / f"{name}.yaml").write_text(POD.format(title=place))
        home = tmp_path / "home" if "home" in pods else None
        return Places(home, tmp_path / "here", tmp_path / "user", tmp_path / "shipped")

    return made


@pytest.mark.parametrize(
    ("pods", "place"),
    [
        ({"home": ["p"], "here": ["p"], "user": ["p"], "shipped": ["p"]}, "home"),
        ({"here": ["p"], "user": ["p"], "shipped": ["p"]}, "here"),
        ({"user": ["p"], "shipped": ["p"]}, "user"),
        ({"shipped": ["p"]}, "shipped"),
        ({"home": [], "here": ["p"], "user": ["p"]}, "user"),
    ],
)
def test_the_nearest_file_of_a_name_is_meant(folders, pods, place):
    """A name is found in the home or else the working directory, then the user's folder, then the shipped one."""
    places = folders(**pods)
    assert places.find("pod", "p").place == place
    assert places.names("pod")["p"] == places.find("pod", "p")


def test_names_are_listed_once_each_and_sorted(folders):
    """Each name of all folders is listed once, sorted, with its nearest file."""
    names = folders(here=["b", "a"], user=["c", "a"]).names("pod")
    assert [(name, origin.place) for name, origin in names.items()] == [("a", "here"), ("b", "here"), ("c", "user")]


@pytest.mark.parametrize(
    "file", [".yaml", ".hidden.yaml", "-a.yaml", "a b.yaml", "a.yml", "a.yaml~", "é.yaml", "a\n.yaml"]
)
def test_a_file_whose_name_cannot_be_typed_is_not_listed(folders, tmp_path, file):
    """A file whose name is not a valid name, such as an editor's backup, is not listed."""
    places = folders(here=["p"])
    (tmp_path / "here/profiles/pods" / file).write_text(POD)
    assert list(places.names("pod")) == ["p"]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../p", "./p", "/etc/passwd", "a/b", "a\\b", "p\n", "\np", "p\0", "p.yaml/..", "-p", "p p", "~", "é",
     "*", "x" * 5000],
)  # fmt: skip
def test_a_name_never_leaves_its_folder(folders, tmp_path, name):
    """A name with anything but letters, digits, ``_``, ``.`` and ``-`` is unknown, so it cannot lead out of the folder."""
    places = folders(here=["p"])
    (tmp_path / "here" / "profiles" / "p.yaml").write_text(POD)
    with pytest.raises(ProfileError) as caught:
        places.find("pod", name)
    assert caught.value.message == f"there is no pod {name!r}"


def test_a_name_that_means_nothing_is_an_error_that_lists_what_there_is(folders):
    """The error for an unknown name has a did-you-mean, the known names and the path of a new file."""
    with pytest.raises(ProfileError) as caught:
        folders(here=["sandbox", "in"]).find("pod", "sandbx")
    assert caught.value.hint == ("did you mean sandbox? pods: in, sandbox; a new one is a file profiles/pods/NAME.yaml")


def test_a_missing_template_is_a_template_error(folders):
    """An unknown template is a TemplateError whose hint names the path of a new template."""
    with pytest.raises(TemplateError, match="there is no template 'a'") as caught:
        folders(here=[]).find("template", "a")
    assert caught.value.hint == "templates: none; a new one is a file templates/NAME.json.j2"


# ---- the standard places


def test_the_standard_places_are_the_working_directory_the_user_s_and_what_ships(monkeypatch, tmp_path):
    """Without ``--home`` and KSHELL_HOME there is no home, and the user's folder follows XDG_CONFIG_HOME."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert Places.standard() == Places(None, Path.cwd(), tmp_path / "config" / "kshell", shipped_folder())


def test_home_is_the_option_then_the_environment(monkeypatch, tmp_path):
    """``--home`` takes precedence over KSHELL_HOME, and an empty KSHELL_HOME gives no home."""
    monkeypatch.setenv("KSHELL_HOME", str(tmp_path))
    assert Places.standard().home == tmp_path
    (tmp_path / "other").mkdir()
    assert Places.standard(str(tmp_path / "other")).home == tmp_path / "other"
    monkeypatch.setenv("KSHELL_HOME", "")
    assert Places.standard().home is None


def test_a_home_that_is_no_directory_is_a_usage_error(cli):
    """``--home`` with a path that is not a directory is a usage error, exit code 2."""
    ran = cli("--home", "nowhere", "pods")
    assert ran.code == 2
    assert "error: nowhere is not a directory\nhint: --home and KSHELL_HOME name a folder with profiles/" in ran.err


def test_a_working_directory_that_is_gone_is_a_usage_error(cli, monkeypatch, tmp_path):
    """A removed working directory is a usage error, exit code 2."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ran = cli("pods")
    monkeypatch.chdir(tmp_path)
    assert ran.code == 2
    assert "error: there is no working directory: No such file or directory" in ran.err


def test_an_installed_kshell_has_what_ships_beside_its_modules(monkeypatch, tmp_path):
    """Shipped files are in ``shipped/`` beside the modules, or at the top level of a checkout."""
    from kshell.profiles import files

    monkeypatch.setattr(files, "__file__", str(tmp_path / "kshell" / "profiles" / "files.py"))
    assert shipped_folder() == tmp_path
    (tmp_path / "kshell" / "shipped").mkdir(parents=True)
    assert shipped_folder() == tmp_path / "kshell" / "shipped"


def test_in_a_checkout_the_working_directory_is_what_ships(monkeypatch):
    """At the top level of kshell's checkout the profiles are shipped ones and need no trust."""
    monkeypatch.chdir(shipped_folder())
    places = Places.standard()
    assert places.find("pod", "in").place == "shipped"
    assert not places.introduced_here(places.find("pod", "in"))


def test_a_copy_of_a_shipped_file_in_the_working_directory_is_the_shipped_one(folders, tmp_path):
    """A file with the name and bytes of a shipped file counts as the shipped file."""
    places = folders(here=[], shipped=["p"])
    shipped = tmp_path / "shipped/profiles/pods/p.yaml"
    (tmp_path / "here/profiles/pods/p.yaml").write_bytes(shipped.read_bytes())
    assert places.find("pod", "p") == places.names("pod")["p"] == Origin(shipped, "shipped")
    assert not places.introduced_here(places.find("pod", "p"))


def test_a_copy_of_a_shipped_file_does_not_hide_the_user_s_own(folders, tmp_path):
    """The user's file takes precedence over a copy of the shipped file in the working directory."""
    places = folders(here=[], user=["p"], shipped=["p"])
    (tmp_path / "here/profiles/pods/p.yaml").write_bytes((tmp_path / "shipped/profiles/pods/p.yaml").read_bytes())
    assert places.find("pod", "p").place == places.names("pod")["p"].place == "user"


def one_byte_more(copy: Path, shipped: Path) -> None:
    """Write the shipped text and one more line end."""
    copy.write_bytes(shipped.read_bytes() + b"\n")


def one_byte_less(copy: Path, shipped: Path) -> None:
    """Write the shipped text without its last line end."""
    copy.write_bytes(shipped.read_bytes()[:-1])


def another_byte(copy: Path, shipped: Path) -> None:
    """Write another text with the length and times of the shipped file."""
    copy.write_bytes(shipped.read_bytes().replace(b"127.0.0.1", b"127.0.0.2"))
    shutil.copystat(shipped, copy)


def another_name(copy: Path, shipped: Path) -> None:
    """Write the bytes of another shipped file."""
    copy.write_bytes(shipped.with_name("q.yaml").read_bytes())


@pytest.mark.parametrize(
    "make", [one_byte_more, one_byte_less, another_byte, another_name], ids=lambda make: make.__name__
)
def test_a_file_that_is_nearly_a_shipped_one_is_the_working_directory_s(folders, tmp_path, make):
    """A file that differs from the shipped one in a byte belongs to the working directory and needs trust."""
    places = folders(here=[], shipped=["p", "q"])
    shipped = tmp_path / "shipped/profiles/pods"
    (shipped / "q.yaml").write_text("base_url: https://q.example\n")
    make(tmp_path / "here/profiles/pods/p.yaml", shipped / "p.yaml")
    assert places.find("pod", "p").place == places.names("pod")["p"].place == "here"
    assert places.introduced_here(places.find("pod", "p"))


def test_what_is_no_file_is_not_compared_with_a_shipped_one(folders, tmp_path):
    """A FIFO with a shipped name is not read for the comparison and belongs to the working directory."""
    places = folders(here=[], shipped=["p"])
    os.mkfifo(tmp_path / "here/profiles/pods/p.yaml")
    assert places.find("pod", "p").place == "here"


@pytest.mark.parametrize(
    ("home", "introduced"),
    [(None, True), ("here", True), ("here/below", True), ("link-to-here", True), ("elsewhere", False)],
)
def test_what_the_working_directory_brought_in_is_known(tmp_path, home, introduced):
    """A file of the working directory is known as such, also if it is found through ``--home`` or a link."""
    for folder in ("here/profiles/pods", "here/below/profiles/pods", "elsewhere/profiles/pods"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "p.yaml").write_text(POD)
    (tmp_path / "link-to-here").symlink_to(tmp_path / "here")
    places = Places(tmp_path / home if home else None, tmp_path / "here", tmp_path / "user", tmp_path / "shipped")
    assert places.introduced_here(places.find("pod", "p")) is introduced


def test_the_user_s_own_files_were_not_brought_in(folders):
    """Files of the user's folder and shipped files do not count as the working directory's."""
    places = folders(user=["p"], shipped=["q"])
    assert not places.introduced_here(places.find("pod", "p"))
    assert not places.introduced_here(places.find("pod", "q"))


def test_a_path_is_shown_from_the_working_directory(tmp_path):
    """A path below the working directory is shown relative to it, and any other path absolute."""
    assert shown(Path.cwd() / "profiles" / "a.yaml") == "profiles/a.yaml"
    assert shown(tmp_path / "a.yaml") == str(tmp_path / "a.yaml")


# ---- reading


@pytest.mark.parametrize(
    ("raw", "text"), [(b"a\r\nb", "a\r\nb"), (b"\xef\xbb\xbfa", "a"), (b"", ""), ("é😀".encode(), "é😀")]
)
def test_utf8_is_read_with_or_without_a_bom(write, raw, text):
    """A byte order mark is dropped, and line ends are kept."""
    assert read_text(write("a.yaml", raw), ProfileError) == text


def directory(path: Path) -> None:
    """Make a directory in place of a file."""
    path.mkdir()


def device(path: Path) -> None:
    """Make a link to an endless device."""
    path.symlink_to("/dev/zero")


UNREADABLE = {
    "a directory": (directory, "a.yaml is a directory", "put a text file in its place"),
    "a FIFO": (os.mkfifo, "a.yaml is not a regular file", "put a text file in its place"),
    "a device": (device, "a.yaml is not a regular file", "put a text file in its place"),
    "a dangling link": (lambda path: path.symlink_to("nowhere"), "a.yaml cannot be read: No such file", "ls -l a.yaml"),
    "a link to itself": (lambda path: path.symlink_to(path), "a.yaml cannot be read: Too many levels", "ls -l a.yaml"),
    "256 KiB and a byte": (
        lambda path: path.write_bytes(b"#" * (MOST_BYTES + 1)),
        "a.yaml is larger than 256 KiB",
        "a page",
    ),
    "two megabytes": (lambda path: path.write_bytes(b"#" * 2_000_000), "a.yaml is larger than 256 KiB", "a page"),
    "Latin-1": (lambda path: path.write_bytes(b"a: b\nc: \xe9\n"), "not UTF-8: byte 0xe9", "save the file as UTF-8"),
    "UTF-16": (
        lambda path: path.write_bytes("a: b".encode("utf-16")),
        "not UTF-8: byte 0xff",
        "save the file as UTF-8",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_text_file_is_one_clear_error(case):
    """A path that is not a UTF-8 text file of at most 256 KiB is refused at once, with a hint."""
    make, message, hint = UNREADABLE[case]
    make(Path("a.yaml").absolute())
    with pytest.raises(ProfileError) as caught:
        read_text(Path("a.yaml"), ProfileError)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


def test_a_page_of_256_kib_is_read(write):
    """A file of exactly 256 KiB is read."""
    assert len(read_text(write("a.yaml", "#" * MOST_BYTES), ProfileError)) == MOST_BYTES


def test_a_byte_that_is_not_utf8_is_located(write):
    """The error for a byte that is not UTF-8 has its line and column."""
    with pytest.raises(ProfileError) as caught:
        read_text(write("a.yaml", b"a: b\nc: \xe9\n"), ProfileError)
    assert str(caught.value.at) == "a.yaml:2:4"


def test_a_byte_order_mark_moves_no_position(write):
    """The error for a byte that is not UTF-8 names that byte and its place in a file with a byte order mark too."""
    with pytest.raises(ProfileError, match="byte 0xe9") as caught:
        read_text(write("a.yaml", b"\xef\xbb\xbfa: b\nc: \xe9\n"), ProfileError)
    assert str(caught.value.at) == "a.yaml:2:4"


def test_a_file_that_may_not_be_read_is_one_clear_error(write, monkeypatch):
    """A file without read permission is an error with the system's message and a command that shows its mode."""
    file = write("a.yaml", "a: b")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(TemplateError, match=r"a\.yaml cannot be read: Permission denied") as caught:
        read_text(file, TemplateError)
    assert caught.value.hint == "ls -l a.yaml"


# ---- writing


def mode(path: Path) -> int:
    """Return the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_written_file_is_the_owner_s_alone(tmp_path):
    """A written file has mode 0600 and each new directory 0700, whatever the umask."""
    former = os.umask(0)
    try:
        write_private(tmp_path / "a" / "b" / "c", "é\n")
    finally:
        os.umask(former)
    assert (tmp_path / "a/b/c").read_text(encoding="utf-8") == "é\n"
    assert [mode(tmp_path / path) for path in ("a", "a/b", "a/b/c")] == [0o700, 0o700, 0o600]


def test_a_directory_that_was_there_keeps_its_mode(tmp_path):
    """An existing directory keeps its mode, and a replaced file gets mode 0600."""
    tmp_path.chmod(0o755)
    (tmp_path / "c").write_text("before")
    (tmp_path / "c").chmod(0o644)
    write_private(tmp_path / "c", "after")
    assert (mode(tmp_path), mode(tmp_path / "c")) == (0o755, 0o600)
    assert (tmp_path / "c").read_text() == "after"


def test_a_link_stays_a_link(tmp_path):
    """Writing through a link writes its target, also a missing one, and keeps the link."""
    for name in ("there", "missing"):
        (tmp_path / name).symlink_to(tmp_path / "elsewhere" / name)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "there").write_text("before")
    for name in ("there", "missing"):
        write_private(tmp_path / name, "after")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "elsewhere" / name).read_text() == "after"


def test_what_is_no_file_is_written_to(tmp_path):
    """Writing to a FIFO gives its reader the text and keeps the FIFO."""
    os.mkfifo(tmp_path / "fifo")
    reader = subprocess.Popen(["cat", tmp_path / "fifo"], stdout=subprocess.PIPE)
    write_private(tmp_path / "fifo", "text")
    assert reader.communicate(timeout=60)[0] == b"text"
    assert (tmp_path / "fifo").is_fifo()


@pytest.mark.parametrize("text", ["\ud800", "after"])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch, text):
    """If writing fails, the former file is unchanged and no other file is left."""

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "sub").mkdir()
    file = tmp_path / "sub" / "c"
    file.write_text("before")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises((KeyboardInterrupt, UnicodeEncodeError)):
        write_private(file, text)
    assert [path.name for path in file.parent.iterdir()] == ["c"]
    assert file.read_text() == "before"


def test_where_nothing_can_be_written_is_one_clear_error(tmp_path):
    """A path that cannot be written is a SetupError with the system's message."""
    (tmp_path / "c").write_text("")
    with pytest.raises(SetupError, match=r"cannot be written: (Not a directory|File exists)"):
        write_private(tmp_path / "c" / "d", "text")


def test_a_usage_error_of_places_is_no_setup_error():
    """A wrong ``--home`` raises a UsageError."""
    with pytest.raises(UsageError):
        Places.standard("nowhere")


def test_the_user_s_folder_is_below_the_configuration_directory(monkeypatch):
    """The user's folder is ``$XDG_CONFIG_HOME/kshell``."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    assert user_folder() == Path("/config/kshell")
