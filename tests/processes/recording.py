"""A program that records, to be killed: `python -m tests.processes.recording NAME COUNT FILE`.

Each of its threads records keys, and writes a key to the file once `record` has returned: from then on it is promised.
"""

import os
import sys
import threading

from ledger import Ledger
from ledger.errors import LedgerError

THREADS = 4


def main() -> None:
    """Record COUNT messages named NAME-thread-number."""
    name, count, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    book = Ledger()
    promised = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    refused = []

    def work(thread: int) -> None:
        for number in range(count // THREADS):
            key = f"{name}-{thread}-{number}"
            try:
                book.record(process_query_key=key, robot_code="robot-1", user_ids=["ann"], campaign="spring")
            except LedgerError as error:
                refused.append(f"{key}: {error}")
            else:
                os.write(promised, f"{key}\n".encode())

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    book.close()
    sys.exit("\n".join(refused) or 0)


if __name__ == "__main__":
    main()
