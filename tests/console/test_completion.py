"""Completion in the shell: offers come from the commands' definitions, each with help, and match fuzzily."""

from __future__ import annotations

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from support.registered import COMMANDS

from kshell.api.authentication.fields import LANGUAGES, WA_SOURCES
from kshell.api.regions import COUNTRIES, LANGUAGE_NAMES, TERRITORY_NAMES, language_name
from kshell.console import completion
from kshell.console.caller import Caller
from kshell.profiles.files import Places
from kshell.profiles.profiles import load_account
from kshell.session.session import Session
from kshell.shell.completer import CommandCompleter
from kshell.syntax.lines import Line, split


@pytest.fixture
def session() -> Session:
    """Return a new session."""
    return Session(Places.standard())


@pytest.fixture
def offers(session):
    """Return a function that gives what is offered after a text, as {display: help}."""

    def found(text: str) -> dict[str, str]:
        event = CompleteEvent(text_inserted=True)
        completions = CommandCompleter(session).get_completions(Document(text), event)
        return {completion.display_text: completion.display_meta_text for completion in completions}

    return found


@pytest.mark.parametrize(
    ("text", "offer", "help_"),
    [
        ("se", "send", "Send the message"),
        ("help cu", "curl", "Print the request as a curl command"),
        ("send t", "to=", "the recipient in E.164 form"),
        ("send wa_source=zap", "zapier", "a source the API knows"),
        ("set language=en_I", "en_IN", "English, India"),
        ("send to=+9", "+91", "India"),
        ("send to=+919812345678,+4", "+44", "United Kingdom"),
        ("send index=", "9", "the button's position"),
        ("send template_name=", "auth1", "the current value"),
        ("send -a low", "low-balance", "The account's balance is too low"),
        ("send --acc", "--account", "Send as this account"),
        ("send --account=low", "low-balance", "The account's balance is too low"),
        ("send -p e", "eu", "Europe"),
        ("curl -t au", "auth", "An authentication message with a button"),
        ("use p", "pod", ""),
        ("use pod s", "sg", "Singapore"),
        ("accounts de", "demo", "Every message is accepted"),
        ("explain E1", "E110", "Low balance"),
        ("explain 1310", "131026", "Undeliverable"),
        ("explain deli", "delivered", "On the phone"),
        ("explain otp-l", "otp-length", "A code has at most 15 characters"),
        ("explain to_n", "to_number", "The recipient in E.164 form"),
        ("otp ", "new", "generate one"),
        ("send --allow otp", "otp-twice", "The body and the button"),
        ("trigger fai", "failed", "Not delivered"),
        ("run --report j", "junit=", ""),
        ("run --report ta", "tap", ""),
        ("expect stat", "statuses", "what came of it"),
        ("expect status == 202 and phone.c", "phone.code", "what came of it"),
        ("expect not li", "live", "where the last message went"),
    ],
)
def test_what_can_stand_there_is_offered_with_a_word_of_help(offers, text, offer, help_):
    """Completion offers names, options, variables and values, each with its help."""
    assert offers(text)[offer].startswith(help_)


def test_matching_is_fuzzy_and_the_tightest_match_is_first(offers):
    """Completion matches with characters left out between those typed, and puts the tightest match first."""
    assert next(iter(offers("use account lbl"))) == "low-balance"
    assert next(iter(offers("send wa_source=api"))) == "api"
    assert "zapier" in offers("send wa_source=api")


def test_a_variable_that_the_line_sets_is_not_offered_again(offers):
    """A variable that the line already sets is not offered again."""
    assert "to=" not in offers("send to=+919812345678 ")
    assert "otp=" in offers("send to=+919812345678 ")


APPROVED = "pod: sandbox\nsid: HX1IN\nphone_number: '+911234567890'\napi_key: env:K\napproved: {login: [hi, en], auth1: [de]}\n"


def test_approved_templates_are_offered_with_their_languages(offers, write):
    """For an account that lists its approved templates, names and languages are offered from that list."""
    write("profiles/accounts/mine.yaml", APPROVED)
    assert offers("send -a mine template_name=") == {"auth1": "approved in de", "login": "approved in hi, en"}
    assert [*offers("send -a mine template_name=login language=")] == ["hi", "en"]
    assert {*offers("send -a mine language=")} == {"hi", "en", "de"}


def test_variables_are_those_of_the_line_s_template(offers, write):
    """The variables offered are those of the template that ``-t`` names in the line."""
    write("templates/mine.json.j2", '{# variables: {colour: {help: "of the sky"}} #}\n{"x": "{{ colour }}"}\n')
    assert offers("render -t mine c") == {"colour=": "of the sky (required)"}


def test_earlier_exchanges_are_offered_by_number(offers, session):
    """``last`` is offered the numbers of earlier exchanges with their status."""
    from kshell.console.dispatch import perform_line

    perform_line("send to=+919812345678", Caller(session, "shell"))
    assert offers("last ")["1"].startswith("202 Accepted")


