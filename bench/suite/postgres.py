"""A PostgreSQL server of its own with presence, and pgbench against it."""

import json
import os
import re
import subprocess
import tempfile
import time

# As production has it: every commit is on disk when it is acknowledged.
SETTINGS = """
listen_addresses = ''
shared_preload_libraries = 'presence'
fsync = on
synchronous_commit = on
shared_buffers = '1GB'
huge_pages = {huge_pages}
max_wal_size = '8GB'
checkpoint_timeout = '30min'
max_connections = 200
autovacuum_naptime = '10s'
presence.memory = '{memory}'
presence.idle_timeout = '1d'
presence.offline_timeout = '2d'
presence.session_timeout = '1d'
"""


class ProgramFailed(subprocess.CalledProcessError):
    def __str__(self):
        return f"{super().__str__()}\n{self.stderr[-2000:]}"


def with_output(failed):
    """The same error, which also says what the program said."""
    return ProgramFailed(failed.returncode, failed.cmd, failed.output, failed.stderr)


def touch_all(first, last, moment):
    """Statements that touch all of them, each user `i` as of its moment, in the order of the moments."""
    portions = ((begin, min(begin + 99_999, last)) for begin in range(first, last + 1, 100_000))
    return "".join(f"SELECT presence_touch_many(array_agg(i ORDER BY i), array_agg({moment} ORDER BY i)) "
                   f"FROM generate_series({begin}, {end}) AS i \\g /dev/null\n" for begin, end in portions)


class Postgres:
    def __init__(self, programs, directory, huge_pages, memory="1GB"):
        self.programs = programs
        self.directory = directory
        self.recorded = 0  # touches with an activity
        self.data = f"{directory}/data"
        os.makedirs(directory, exist_ok=True)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with open(f"{self.data}/postgresql.conf", "a") as conf:
            conf.write(SETTINGS.format(memory=memory, huge_pages=huge_pages) + f"unix_socket_directories = '{directory}'\n")
        self.start()
        self.psql("CREATE SCHEMA presence; CREATE EXTENSION presence SCHEMA presence;"
                  "ALTER DATABASE postgres SET search_path = presence, public")
        self.wait_until("SELECT worker_alive AND complete FROM presence_info()")

    def _run(self, program, *arguments, **options):
        try:
            return subprocess.run([f"{self.programs}/{program}", *arguments], check=True, capture_output=True, text=True, **options).stdout
        except subprocess.CalledProcessError as failed:
            raise with_output(failed)

    def start(self):
        try:
            self._run("pg_ctl", "-D", self.data, "-l", f"{self.directory}/log", "-w", "-t", "120", "start")
        except ProgramFailed as failed:
            with open(f"{self.directory}/log") as log:
                failed.stderr += log.read()[-1500:]
            raise

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    @property
    def connection(self):
        return ["-h", self.directory, "-U", "postgres", "postgres"]  # Not -d: that is --debug to a pgbench before 17.

    def psql(self, sql, **variables):
        names = [f"--set={name}={value}" for name, value in variables.items()]
        return self._run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *names, *self.connection, input=sql).strip()

    def json(self, sql):
        return json.loads(self.psql(sql))

    def wait_until(self, sql, seconds=120):
        deadline = time.monotonic() + seconds
        while self.psql(sql) != "t":
            if time.monotonic() > deadline:
                raise TimeoutError(sql)
            time.sleep(0.1)

    @staticmethod
    def cpu_of(pid):
        """Seconds of CPU that a process has used, to the nanosecond."""
        with open(f"/proc/{pid}/schedstat") as schedstat:
            return int(schedstat.read().split()[0]) / 1e9

    def pgbench(self, script, **options):
        """Transactions a second."""
        return self.pgbench_run(script, **options)[0]

    def _file(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".sql", dir=self.directory, delete=False) as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        return file.name

    def pgbench_run(self, script, clients=1, seconds=5, prepare=True, **variables):
        """Transactions a second, and how many there were. A script, or several with how often each is taken: {script: weight}."""
        files = [(self._file(text), weight) for text, weight in (script if isinstance(script, dict) else {script: 1}).items()]
        names = [argument for name, value in variables.items() for argument in ("-D", f"{name}={value}")]
        output = self._run("pgbench", "-n", "-M", "prepared" if prepare else "simple", "-c", str(clients), "-j", "1",
                           "-T", str(seconds), *(argument for name, weight in files for argument in ("-f", f"{name}@{weight}")), *names, *self.connection)
        for name, _ in files:
            os.unlink(name)
        rate = float(re.search(r"tps = ([\d.]+) \((?:without|excluding)", output).group(1))
        return rate, int(re.search(r"transactions actually processed: (\d+)", output).group(1))
