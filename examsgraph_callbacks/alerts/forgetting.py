"""Takes one learner out of what alerts know: words, counts, and incidents that are about them."""

from collections.abc import Iterable
from pathlib import Path

from examsgraph_callbacks.alerts.outbox import forget_examples
from examsgraph_callbacks.alerts.state import has_state, open_state

__all__ = ["COUNTED", "forget_in_alerts"]

COUNTED = ("place", "tally", "turn", "question", "example")
"""The tables that are counted from the journal, and can be again."""


def forget_in_alerts(journal: Path, user_ids: Iterable[str]) -> None:
    """Erase what a journal's alerts know of these users, after the journal itself forgot them.

    All that was counted goes, and is counted anew at the next look; messages that wait lose their examples.
    """
    if not has_state(journal):
        return
    with open_state(journal) as state, state.transaction() as sql:
        for table in COUNTED:
            sql.execute(f"delete from {table}")  # noqa: S608 - of five
        sql.execute("insert or replace into known values ('counted by', 'nothing: a learner was forgotten')")
        forget_examples(state)
        for user in user_ids:
            # of a day's cost by user: the day stands before the user
            about = sql.execute(
                "select id from incident where subject = ? or substr(subject, 12) = ?", (user, user)
            ).fetchall()
            sql.executemany("delete from message where incident_id = ?", about)
            sql.executemany("delete from incident where id = ?", about)
