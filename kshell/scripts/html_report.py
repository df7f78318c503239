"""The report of a run as one page of HTML, which loads nothing and works without its script.

The script filters the cases. The page's policy (CSP) allows this script and no other.
"""

from __future__ import annotations

import base64
import hashlib
import time
from html import escape
from typing import TYPE_CHECKING

from kshell.core.json_text import dumps, loads

if TYPE_CHECKING:
    from kshell.scripts.masked_case import MaskedCase, MaskedStep
    from kshell.scripts.runs import Run

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --soft: #8882; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; }
.sum { margin: .25rem 0 1.5rem; }
.passed { color: var(--good); } .failed, .interrupted { color: var(--bad); }
details.case { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .5rem 1rem; }
details.case > summary { cursor: pointer; display: flex; gap: 1rem; align-items: baseline; }
details.case > summary b { flex: 1; overflow-wrap: anywhere; }
pre { background: var(--soft); border-radius: .4rem; padding: .6rem .8rem; overflow-x: auto; margin: .4rem 0;
  font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.bad { border-left: 4px solid var(--bad); }
ol { list-style: none; padding: 0; margin: .5rem 0; }
li { border-top: 1px solid var(--line); padding: .35rem 0; }
.step { display: grid; grid-template-columns: 1.2rem 9rem 1fr auto; gap: .6rem; align-items: baseline; }
.step code { overflow-wrap: anywhere; font-size: 14px; }
.place, .time { opacity: .7; font-size: 13px; overflow-wrap: anywhere; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 1rem; }
.two > div { min-width: 0; }
summary { cursor: pointer; }
#filter { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 1rem; }
#filter[hidden], details[hidden] { display: none; }
#filter input { flex: 1; min-width: 12rem; } #filter * { font: inherit; padding: .2rem .4rem; }
""".strip()

_SCRIPT = """
const filter = document.getElementById("filter"), [state, text, shown] = filter.children;
const cases = [...document.querySelectorAll("details.case")];
function apply() {
  const wanted = text.value.toLowerCase();
  let count = 0;
  for (const item of cases) {
    const fits = (!state.value || item.dataset.state === state.value) && item.textContent.toLowerCase().includes(wanted);
    item.hidden = !fits;
    count += fits;
  }
  shown.textContent = `${count} of ${cases.length}`;
}
state.addEventListener("change", apply);
text.addEventListener("input", apply);
filter.hidden = false;
apply();
""".strip()

_HASH = base64.b64encode(hashlib.sha256(f"\n{_SCRIPT}\n".encode()).digest()).decode()
_HEAD = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kshell run</title>
<style>
{_STYLE}
</style></head>
<body>
<h1>kshell run</h1>
"""


def html_page(run: Run, cases: list[MaskedCase], note: str) -> str:
    """Return one self-contained page: the failed cases first; each step with its request, answer, timing and failure."""
    from kshell.scripts.summary import summary

    known = dict.fromkeys(case.state for case in cases)
    states = [*(state for state in _FIRST if state in known), *(state for state in known if state not in _FIRST)]
    options = "".join(f"<option>{state}" for state in states)
    ordered = "\n".join(_case(case) for state in states for case in cases if case.state == state)
    return (
        f'{_HEAD}<p class="sum">{escape(" · ".join(filter(None, (summary(run)[-1], note))))}<br>'
        f"<time>{time.strftime('%Y-%m-%d %H:%M:%S %z')}</time></p>\n"
        f'<div id="filter" hidden><select aria-label="State"><option value="">all{options}</select>'
        '<input type="search" placeholder="Filter the cases" aria-label="Filter the cases"><output></output></div>\n'
        f"{ordered}\n<script>\n{_SCRIPT}\n</script>\n</body></html>\n"
    )


_FIRST = ("interrupted", "failed")


def _case(case: MaskedCase) -> str:
    opened = " open" if case.exit_code or case.state == "interrupted" else ""
    steps = "\n".join(map(_step, case.steps))
    failure = f'<pre class="bad">{escape(chr(10).join(case.failure))}</pre>' if case.failure and not case.steps else ""
    css = case.state.replace(" ", "-")
    verdict = (
        f'<span class="{css}">{escape(case.verdict)}</span> <span class="time">{case.seconds * 1000:.0f} ms</span>'
    )
    return (
        f'<details class="case" data-state="{case.state}"{opened}><summary><b>{escape(case.name)}</b> {verdict}</summary>'
        f"{failure}<ol>\n{steps}\n</ol></details>"
    )


def _step(step: MaskedStep) -> str:
    sign, css = ("✓", "passed") if step.passed else ("✗", "failed")
    failure = f'<pre class="bad">{escape(chr(10).join(step.failure))}</pre>' if step.failure else ""
    return (
        f'<li><div class="step"><span class="{css}">{sign}</span><span class="place">{escape(step.place)}</span>'
        f'<code>{escape(step.line)}</code><span class="time">{step.seconds * 1000:.0f} ms</span></div>'
        f"{_exchange(step)}{failure}</li>"
    )


def _exchange(step: MaskedStep) -> str:
    exchange = loads(step.exchange)
    if exchange is None:
        return ""
    explanation = exchange["explanation"]
    meaning = explanation.get("meaning", "") if isinstance(explanation, dict) else ""
    blocks = "".join(
        f"<div>{title}<pre>{escape(dumps(exchange[key]))}</pre></div>"
        for key, title in (("request", "Request"), ("response", "Answer"))
    )
    return (
        f"<details><summary>{escape(step.status)}</summary><p>{escape(str(meaning))}</p>"
        f'<div class="two">{blocks}</div></details>'
    )
