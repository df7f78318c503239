"""Send a message for each row of a CSV file with httpx alone: what kshell's rows are compared with.

Usage: python bench/httpx_loop.py URL ROWS [THREADS]

Each thread has one client and takes every THREADS-th row. Another answer than a 202 is an error.
"""

from __future__ import annotations

import csv
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import httpx


def payload(row: dict[str, str]) -> dict[str, Any]:
    """Return the payload of ``templates/auth.json.j2``."""
    parameters = [{"type": "text", "text": row["otp"]}]
    components = [
        {"type": "body", "parameters": parameters},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": parameters},
    ]
    template = {"name": "auth1", "language": {"code": "en_US"}, "components": components}
    message = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": row["to"], "type": "template"}
    return {"messaging_object": {**message, "template": template}, "extra_info": {"wa_source": "api"}}


def send(url: str, file: str, first: int, threads: int) -> None:
    """Send the rows of one thread."""
    with httpx.Client(headers={"api-key": "any"}) as client, open(file, newline="") as stream:
        for row in islice(csv.DictReader(stream), first, None, threads):
            answer = client.post(url, json=payload(row))
            assert (answer.status_code, answer.json()["code"]) == (202, "WA202")


def main(url: str, file: str, threads: int = 1) -> None:
    """Send every row."""
    with ThreadPoolExecutor(threads) as pool:
        for ended in [pool.submit(send, url, file, number, threads) for number in range(threads)]:
            ended.result()


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
