"""A Redis server without persistence, as a cache of presence has it, and redis-benchmark against it."""

import csv
import os
import re
import subprocess
import time


class Redis:
    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.socket = f"{directory}/redis.sock"
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no", "--dir", directory,
             "--client-output-buffer-limit", "pubsub 0 0 0"],  # nobody is thrown out for hearing late
            stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not os.path.exists(self.socket):
            if time.monotonic() > deadline:
                raise TimeoutError("redis-server does not start")
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def cli(self, *arguments, text=None):
        return subprocess.run(["redis-cli", "-s", self.socket, *arguments], check=True, capture_output=True, text=True, input=text).stdout

    def load(self, commands):
        """Many commands at once, each a tuple of words."""
        return self.cli("--pipe", text="".join(in_protocol(command) for command in commands))

    def used_memory(self):
        return int(re.search(r"used_memory:(\d+)", self.cli("info", "memory")).group(1))

    def benchmark(self, *command, requests, clients=1, pipeline=1, keys=100_000):
        """Commands a second. Both this and pgbench go over a socket of the machine."""
        output = subprocess.run(
            ["redis-benchmark", "-s", self.socket, "-c", str(clients), "-P", str(pipeline), "-n", str(requests), "-r", str(keys), "--csv", *command],
            check=True, capture_output=True, text=True).stdout
        rows = list(csv.DictReader(output.splitlines()))
        return float(rows[-1]["rps"])


def in_protocol(words):
    """All words are ASCII."""
    return f"*{len(words)}\r\n" + "".join(f"${len(str(word))}\r\n{word}\r\n" for word in words)
