"""Runs rows: both sides turn by turn, and the median of each."""

import json
import statistics
import subprocess
import time
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass

from .postgres import Postgres, with_output
from .redis import Redis


@dataclass
class Result:
    name: str
    work: str
    against: str
    unit: str
    ours: list
    theirs: list
    ratio: float  # of the medians
    ratios: list  # of each round
    target: float
    limit: list
    limit_is: str
    limit_ratio: float  # what the limit reaches against the other; none without a limit

    @property
    def is_met(self):
        return self.ratio >= self.target

    @property
    def verdict(self):
        """`limit`: short of the target, as the limit itself is, but within a tenth of that."""
        if self.is_met:
            return "pass"
        return "limit" if self.limit and self.limit_ratio < self.target and self.ratio >= 0.9 * self.limit_ratio else "short"

    def as_json(self):
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True)
class Scale:
    """How much is measured."""
    quick: bool
    rounds: int
    seconds: int        # of each side of a round
    idle_seconds: int
    soak_seconds: float
    many: int           # users of a large application
    memory_megabytes: int
    growth: tuple       # numbers of users


class Listeners:
    heard = 0


class Bench:
    """What rows measure with."""

    def __init__(self, here, programs, clients, tools, directory, huge_pages, scale):
        self.here = here
        self.programs = programs
        self.clients = clients
        self.tools = tools
        self.directory = directory
        self.huge_pages = huge_pages
        self.scale = scale
        self._redis = None
        self._postgres = None
        self._crowds = {}
        self._lasting = []
        self._servers = 0

    @property
    def seconds(self):
        return self.scale.seconds

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    @property
    def postgres(self):
        if self._postgres is None:
            self._postgres = self._new_server()
        return self._postgres

    @property
    def redis(self):
        if self._redis is None:
            self._redis = Redis(f"{self.directory}/redis")
        return self._redis

    def begin_anew(self):
        self._postgres = None  # A crowd keeps its own.

    def small_server(self, megabytes, lasts=False):
        """A new one, which whoever asks for it stops, unless it lasts until the end of the rows."""
        server = self._new_server(memory=f"{megabytes}MB")
        if lasts:
            self._lasting.append(server)
        return server

    def _new_server(self, **options):
        self._servers += 1
        return Postgres(self.programs, f"{self.directory}/postgres-{self._servers}", self.huge_pages, **options)

    def crowds(self, users):
        """A server with so many users online; it lasts until the end."""
        from .rows import crowd
        if users not in self._crowds:
            kept = self._postgres
            try:
                self._crowds[users] = crowd(self, users)
            finally:
                self._postgres, failed = kept, self._postgres
                if users not in self._crowds and failed not in (None, kept):
                    failed.stop("immediate")
        return self._crowds[users]

    @contextmanager
    def listeners(self, count, channel):
        """Ends when the server has ended them, too: it goes on sending them what they have not heard, for seconds."""
        conninfo = f"host={self.postgres.directory} user=postgres dbname=postgres application_name=listener"
        with self._listeners("bench_listeners", conninfo, channel, count) as listeners:
            yield listeners
        self.postgres.wait_until("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'listener')")

    def subscribers(self, count, channel):
        """The same with Redis."""
        return self._listeners("bench_redis_listeners", self.redis.socket, channel, count)

    @contextmanager
    def _listeners(self, program, server, channel, count):
        process = subprocess.Popen([f"{self.clients}/{program}", server, channel, str(count)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the listeners do not listen")
        listeners = Listeners()
        try:
            yield listeners
        finally:
            listeners.heard = int(process.communicate("")[0])

    @contextmanager
    def awake(self):
        """No processor sleeps meanwhile."""
        process = subprocess.Popen([f"{self.clients}/bench_awake"], stdin=subprocess.PIPE)
        try:
            yield
        finally:
            process.communicate()
        if process.returncode != 0:
            raise RuntimeError("processors could not be kept awake")

    def redis_list(self):
        output = subprocess.run([f"{self.clients}/bench_redis_list", self.redis.socket, str(self.seconds)],
                                check=True, capture_output=True, text=True).stdout
        return float(output)

    def batches(self, kind, users, size):
        """Users a second, in batches of so many random ones."""
        conninfo = f"host={self.postgres.directory} user=postgres dbname=postgres"
        output = subprocess.run([f"{self.clients}/bench_batches", conninfo, kind, *map(str, (users, size, self.seconds))],
                                check=True, stdout=subprocess.PIPE, text=True).stdout
        return float(output)

    def redis_facts(self, kind, pipeline):
        """Touches or changes of status (`touch`, `status`) a second, with all that Redis must keep of one."""
        output = subprocess.run([f"{self.clients}/bench_redis_facts", self.redis.socket, str(self.seconds), kind, str(pipeline)],
                                check=True, capture_output=True, text=True).stdout
        return float(output)

    def tool_json(self, tool, *options):
        conninfo = f"host={self.postgres.directory} user=postgres dbname=postgres"
        try:
            return json.loads(subprocess.run([f"{self.tools}/{tool}", "-d", conninfo, *options], check=True, capture_output=True, text=True).stdout)
        except subprocess.CalledProcessError as failed:
            raise with_output(failed)

    def stop_servers(self):
        for server in [self._postgres, *self._crowds.values(), *self._lasting]:
            if server is not None:
                try:
                    server.stop("immediate")
                except subprocess.CalledProcessError as gone:
                    print(f"\nnot stopped: {gone}", flush=True)
        self._postgres, self._crowds, self._lasting = None, {}, []

    def stop(self):
        self.stop_servers()
        if self._redis is not None:
            self._redis.stop()


def run_row(bench, row, progress):
    row.prepare(bench)
    ours, theirs, limit = [], [], []
    rounds = min(bench.scale.rounds, row.most_rounds)
    with bench.awake() if row.takes_turns else nullcontext():
        for number in range(rounds):
            progress(f"{row.name}: round {number + 1} of {rounds}")
            ours.append(row.ours(bench))
            theirs.append(row.theirs(bench))
            if row.limit:
                limit.append(row.limit(bench))
    return Result(row.name, row.work.format(many=f"{bench.scale.many:,}"), row.against, row.unit, ours, theirs, ratio_of(row, ours, theirs),
                  [ratio_of(row, [one], [other]) for one, other in zip(ours, theirs)], row.target,
                  limit, row.limit_is, ratio_of(row, limit, theirs) if limit else None)


def ratio_of(row, ours, theirs):
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    better, worse = (theirs, ours) if row.less_is_better else (ours, theirs)
    return 1.0 if better == worse else better / worse
