"""Writes facts of two learners in turn, until its standard input ends; then says how many."""

import sys
import threading
from datetime import UTC, datetime

from examsgraph_callbacks.events import Feedback
from examsgraph_callbacks.journal import Journal

if __name__ == "__main__":
    journal = Journal(sys.argv[1])
    stopped = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stopped.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    number = 0
    while number < 400 or not stopped.is_set():
        journal.write(
            Feedback(
                event_id=f"{number:032x}",
                started_at=datetime.now(UTC),
                user_id="user_001" if number % 2 == 0 else "user_002",
                question_id=str(number),
                feedback_type="thumbs_up",
            ),
        )
        number += 1
        if number == 200:
            sys.stdout.write("writing\n")
            sys.stdout.flush()
        stopped.wait(0.0005)
    sys.stdout.write(str(number))
