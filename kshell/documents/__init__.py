"""Markdown documents whose blocks are made again and checked."""
