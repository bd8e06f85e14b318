#!/usr/bin/env python3
"""Loads `linekeeper tree serve` and Apache ZooKeeper in turn, both synchronising the same disk, and prints both figures.

usage: compare.py --linekeeper PATH --load PATH [--runs 3] [--scale 1.0] [--only PART …] [--json FILE]

Parts: rates, client, start, checkpoint, locks. For locks, CURATOR_CP names the class path of Curator 5 (its recipes,
framework and client, ZooKeeper's client and what they need); without it they are measured alone. Every load runs on one
server, then on the other, as often as there are runs; medians are shown. Figures of one run on one machine may be
compared with each other and with nothing else.
"""
import argparse
import bisect
import ctypes
import itertools
import json
import os
import pathlib
import select
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

from servers import ApacheZooKeeper, Linekeeper

HERE = pathlib.Path(__file__).parent
NODES_OF_A_LARGE_TREE = 100_000


class Table:
    """What was found, a line a figure, with what is wanted of it."""

    def __init__(self):
        self.rows = []

    def add(self, figure, ours, peer, unit, wanted=None, holds=None, peer_name="ZooKeeper 3.8", ratio=None):
        """`wanted` is the aim in words; `holds` whether it is reached, None when there is none. `ratio`: when it is not
        simply that of the two figures."""
        self.rows.append(dict(
            figure=figure, ours=ours, peer=peer, unit=unit, wanted=wanted, holds=holds, peer_name=peer_name,
            ratio=ratio or (ours / peer if peer else None)))
        print(self.line(self.rows[-1]), flush=True)

    @staticmethod
    def line(row):
        def shown(value):
            if value is None:
                return "-"
            return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"

        ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else "-"
        verdict = "" if row["holds"] is None else ("ok" if row["holds"] else "SHORT")
        peer = f"{shown(row['peer'])} ({row['peer_name']})" if row["peer"] is not None else "-"
        return (f"{row['figure']:<44} {shown(row['ours']):>10} {row['unit']:<8} {peer:>32}  {ratio:>6}   "
                f"{row['wanted'] or '':<28} {verdict}").rstrip()


