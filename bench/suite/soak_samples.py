"""One look at a server: memory of its processes, queues, and tables."""

import mmap

SAMPLE = """
SELECT json_build_object(
    'processes', (SELECT json_object_agg(pid, trim(backend_type || ' ' || application_name)) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid()),
    'notifications', pg_notification_queue_usage(),
    'events', i.seq,
    'sessions', (SELECT count(*) FROM presence_sessions),
    'worker', i.worker_pid,
    'behind', coalesce(extract(epoch FROM i.server_time - i.stale_since), 0),
    'dead', t.dead, 'bytes', t.bytes)
FROM presence_info() AS i, (
    SELECT json_object_agg(relname, n_dead_tup) AS dead,
        json_object_agg(relname, pg_total_relation_size(relid)) FILTER (WHERE relname IN ('user_presence', 'presence_sessions', 'channel_presence')) AS bytes
    FROM pg_stat_user_tables WHERE schemaname = 'presence') AS t
"""
REGION = "SELECT json_build_object('offset', off, 'bytes', size) FROM pg_shmem_allocations WHERE name = 'presence region'"


class Sampler:
    def __init__(self, postgres):
        self.postgres = postgres
        self.region = postgres.json(REGION)
        with open(f"{postgres.data}/postmaster.pid") as file:
            self.postmaster = file.readline().strip()
        self.pages = self.region["bytes"] // mmap.PAGESIZE + 1
        self.touched = 0  # a byte of flags for each page, as one number: quick to combine
        self.processes = {self.postmaster: "postmaster"}  # what each is, also when it has ended

    def sample(self):
        sample = self.postgres.json(SAMPLE)
        processes = sample.pop("processes")
        self.processes.update(processes)
        sample["memory"] = {pid: kilobytes for pid in [self.postmaster, *processes] if (kilobytes := memory_of(pid)) is not None}
        for pid in sample["memory"]:
            self._see_touched(pid)
        sample["region"] = self._touched_pages() * mmap.PAGESIZE // 1024
        return sample

    def _see_touched(self, pid):
        """What of presence.memory has ever been used: presence takes new cells only when none was given back, so this grows with a leak alone."""
        try:
            with open(f"/proc/{pid}/maps") as maps:
                begin = max(segments(maps), default=(0, 0))[1]
            with open(f"/proc/{pid}/pagemap", "rb") as pagemap:
                pagemap.seek((begin + self.region["offset"]) // mmap.PAGESIZE * 8)
                entries = pagemap.read(8 * self.pages)
        except OSError:  # It has ended meanwhile.
            return
        self.touched |= int.from_bytes(entries[7::8], "little")

    def _touched_pages(self):
        present_or_swapped = int.from_bytes(b"\xc0" * self.pages, "little")
        return self.pages - (self.touched & present_or_swapped).to_bytes(self.pages, "little").count(0)


def memory_of(pid):
    """kB of a process's own memory. Pages of shared memory are no anonymous ones, not even while no other process has touched them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            fields = dict(line.split(":") for line in list(rollup)[1:])
    except OSError:  # It has ended meanwhile.
        return None
    return int(fields["Anonymous"].split()[0])


def segments(maps):
    """Size and beginning of each shared writable mapping; the server's shared memory is the largest."""
    for line in maps:
        addresses, rights = line.split()[:2]
        if rights == "rw-s":
            begin, end = (int(address, 16) for address in addresses.split("-"))
            yield end - begin, begin
