"""Compaction as a person asks for it: what was moved, and what stays for now."""

from examsgraph_callbacks.console.amounts import counted
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.deliver import delivered_everywhere
from examsgraph_callbacks.journal import Journal

__all__ = ["compact_and_tell"]

_TOLD = 3


def compact_and_tell(journal: Journal, screen: Screen) -> None:
    """Compact `journal` and say what that did."""
    # it brings in pandas, which takes half a second and no other verb needs at once
    from examsgraph_callbacks.analytics.compaction import compact

    done = compact(journal, is_delivered=delivered_everywhere(journal.path))
    if done.busy:
        screen.say("Another process is compacting this journal.")
        return
    screen.say(f"{counted(done.facts, 'fact')} of {counted(done.segments, 'segment')} compacted")
    if done.removed:
        screen.say(f"{counted(done.removed, 'compacted segment')} removed")
    if done.kept:
        screen.say(
            f"{counted(done.kept, 'compacted segment')} kept until shipped everywhere and ten minutes old"
        )
    if done.torn:
        screen.say(
            f"{counted(len(done.torn), 'last line')} that a crash cut short set aside, none a fact: "
            f"{', '.join(str(file) for file in done.torn[:_TOLD])}{' …' if len(done.torn) > _TOLD else ''}"
        )