def test_set_variables_are_offered_to_unset(offers, session):
    """``unset`` is offered the variables that are set, with their values."""
    session.set("ref", "customer")
    assert offers("unset ") == {"ref": "customer (set)"}


@pytest.mark.parametrize("text", ["nothing ", "send {{ x", "send \\", "use ", "send nope=", "curl | he", "a 'b"])
def test_nothing_raises(offers, text):
    """Completion of a line that cannot be read raises nothing."""
    offers(text)


def test_a_broken_profile_offers_the_rest(offers, write):
    """A broken account is offered with its error as help, and the other accounts are offered too."""
    write("profiles/accounts/broken.yaml", "pod: [\n")
    found = offers("use account ")
    assert "demo" in found
    assert "not YAML" in found["broken"]


def test_what_a_file_says_is_harmless_in_the_menu(offers, write):
    """Control characters of a title are escaped in the completion menu."""
    write("profiles/pods/odd.yaml", 'base_url: https://x.example\ntitle: "a\\x1b[2J\\u009bb"\n')
    assert offers("pods odd")["odd"] == "a\\x1b[2J\\x9bb"


def test_a_value_is_harmless_in_the_menu(offers, session):
    """Control characters of a variable's value are escaped in the completion menu."""
    session.set("template_name", "a\x1b[2J\u202eb")
    assert any("a\\x1b[2J\\u202eb" in offer for offer in offers("send template_name="))


@pytest.mark.parametrize("text", ["unset ", "expect template_na"])
def test_the_help_of_a_value_is_harmless_in_the_menu(offers, session, text):
    """A value that is shown as help is escaped once; what looks like an escape already stays."""
    session.set("template_name", "a\x1b[2J\n\\x1b")
    assert offers(text)["template_name"].removesuffix(" (set)") == "a\\x1b[2J\\n\\x1b"


def test_an_offer_is_one_word_of_the_line(session):
    """An offered value with a space is quoted so that ``split`` reads it as one word."""
    session.set("template_name", "my 'own' one")
    (offer,) = CommandCompleter(session).get_completions(Document("send template_name="), CompleteEvent())
    (word,) = split(offer.text)
    assert Line("line", 1, (offer.text,)).expanded(word, {}) == "template_name=my 'own' one"


def test_files_are_offered_behind_a_greater_than(offers, write):
    """After ``>`` completion offers the files of the folder."""
    write("payload.json", "{}")
    assert "payload.json" in offers("render > pay")


def test_a_file_whose_name_would_turn_the_line_round_is_not_offered(offers, write):
    """A file with a bidi control character in its name is not offered."""
    write("pay\u202eload.json", "{}")
    write("payload.json", "{}")
    assert list(offers("render > pay")) == ["payload.json"]


@pytest.mark.parametrize(
    "text", ["docs gui", "import gui", "source gui", "run gui", "run --rows gui", "explain --from gui"]
)
def test_files_are_offered_where_a_file_is_named(offers, write, text):
    """An argument or option that names a file is completed with the files of the folder."""
    write("guide.md", "")
    assert list(offers(text)) == ["guide.md"]


def test_every_command_of_the_shell_completes(offers):
    """Every command of the shell is offered with help, and so are its options."""
    for name in (name for name, entry in COMMANDS.items() if "shell" in entry.frontends):
        assert offers(name)[name], name
        assert all(offers(f"{name} -").values()), name


def test_every_dialling_code_has_its_country():
    """Every country calling code that the phone library knows has a country name in kshell."""
    import phonenumbers

    codes = {str(code) for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items() if regions != ("001",)}
    assert codes == set(COUNTRIES)


def test_every_language_has_its_words():
    """The language and the territory of each WhatsApp language code have a name."""
    parts = [code.partition("_") for code in LANGUAGES]
    assert {language for language, _, _ in parts} <= {*LANGUAGE_NAMES}
    assert {territory for _, _, territory in parts if territory} <= {*TERRITORY_NAMES}
    assert [code for code in LANGUAGES if not language_name(code)[0].isupper()] == []


def test_the_sources_are_those_of_the_fields(offers):
    """Completion offers for ``wa_source`` the values that the rule accepts."""
    assert tuple(offers("send wa_source=")) == WA_SOURCES


def test_a_title_is_read_again_only_if_its_file_has_changed(offers, write, monkeypatch):
    """A key that is typed reads no account whose file is as it was; a changed file gives its new title."""
    body = "pod: sandbox\nsid: HXAP1\napi_key: env:MINE\nphone_number: +911234567890\n"
    write("profiles/accounts/mine.yaml", f"title: One\n{body}")
    assert offers("use account mi")["mine"] == "One"
    write("profiles/accounts/mine.yaml", f"title: Other\n{body}")
    read = []
    monkeypatch.setitem(
        completion.LOADERS, "account", lambda places, name: read.append(name) or load_account(places, name)
    )
    assert [offers("use account mi")["mine"] for _ in range(3)] == ["Other"] * 3
    assert read == ["mine"]
