"""The load of the soak: what a busy application with 20,000 people asks of presence, at a fixed rate each.

Each kind has a pgbench of its own, which says in each window how many it did and how far it is behind its schedule.
"""

import os
import re
import subprocess
from dataclasses import dataclass

SESSIONS = 20_000
WRITERS = 2_000     # of them are in documents
DOCUMENTS = 100
HEARTBEAT_EVERY = 30

# All have from the start what they would come to have by and by (a page, a message), so that this is not taken for growth.
PEOPLE = f"""
SELECT count(presence_connect(i, 's-' || i, jsonb_build_object('name', 'Person ' || i), device => 'web'))
    FROM generate_series(1, {SESSIONS}) AS i;
SELECT count(presence_join_document(i, i % {DOCUMENTS}, '{{"line": 1}}', session_id => 's-' || i)) FROM generate_series(1, {WRITERS}) AS i;
SELECT count(presence_set_status(i, 'busy', 'm' || i)), count(presence_touch(i, 'click', '/page/' || i, session_id => 's-' || i))
    FROM generate_series(1, {SESSIONS}) AS i;
"""

# `i` is kept by pgbench from one run of a script to the next, so everybody's turn comes in order.
PERSON = f"\\set id random(1, {SESSIONS})\n"
WRITER = f"\\set id random(1, {WRITERS})\n\\set document :id % {DOCUMENTS}\n\\set n random(1, 10000)\n"


@dataclass(frozen=True)
class Kind:
    name: str
    rate: int
    clients: int
    script: str


STATUSES = Kind("statuses", 1000, 8, PERSON + "\\set n random(1, 1000000)\n"
                "SELECT presence_set_status(:id, (ARRAY['busy', 'online', 'away'])[:n % 3 + 1], 'm' || :n);\n")
KINDS = [
    STATUSES,
    Kind("heartbeats", SESSIONS // HEARTBEAT_EVERY, 2,
         f"\\set i :i + 1\n\\set id (:i * :clients + :client_id) % {SESSIONS} + 1\nSELECT presence_heartbeat('s-' || :id);\n"),
    Kind("touches", 500, 2, PERSON + "\\set n random(1, 100)\n"
         "SELECT presence_touch(:id, 'click', '/page/' || :n, session_id => 's-' || :id);\n"),
    # In a room for as long as it takes until the client's next 200 have come.
    Kind("rooms", 50, 2, f"\\set i :i + 1\n\\set id (:i * 7918 + :client_id) % {SESSIONS} + 1\n\\set room :i % 100\n"
         f"\\set last greatest(:i - 200, 0)\n\\set last_id (:last * 7918 + :client_id) % {SESSIONS} + 1\n\\set last_room :last % 100\n"
         "SELECT user_id FROM presence_join(:id, 'room-' || :room, session_id => 's-' || :id);\n"
         "SELECT presence_leave(:last_id, 'room-' || :last_room, 's-' || :last_id);\n"),
    Kind("cursors", 500, 2, WRITER + "SELECT presence_move_cursor(:id, :document, ('{\"line\": ' || :n || '}')::jsonb);\n"),
    Kind("typing", 50, 1, WRITER + "SELECT presence_typing(:id, 'document_' || :document);\n"),
    # Sessions that were never there before come and go: what is not given back shows.
    Kind("visitors", 20, 1, "\\set i :i + 1\n\\set id :i % 500\n\\set last greatest(:i - 100, 0)\n"
         "SELECT session_id FROM presence_connect('visitor-' || :id, 'v-' || :i, '{\"name\": \"Visitor\"}');\n"
         "SELECT presence_disconnect('v-' || :last);\n"),
    Kind("reads", 50, 2, WRITER + "SELECT * FROM presence_online_users(100);\nSELECT * FROM presence_members('document_' || :document);\n"),
]

PROGRESS = re.compile(r"progress: ([\d.]+) s, ([\d.]+) tps, .*lag ([\d.]+) ms")


class Load:
    """All kinds at once, for so many windows of so many seconds."""

    def __init__(self, postgres, windows, window):
        self.logs, self.processes = {}, {}
        for kind in KINDS:
            script, self.logs[kind.name] = f"{postgres.directory}/{kind.name}.sql", f"{postgres.directory}/{kind.name}.log"
            with open(script, "w") as file:
                file.write(kind.script)
            with open(self.logs[kind.name], "w") as log:
                self.processes[kind.name] = subprocess.Popen(
                    [f"{postgres.programs}/pgbench", "-n", "-M", "prepared", "-R", str(kind.rate), "-c", str(kind.clients), "-j", "1",
                     "-T", str(windows * window), "-P", str(window), "-D", "i=0", "-D", f"clients={kind.clients}", "-f", script, *postgres.connection],
                    stdout=log, stderr=log, env={**os.environ, "PGAPPNAME": kind.name})

    def wait(self):
        for process in self.processes.values():
            process.wait()
        self.check()

    def check(self):
        """A soak whose load has ended would be steady, and say nothing."""
        for name, process in self.processes.items():
            if process.poll():
                with open(self.logs[name]) as log:
                    raise RuntimeError(f"the {name} have ended: {log.read()[-1000:]}")

    def windows_of(self, name):
        """Of each window how many a second there were, and by how many ms they came late."""
        with open(self.logs[name]) as log:
            return [{"at": float(at), "rate": float(rate), "lag": float(lag)} for at, rate, lag in PROGRESS.findall(log.read())]

    def stop(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
