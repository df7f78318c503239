"""Every snippet target. Importing this module imports all modules that register one."""

from kshell.core.errors import UsageError, did_you_mean, listed
from kshell.snippets import compiled, files, javascript, programs, shells
from kshell.snippets.targets import TARGETS, Target

__all__ = ["TARGETS", "Target", "compiled", "files", "find_target", "javascript", "named", "programs", "shells"]


def named(name: str) -> Target | None:
    """Return the target with this name or alias, in capitals or not; None if there is none."""
    known = (target for target in TARGETS.values() if name.lower() in (target.name, *target.aliases))
    return next(known, None)


def find_target(name: str) -> Target:
    """Return the target with this name or alias. Raises ``UsageError`` that says which one is near, or which there are."""
    target = named(name)
    if target is None:
        names = [name for target in TARGETS.values() for name in (target.name, *target.aliases)]
        hint = did_you_mean(name, names) or f"targets: {listed(sorted(TARGETS), most=20)}"
        raise UsageError(f"there is no target {name!r}", hint=hint)
    return target
