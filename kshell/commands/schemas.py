"""``openapi`` and ``schema``: the endpoint and the profiles as documents for other tools."""

import click

from kshell.console.command import command
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.profiles.files import Kind, shipped_folder
from kshell.profiles.profiles import shipped_pods

_MESSAGE_ID = "AXXXXXXXXXXXXXXXXXXX"  # of the page's sample


@command("openapi", examples=["openapi"])
def openapi_command() -> Result:
    """Print the endpoint as an OpenAPI 3.1 document, with the documented answers as examples.

    It is made from the same tables as check and explain. kshell sandbox serves it at /openapi.json.
    """
    return Result(openapi_text())


def openapi_text() -> str:
    """Return the OpenAPI document as JSON text. Its servers are the shipped pods."""
    from kshell.api.openapi import openapi
    from kshell.simulator.documented import FAILURES
    from kshell.simulator.simulator import accepted

    bodies = {"demo": accepted(_MESSAGE_ID), **{name: failure.body for name, failure in FAILURES.items()}}
    pods = [(pod.base_url, pod.title) for pod in shipped_pods(shipped_folder())]
    return f"{dumps(openapi(pods, bodies))}\n"


@command("schema", examples=["schema account", "schema pod"])
@click.argument("kind", type=click.Choice(["pod", "account", "template"]))
def schema_command(kind: Kind) -> Result:
    """Print the JSON Schema of a pod, an account or a template's header, for editors.

    An editor with a YAML language server checks and completes a file whose first line is, for example,
    # yaml-language-server: $schema=account.schema.json. init writes this line and the schema.
    """
    from kshell.profiles.schemas import schema

    return Result(f"{dumps(schema(kind))}\n")
