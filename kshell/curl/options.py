"""Parse the options of a curl command by curl's manual, and find those that a message cannot express."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from kshell.api.request import header_names
from kshell.core.endpoint import Endpoint
from kshell.curl.words import DASHES, Oddity, Word

BODIES = ("--data", "--data-raw", "--data-binary", "--data-ascii", "--json")

# every option of curl 7.1 to 8.17 from its manual and its source, a removed one too: LETTER/NAME, with = if it takes a value
_TABLE = """
3p-quote= 3p-url= 3p-user= abstract-unix-socket= alpn alt-svc= anyauth a/append aws-sigv4= basic N/buffer ca-native cacert=
capath= E/cert= cert-status cert-type= ciphers= clobber compressed compressed-ssh K/config= connect-timeout= connect-to=
C/continue-at= b/cookie= c/cookie-jar= create-dirs create-file-mode= crlf crlfile= curves= d/data= data-ascii= data-binary=
data-raw= data-urlencode= delegation= digest q/disable disable-eprt disable-epsv disallow-username-in-url dns-interface=
dns-ipv4-addr= dns-ipv6-addr= dns-servers= doh-cert-status doh-insecure doh-url= dump-ca-embed D/dump-header= ech= egd-file=
engine= environment eprt epsv etag-compare= etag-save= expect100-timeout= f/fail fail-early fail-with-body false-start
follow F/form= form-escape form-string= ftp-account= ftp-alternative-to-user= ftp-ascii ftp-create-dirs ftp-method= ftp-pasv
P/ftp-port= ftp-pret ftp-skip-pasv-ip ftp-ssl ftp-ssl-ccc ftp-ssl-ccc-mode= ftp-ssl-control ftp-ssl-reqd ftpport= G/get
g/globoff happy-eyeballs-timeout-ms= haproxy-clientip= haproxy-protocol I/head H/header= h/help hostpubmd5= hostpubsha256=
hsts= http-request= http0.9 0/http1.0 http1.1 http2 http2-prior-knowledge http2.0 http3 http3-only ignore-content-length
i/include k/insecure interface= ip-tos= ipfs-gateway= 4/ipv4 6/ipv6 json= j/junk-session-cookies keepalive keepalive-cnt=
keepalive-time= key= key-type= knownhosts= krb= krb4= libcurl= limit-rate= l/list-only local-port= L/location
location-trusted login-options= mail-auth= mail-from= mail-rcpt= mail-rcpt-allowfails M/manual max-filesize= max-redirs=
m/max-time= metalink mptcp negotiate n/netrc netrc-file= netrc-optional :/next noproxy= npn ntlm ntlm-wb oauth2-bearer=
out-null o/output= output-dir= Z/parallel parallel-immediate parallel-max= parallel-max-host= pass= path-as-is pinnedpubkey=
port= post301 post302 post303 preproxy= #/progress-bar progress-meter proto= proto-default= proto-redir= x/proxy=
proxy-anyauth proxy-basic proxy-ca-native proxy-cacert= proxy-capath= proxy-cert= proxy-cert-type= proxy-ciphers=
proxy-crlfile= proxy-digest proxy-header= proxy-http2 proxy-insecure proxy-key= proxy-key-type= proxy-negotiate proxy-ntlm
proxy-pass= proxy-pinnedpubkey= proxy-service-name= proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tls13-ciphers=
proxy-tlsauthtype= proxy-tlspassword= proxy-tlsuser= proxy-tlsv1 U/proxy-user= proxy1.0= p/proxytunnel pubkey= Q/quote=
random-file= r/range= rate= raw e/referer= J/remote-header-name O/remote-name remote-name-all R/remote-time remove-on-error
X/request= request-target= resolve= retry= retry-all-errors retry-connrefused retry-delay= retry-max-time= sasl-authzid=
sasl-ir service-name= sessionid S/show-error sigalgs= s/silent skip-existing socks4= socks4a= socks5= socks5-basic
socks5-gssapi socks5-gssapi-nec socks5-gssapi-service= socks5-hostname= Y/speed-limit= y/speed-time= ssl ssl-allow-beast
ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort ssl-sessions= 2/sslv2 3/sslv3 stderr= styled-output
suppress-connect-headers tcp-fastopen tcp-nodelay t/telnet-option= telnet-options= test-event tftp-blksize= tftp-no-options
z/time-cond= tls-earlydata tls-max= tls13-ciphers= tlsauthtype= tlspassword= tlsuser= 1/tlsv1 tlsv1.0 tlsv1.1 tlsv1.2
tlsv1.3 tr-encoding trace= trace-ascii= trace-config= trace-ids trace-time unix-socket= T/upload-file= upload-flags= url=
url-query= B/use-ascii u/user= A/user-agent= variable= v/verbose V/version vlan-priority= w/write-out= xattr
"""
_NAMES = [f"--{entry.rpartition('/')[2]}" for entry in _TABLE.split()]
_VALUED = frozenset(name[:-1] for name in _NAMES if name[-1] == "=")
_FLAGS = frozenset(name for name in _NAMES if name[-1] != "=")
_SHORT = {entry[0]: name.rstrip("=") for entry, name in zip(_TABLE.split(), _NAMES, strict=True) if entry[1] == "/"}
_LONG = sorted(_VALUED | _FLAGS)
_STRIPPED = ("--data", "--data-ascii")  # without the line breaks of a file
# options that do not change the request, or that browsers and Postman always write
_HARMLESS = {
    "--location", "--silent", "--show-error", "--include", "--verbose", "--globoff", "--fail", "--progress-bar",
    "--compressed", "--http1.1", "--http2", "--fail-with-body", "--output", "--write-out", "--max-time", "--connect-timeout",
    "--user-agent", "--dump-header", "--stderr", "--max-redirs", "--disable", "--buffer", "--ipv4", "--ipv6",
}  # fmt: skip
_HARMLESS_HEADERS = {"accept", "user-agent", "content-length", "host"}

# a placeholder for a value in a document: <sid>, [sid], {{sid}}, {sid}, ${SID}, $SID, %SID%, YOUR_SID
STAND_IN = re.compile(
    r"<[A-Za-z][\w -]*>|\[[A-Za-z][\w -]*\]|\{\{[^{}]*\}\}|\$?\{\w+\}|\$[A-Za-z_]\w*|%[A-Za-z_]\w+%|\b(?:YOUR|MY)[_-]\w+"
)
# an escape of JSON, or one that Postman writes in double quotes and JSON does not have
POSTMAN = re.compile(r'(\\[\\"/bfnrtu])|\\([$#!`])')

# "{"… : the second quote ends what the first began
EATEN = re.compile(r'[^\'"\\]*"\s*\{\s*"')
EATEN_SAYS = ("double quotes around the payload, which end at the first one in it", "use single quotes: '{…}'")
FORMS = ("--form", "--data-urlencode")
DASH_SAYS = ("a typographic dash before an option", "write - before a letter and -- before a name")
TYPOGRAPHIC = "typographic dash"  # in place of an option's name: its word has one
_DASHED = re.compile(rf"-?[{DASHES}][-{DASHES}]*(?=\w)")

Options = list[tuple[str, Word]]


def parse(words: tuple[Word, ...], stdin: Word | None = None) -> Options:
    """Return every option as (long name, value). The URL is ``--url``. An option without a value has its own word.

    ``stdin`` is the text that the shell gives to curl, which a body ``@-`` stands for.
    """
    options: Options = []
    rest = iter(words)
    for word in rest:
        if dashes := _DASHED.match(word.raw):
            options.append((TYPOGRAPHIC, word))
            word = word._replace(text=_with_hyphens(word.text[dashes.end() :], len(dashes[0])))  # noqa: PLW2901
        if word.text == "--":
            options += [("--url", url) for url in rest]
        for name, attached in _named(word):
            value = word._replace(text=attached) if attached else word
            if name in _VALUED and not attached:
                value = next(rest, word._replace(text=""))
            if stdin and is_file(name, value) and value.text == "@-":
                value = stdin._replace(text=re.sub("[\r\n]", "", stdin.text)) if name in _STRIPPED else stdin
            options.append((name, value))
    return options


def _with_hyphens(name: str, dashes: int) -> str:
    """Return an option of which a word processor made typographic ``dashes``; one of them may stand for two hyphens."""
    long = _long_name(f"--{name}")
    return f"--{name}" if dashes > 1 or long in _VALUED or long in _FLAGS or _is_turned_off(long) else f"-{name}"


def requests(options: Options) -> list[Options]:
    """Return the options of each request of a command; ``--next`` begins another one."""
    parts: list[Options] = [[]]
    for name, word in options:
        if name == "--next":
            parts.append([])
        else:
            parts[-1].append((name, word))
    return parts


def _named(word: Word) -> Iterator[tuple[str, str]]:
    """Yield the options in one word, each with its attached value: ``-sSL``, ``-XPOST``, ``--request``."""
    if word.text == "-" or not word.text.startswith("-"):
        yield "--url", word.text
        return
    if word.text.startswith("--"):
        if word.text != "--":
            yield _long_name(word.text), ""
        return
    for index, letter in enumerate(word.text[1:], 2):
        name = _SHORT.get(letter, f"-{letter}")
        if name in _VALUED:
            yield name, word.text[index:]
            return
        yield name, ""


def _long_name(text: str) -> str:
    """Return the option that ``text`` names, in full or by a beginning that no other option has; else ``text``."""
    if text.startswith("--expand-") and text.replace("--expand-", "--", 1) in _VALUED:
        return text.replace("--expand-", "--", 1)  # the variables in its value are said at --variable
    at = bisect_left(_LONG, text)
    near = [name for name in _LONG[at : at + 2] if name.startswith(text)]
    return near[0] if near and (near[0] == text or len(near) == 1) else text


def values(options: Options, *names: str) -> list[Word]:
    """Return the values of the options with these names, in order."""
    return [word for name, word in options if name in names]


def bodies(options: Options) -> Options:
    """Return the options that make the body, in order."""
    return [option for option in options if option[0] in BODIES]


def body_text(parts: Options) -> str:
    """Return the body that curl makes of several options: with ``&`` before each but ``--json``."""
    pieces = [f"{'' if name == '--json' else '&'}{word.text}" for name, word in parts[1:]]
    return "".join([*(word.text for _, word in parts[:1]), *pieces])


def is_file(name: str, word: Word) -> bool:
    """Whether the body of this option is in a file (``@payload.json``)."""
    return name in BODIES and name != "--data-raw" and word.text.startswith("@")


def headers(options: Options) -> list[tuple[str, str, Word]]:
    """Return every header as (name in lower case, value, word)."""
    parts = ((word.text.partition(":"), word) for word in values(options, "--header"))
    return [(name.strip().lower(), value.strip(), word) for (name, _, value), word in parts]


def unused(options: Options, endpoint: Endpoint) -> Iterator[Oddity]:
    """Yield what a script cannot express: other methods, headers, URLs and options, shell variables in the body."""
    for name, word in options:
        yield from (word.oddity(message, fix) for message, fix in _inexpressible(name, word, endpoint))
    for word in values(options, "--url")[1:]:
        yield word.oddity("a second URL", "only the request to the first one is read")


def _inexpressible(name: str, word: Word, endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    if name == "--request" and word.text.upper() != endpoint.method:
        yield f"the method {word.text}", f"the API takes {endpoint.method}"
    elif name == "--header":
        yield from _strange_header(word, {*_HARMLESS_HEADERS, *header_names(endpoint)})
    elif name in BODIES:
        for variable in word.variables:
            yield f"the shell's variable {variable} in the payload", "it was taken as it stands"
        for sign in dict.fromkeys(match[2] for match in POSTMAN.finditer(word.text) if match[2]):
            yield f"\\{sign} in the payload, which is not JSON", f"it was read as {sign}"
    elif name == TYPOGRAPHIC:
        yield DASH_SAYS
    elif name not in {"--request", "--url", *_HARMLESS} and not _is_turned_off(name):
        option, equals, _ = name.partition("=")  # the key may follow it
        fix = f"curl takes no =; write {option} VALUE" if equals else "it was left out"
        yield f"curl's option {option}{equals}{'…' if equals else ''}", fix


def _is_turned_off(name: str) -> bool:
    return name.startswith("--no-") and name.replace("--no-", "--", 1) in _FLAGS


def _strange_header(word: Word, known: set[str]) -> Iterator[tuple[str, str]]:
    header, colon, _ = word.text.partition(":")
    if not colon:
        yield "a header without a colon", "it was left out"  # the header is not shown: it may be the key
    elif header.strip().lower() not in known:
        yield f"the header {header.strip().lower()}", "it was left out"