class Comparison:
    def __init__(self, options, scratch):
        self.options = options
        self.scratch = scratch
        self.table = Table()
        self.ours = Linekeeper(scratch, options.linekeeper)
        self.apache = ApacheZooKeeper(scratch)

    def load(self, kind, server, *arguments):
        command = [self.options.load, kind, server.address, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))}: {done.stderr}")
        return json.loads(done.stdout)

    def count(self, number):
        return max(1, int(number * self.options.scale))

    def runs(self):
        return range(self.options.runs)

    def stop(self):
        self.ours.stop()
        self.apache.stop()

    # ---- parts ------------------------------------------------------------------------------------------------------

    def rates(self):
        """What the servers take over a bare socket, and how long one write after another waits."""
        for server in (self.ours, self.apache):
            server.empty()
            server.start()
        # The compiler of the virtual machine takes its time; both get the same load, for the memory afterwards.
        for server in (self.ours, self.apache):
            self.load("raw", server, "set", self.count(40_000))
        loads = {
            "set": (100_000, 1000, 2.0), "get": (100_000, 1000, 2.0), "create": (40_000, 1000, 2.0),
            "multi": (400_000, 20, 1.5)}
        found = {}
        for _ in self.runs():
            for load, (count, window, _) in loads.items():
                for server in (self.ours, self.apache):
                    result = self.load("raw", server, load, self.count(count), "--window", window, "--seconds", 15)
                    found.setdefault((load, server), []).append(result["per_second"])
        for load, (_, _, wanted) in loads.items():
            ours, theirs = (statistics.median(found[load, server]) for server in (self.ours, self.apache))
            name = "multi of 100, sets" if load == "multi" else load
            self.table.add(f"{name}, pipelined", ours, theirs, "/s", f"≥ {wanted} ×", ours >= wanted * theirs)
        self.lone_sets()
        ours, theirs = self.ours.resident_mb(), self.apache.resident_mb()
        self.table.add("resident memory after these loads", ours, theirs, "MB", "≤ 1/10", ours * 10 <= theirs)
        self.stop()

    def lone_sets(self):
        """One write after another, beside the disk's own pace, in many short turns: what else goes on there hits all."""
        found = {}
        for _ in range(12 * self.options.runs):
            found.setdefault("sync", []).append(median_fdatasync(self.scratch))
            for server in (self.ours, self.apache):
                result = self.load("raw", server, "set", self.count(400), "--window", 1)
                for key in ("p50_us", "p99_us"):
                    found.setdefault((key, server), []).append(result[key] / 1000)
        sync = statistics.median(found["sync"])
        ours, theirs = (statistics.median(found["p50_us", server]) for server in (self.ours, self.apache))
        self.table.add("set, one after another, p50", ours, theirs, "ms", "no slower", ours <= theirs)
        ours, theirs = (
            statistics.median(p50 - pace for p50, pace in zip(found["p50_us", server], found["sync"]))
            for server in (self.ours, self.apache))
        self.table.add("the same, above one fdatasync", ours, theirs, "ms", "≤ 0.15 ms", ours <= 0.15)
        self.table.add("one fdatasync of this disk", sync, None, "ms")
        ours, theirs = (statistics.median(found["p99_us", server]) for server in (self.ours, self.apache))
        self.table.add("set, one after another, p99", ours, theirs, "ms")

    def client(self):
        """Our client driving Apache ZooKeeper, beside the bare socket doing the same.

        The server's own pace wanders by far more than the two differ (its compiler, its collector, the disk). So they
        alternate in short turns on one warm server, and each turn of the client is held against the two of the bare
        socket that stand around it. How much two neighbours of the bare socket differ says what a ratio is worth.
        """
        self.apache.empty()
        self.apache.start()
        loads = dict(set=(300_000, 1000), multi=(3_000_000, 20), get=(1_000_000, 1000))

        def turn(kind, load, seconds=0.5):
            count, window = loads[load]
            spent = self.apache.processor_seconds()
            result = self.load(kind, self.apache, load, count, "--window", window, "--seconds", seconds * self.options.scale)
            result["server_cpu_us_per_op"] = (self.apache.processor_seconds() - spent) * 1e6 / result["operations"]
            return result

        for load, name in dict(set="set", multi="multi of 100, sets", get="get").items():
            # The server's compiler: a load starts at half the pace that it comes to.
            for kind in ("raw", "client", "raw"):
                turn(kind, load, 4)
            raw, ours = [turn("raw", load)], []
            for _ in range(10 * self.options.runs):
                ours.append(turn("client", load))
                raw.append(turn("raw", load))

            def median(results, key):
                return statistics.median(result[key] for result in results)

            rates = [result["per_second"] for result in raw]
            ratios = [
                result["per_second"] * 2 / (before + after) for result, before, after in zip(ours, rates, rates[1:])]
            neighbours = [max(before, after) / min(before, after) for before, after in zip(rates, rates[1:])]
            ratio = statistics.median(ratios)
            wanted = None if load == "get" else "≥ 0.9 ×"
            self.table.add(
                f"client on ZooKeeper: {name}, pipelined", median(ours, "per_second"), median(raw, "per_second"), "/s",
                wanted, wanted and ratio >= 0.9, "bare socket", ratio)
            server = median(raw, "server_cpu_us_per_op")
            client, bare = (median(results, "client_cpu_us_per_op") for results in (ours, raw))
            print(f"    {len(ratios)} turns: half of the ratios {quantile(ratios, 0.25):.2f} to {quantile(ratios, 0.75):.2f}, all "
                  f"{min(ratios):.2f} to {max(ratios):.2f}; neighbours of the bare socket differ by "
                  f"{statistics.median(neighbours) - 1:.0%}\n"
                  f"    processor time of one: client {client:.2f} µs, bare socket {bare:.2f} µs, server {server:.2f} µs; were "
                  f"all processors busy: {(server + bare) / (server + client):.2f}", flush=True)
        self.stop()

    def start(self):
        """From the start of the process to the first session."""
        found = {}
        for _ in range(max(3, self.options.runs)):
            for server in (self.ours, self.apache):
                server.empty()
                found.setdefault(server, []).append(server.start())
                server.stop()
        ours, theirs = (statistics.median(found[server]) * 1000 for server in (self.ours, self.apache))
        self.table.add("start, empty", ours, theirs, "ms", "≤ 100 ms", ours <= 100)
        found = {}
        for server in (self.ours, self.apache):
            server.empty()
            server.start()
            self.load("raw", server, "set", 1000, "--nodes", NODES_OF_A_LARGE_TREE)
            found["memory", server] = server.resident_mb()
            server.stop()
        for _ in self.runs():
            for server in (self.ours, self.apache):
                found.setdefault(server, []).append(server.start())
                server.stop()
        ours, theirs = (statistics.median(found[server]) * 1000 for server in (self.ours, self.apache))
        self.table.add("start, 100,000 nodes", ours, theirs, "ms", "≤ 1 s", ours <= 1000)
        ours, theirs = (found["memory", server] for server in (self.ours, self.apache))
        self.table.add("resident memory, 100,000 nodes", ours, theirs, "MB")

    def checkpoint(self):
        """Writes one after another while checkpoints of a large tree come and go."""
        self.ours.empty()
        self.ours.start()
        self.load("raw", self.ours, "set", 1000, "--nodes", NODES_OF_A_LARGE_TREE)
        trace = self.scratch / "trace"
        stalls = Stalls(pathlib.Path(self.options.load).with_name("StallWatch"))
        checkpoints = Checkpoints(self.ours.data)
        self.load(
            "raw", self.ours, "set", 1_000_000, "--window", 1, "--size", 4000, "--seconds", 20 * self.options.scale,
            "--path", "/steady", "--trace", trace)
        spans = checkpoints.end()
        stalls.end()
        self.stop()
        sets = [(at - took, at) for at, took in (map(int, line.split()) for line in trace.read_text().splitlines())]
        if not spans or len(sets) < 1000:
            self.table.add("checkpoints seen", len(spans), None, "", "some", False)
            return
        seconds = sum(end - begin for begin, end in spans) / 1e6
        print(f"{len(spans)} checkpoints, {seconds:.1f} s altogether; a processor stood still {len(stalls.spans)} times, "
              f"{sum(end - begin for begin, end in stalls.spans) / 1e6:.2f} s altogether")
        self.set_latencies("set of 4 kB", sets, spans)
        self.set_latencies("the same, stalls left out", [some for some in sets if not stalls.touch(*some)], spans)

    def set_latencies(self, name, sets, checkpoints):
        """How long sets take while a checkpoint is written, and while none is."""
        during, without = [], []
        for begin, end in sets:
            is_during = any(first <= end and begin <= last for first, last in checkpoints)
            (during if is_during else without).append((end - begin) / 1000)
        if len(during) < 100 or len(without) < 100:
            sys.exit(f"{len(during)} sets during checkpoints and {len(without)} without are too few")
        quiet, busy = quantile(without, 0.99), quantile(during, 0.999)
        self.table.add(f"{name}, p99 without a checkpoint", quiet, None, "ms")
        self.table.add(f"{name}, p99.9 without a checkpoint", quantile(without, 0.999), None, "ms")
        self.table.add(f"{name}, p99.9 during checkpoints", busy, quiet, "ms", "≤ 3 ×", busy <= 3 * quiet, "p99 without")

    def locks(self):
        """Taking and giving back a lock, alone and among eight, with both libraries on our server."""
        self.ours.empty()
        self.ours.start()
        curator = os.environ.get("CURATOR_CP")
        seconds = max(1, 4 * self.options.scale)
        found = {}
        for run in self.runs():
            for sessions in (1, 8):
                path = f"/run-{run}-{sessions}"
                for way in ("with-lock", "acquire"):
                    result = self.load(
                        "locks", self.ours, "--sessions", sessions, "--seconds", seconds, "--path", f"{path}-{way}",
                        "--way", way)
                    if result["errors"]:
                        sys.exit("two held the lock at a time")
                    found.setdefault((way, sessions), []).append(result["per_second"])
                result = self.load(
                    "bare-locks", self.ours, "--sessions", sessions, "--seconds", seconds, "--path", path + "-bare")
                found.setdefault(("bare", sessions), []).append(result["per_second"])
                if curator:
                    done = subprocess.run(
                        ["java", "-Xmx256m", "-Dlog4j2.level=OFF", "-cp", curator, HERE / "CuratorLocks.java", self.ours.address,
                         str(seconds), str(sessions), path + "-curator"], capture_output=True, text=True, timeout=120)
                    if done.returncode:
                        sys.exit(f"Curator: {done.stderr}")
                    result = json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])
                    found.setdefault(("curator", sessions), []).append(result["per_second"])
        for sessions, name in ((1, "lock cycles, one contender"), (8, "lock hand-offs, eight contenders")):
            theirs = statistics.median(found["curator", sessions]) if curator else None
            # What no client can exceed, because it does nothing else.
            self.table.add(f"{name}, bare sockets", statistics.median(found["bare", sessions]), theirs, "/s", None, None, "Curator")
            for way in ("with-lock", "acquire"):
                ours = statistics.median(found[way, sessions])
                self.table.add(
                    f"{name}, {way}", ours, theirs, "/s", "≥ 3 ×" if curator else None,
                    ours >= 3 * theirs if curator else None, "Curator")
        if not curator:
            print("(Curator: set CURATOR_CP to measure it, too)")
        self.stop()


