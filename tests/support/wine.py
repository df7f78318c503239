"""Wine's cmd.exe as an independent reader of command lines: a program for Windows keeps the arguments that it gets."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PREFIX = Path(__file__).parents[2] / ".pytest_cache" / "wine"  # Wine needs a quarter of a minute to make it

_RECORDER = r"""
#include <stdio.h>
#include <windows.h>
int wmain(int count, wchar_t **words) {
    static char text[100000];
    FILE *file = fopen("words.bin", "ab");
    for (int i = 0; i < count; i++) {
        WideCharToMultiByte(CP_UTF8, 0, words[i], -1, text, sizeof text, NULL, NULL);
        fwrite(text, 1, strlen(text) + 1, file);
    }
    fputc('\n', file);
    return fclose(file);
}
"""


def arguments(lines: list[str], **variables: str) -> list[list[str]]:
    """Run each line in a batch file of cmd.exe; return the words that the program ``curl`` got, its own name first."""
    Path("curl.c").write_text(_RECORDER)
    subprocess.run(["x86_64-w64-mingw32-gcc", "-municode", "-o", "curl.exe", "curl.c"], check=True)
    Path("lines.bat").write_bytes(
        "\r\n".join(["@echo off", *lines, ""]).replace("\r\n", "\n").replace("\n", "\r\n").encode()
    )
    environment = {name: os.environ[name] for name in ("PATH", "HOME")} | variables
    environment |= {"WINEPREFIX": str(PREFIX), "WINEARCH": "win64", "WINEDEBUG": "-all"}
    environment |= {"WINEDLLOVERRIDES": "mscoree,mshtml="}  # no question about Mono and Gecko
    subprocess.run(["wine", "cmd", "/c", "lines.bat"], env=environment, capture_output=True, timeout=300, check=True)
    records = Path("words.bin").read_bytes().split(b"\0\n")[:-1]
    return [record.decode().split("\0") for record in records]