class Checkpoints:
    """Notes when a checkpoint is being written: while its file has its temporary name. In microseconds since boot.

    Told by the kernel (inotify): who looked every few milliseconds would take processor time from those that are measured.
    """

    CREATE, DELETE, MOVED_FROM, MOVED_TO = 0x100, 0x200, 0x40, 0x80

    def __init__(self, data):
        libc = ctypes.CDLL(None, use_errno=True)
        self.queue = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        mask = self.CREATE | self.DELETE | self.MOVED_FROM | self.MOVED_TO
        if self.queue < 0 or libc.inotify_add_watch(self.queue, os.fsencode(data), mask) < 0:
            raise OSError(ctypes.get_errno(), f"{data} cannot be watched")
        self.spans = []
        self.begin = None
        self.ending = os.pipe()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while True:
            ready, _, _ = select.select([self.queue, self.ending[0]], [], [])
            if self.queue in ready:
                self.take(os.read(self.queue, 65536), time.monotonic_ns() // 1000)
            if self.ending[0] in ready:
                return

    def take(self, events, now):
        while events:
            _, mask, _, length = struct.unpack_from("iIII", events)
            name, events = events[16 : 16 + length].rstrip(b"\0"), events[16 + length :]
            if name != b"checkpoint.new":
                continue
            if mask & (self.CREATE | self.MOVED_TO):
                self.begin = now
            elif self.begin is not None:
                self.spans.append((self.begin, now))
                self.begin = None

    def end(self):
        os.write(self.ending[1], b".")
        self.thread.join()
        if self.begin is not None:
            self.spans.append((self.begin, time.monotonic_ns() // 1000))
        return self.spans


class Stalls:
    """Notes when a processor stood still, as ``StallWatch`` tells, one for each. In microseconds since boot."""

    def __init__(self, program):
        self.watches = [self.start(program, processor) for processor in sorted(os.sched_getaffinity(0))]
        self.spans = []
        self.reach = []

    @staticmethod
    def start(program, processor):
        def settle():
            os.sched_setaffinity(0, {processor})
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))

        try:
            return subprocess.Popen(
                [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=settle)
        except subprocess.SubprocessError:
            sys.exit("real-time priority is needed to tell when a processor stood still: run it as root")

    def end(self):
        lines = [line for watch in self.watches for line in watch.communicate()[0].splitlines()]
        self.spans = sorted(tuple(map(int, line.split())) for line in lines)
        # How far any span up to each one reaches: one look then tells whether any touches.
        self.reach = list(itertools.accumulate((end for _, end in self.spans), max))

    def touch(self, begin, end):
        count = bisect.bisect_right(self.spans, (end, float("inf")))
        return count > 0 and self.reach[count - 1] >= begin


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def median_fdatasync(folder):
    """Milliseconds of one, of 200 bytes over what has been written before."""
    descriptor = os.open(folder / "fdatasync", os.O_CREAT | os.O_WRONLY)
    try:
        os.pwrite(descriptor, bytes(1 << 20), 0)
        os.fsync(descriptor)
        times = []
        for n in range(100):
            begin = time.perf_counter()
            os.pwrite(descriptor, b"x" * 200, n * 200)
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - begin) * 1000)
        return statistics.median(times)
    finally:
        os.close(descriptor)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linekeeper", required=True)
    parser.add_argument("--load", required=True, help="the program CoordinationLoad")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies how much each load does")
    parts = ["rates", "client", "start", "checkpoint", "locks"]
    parser.add_argument("--only", nargs="*", choices=parts, default=parts)
    parser.add_argument("--json", help="a file for the figures")
    parser.add_argument("--scratch", help="where the servers keep their data: the disk that is measured")
    options = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="linekeeper-bench-", dir=options.scratch))
    comparison = Comparison(options, scratch)
    try:
        print(f"load average before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} processors", flush=True)
        for part in options.only:
            getattr(comparison, part)()
        print(f"load average after: {os.getloadavg()[0]:.2f}")
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(comparison.table.rows, indent=1) + "\n")
    finally:
        comparison.stop()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
