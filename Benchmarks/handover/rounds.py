#!/usr/bin/env python3
"""Three gateways on Apache ZooKeeper, in rounds: one is drained, one is stopped, one is killed, and each comes back.

usage: rounds.py --linekeeper PATH [--rounds 10] [--devices 1000] [--tags 20] [--rate 500]

After each change: how many shards have another owner, and the gap: the longest time between two writes of a tag that is
published every 50 ms, of one device of every shard that has moved, by the times in ZooKeeper's transaction log. Beside it the
same of the shards that have not moved: what this machine takes for it without a change. At the end of each round every
tag must hold the last value that was published. Ends with status 1 when one does not, when a shard is without an owner, or when
more than 2/n of the shards move on average.
"""
import argparse
import contextlib
import json
import pathlib
import signal
import struct
import subprocess
import sys
import time

from kazoo.client import KazooClient

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from measuring import free_port, listening, stage, wait_for  # noqa: E402
from plant import (  # noqa: E402
    QUIET, ROOT, Plant, configure, ensemble, path, start_broker, topics, wrong_values)

SHARDS = 64
CLASSPATH = "/usr/share/java/*:/etc/zookeeper/conf"
MASK = (1 << 64) - 1


def shard(device):
    """As ShardMap.shard(of:) has it."""
    h = 0xCBF29CE484222325
    for byte in device.encode():
        h = (h ^ byte) * 0x100000001B3 & MASK
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h ^= h >> 33
        h = h * multiplier & MASK
    return (h ^ h >> 33) >> 58


class TransactionLog:
    """The times at which nodes were written, in milliseconds, from ZooKeeper's own log."""

    SET_DATA, MULTI = 5, 14

    def __init__(self, folder):
        self.folder = folder

    def writes(self, since, paths):
        """By path, the times of its writes since then."""
        times = {path: [] for path in paths}
        for file in sorted(self.folder.glob("log.*"), key=lambda f: int(f.suffix[1:], 16)):
            # One that was finished before has none of them, and reading all of it each time takes longer from round to round.
            if file.stat().st_mtime * 1000 < since:
                continue
            data = file.read_bytes()
            place = 16
            while place + 12 <= len(data):
                (length,) = struct.unpack_from(">i", data, place + 8)
                if length <= 0 or place + 12 + length > len(data):
                    break
                begin, place = place + 12, place + 12 + length + 1
                _, _, _, when, kind = struct.unpack_from(">qiqqi", data, begin)
                if when < since:
                    continue
                body = begin + 32
                if kind == self.SET_DATA:
                    self.note(data, body, when, times)
                elif kind == self.MULTI:
                    (count,) = struct.unpack_from(">i", data, body)
                    body += 4
                    for _ in range(max(0, count)):
                        part, size = struct.unpack_from(">ii", data, body)
                        if part == self.SET_DATA:
                            self.note(data, body + 8, when, times)
                        body += 8 + max(0, size)
        return times

    @staticmethod
    def note(data, place, when, times):
        (length,) = struct.unpack_from(">i", data, place)
        path = data[place + 4 : place + 4 + length].decode(errors="replace")
        if path in times:
            times[path].append(when)


class Stage:
    def __init__(self, options, scratch, run):
        self.options, self.scratch, self.run = options, scratch, run
        _, self.mqtt = start_broker(run, scratch, "max_inflight_messages 0")
        self.zookeeper = free_port()
        (scratch / "zoo.cfg").write_text(
            f"tickTime=500\ndataDir={scratch}/zk\nclientPort={self.zookeeper}\nclientPortAddress=127.0.0.1\n"
            "admin.enableServer=false\nmaxClientCnxns=0\nminSessionTimeout=1000\n")
        run(["java", "-cp", CLASSPATH, "org.apache.zookeeper.server.quorum.QuorumPeerMain", scratch / "zoo.cfg"], "zk.log")
        wait_for("the tree", lambda: listening(self.zookeeper))
        self.log = TransactionLog(scratch / "zk" / "version-2")
        self.gateways = {}
        for name in ["gw1", "gw2", "gw3"]:
            configure(
                scratch / name, self.mqtt, ensemble(self.zookeeper), {"high": ("factory/+/+/t0", QUIET, "low")}, gateway=name)
            self.start(name)

    def start(self, name):
        self.gateways[name] = self.run(
            [self.options.linekeeper, "run", "--config", self.scratch / name / "linekeeper.yaml"], f"{name}.log")

    def call(self, name, *arguments):
        return subprocess.run(
            [self.options.linekeeper, *arguments, "--config", self.scratch / name / "linekeeper.yaml"],
            capture_output=True, text=True)

    def owners(self, tree):
        """Of each shard, by number; without those that have none."""
        owners = {}
        parents = [f"{ROOT}/shards/{n:02}" for n in range(SHARDS)]
        lists = [tree.get_children_async(parent) for parent in parents]
        firsts = []
        for number, answer in enumerate(lists):
            queue = sorted(answer.get(), key=lambda name: int(name.rsplit("-", 1)[1]))
            if queue:
                firsts.append((number, tree.get_async(f"{parents[number]}/{queue[0]}")))
        for number, answer in firsts:
            with contextlib.suppress(Exception):
                owners[number] = answer.get()[0].decode()
        return owners

    def settle(self, tree, names, seconds=60):
        """Waits until these gateways, and no others, own about the same, and returns who owns what."""
        found = {}

        def shared():
            nonlocal found
            found = self.owners(tree)
            counts = [list(found.values()).count(name) for name in names]
            return len(found) == SHARDS and sum(counts) == SHARDS and min(counts) >= SHARDS // len(names) - 12

        wait_for(f"shards shared among {names}", shared, seconds)
        # Nothing may be on its way any more.
        time.sleep(1)
        return self.owners(tree)


def gap(writes):
    """The longest time without a write of any of these nodes, in milliseconds."""
    worst = 0
    for times in writes:
        times.sort()
        worst = max([worst] + [second - first for first, second in zip(times, times[1:])])
    return worst


def play(options, scratch, run, closing):
    set_up = Stage(options, scratch, run)
    names = sorted(set_up.gateways)
    tree = KazooClient(hosts=f"127.0.0.1:{set_up.zookeeper}")
    tree.start()
    closing.callback(lambda: (tree.stop(), tree.close()))
    wait_for("the gateways' registrations", lambda: tree.exists(f"{ROOT}/gateways") is not None
             and len(tree.get_children(f"{ROOT}/gateways")) == len(names), 60)
    set_up.settle(tree, names)
    every = topics(options.devices, options.tags)
    probes = {}
    for topic in every[:: options.tags]:
        probes.setdefault(shard(topic.rpartition("/")[0]), topic)
    plant = Plant(set_up.mqtt, every, options.rate, sorted(probes.values()))
    plant.fill()
    wait_for("the first value of every tag", lambda: not wrong_values(tree, plant.last), 120)
    moved, gaps, failures = [], {}, []

    def change(kind, act, left, watched=6):
        """Does something, lets the plant go on, and says what it cost."""
        before = set_up.owners(tree)
        since = int(time.time() * 1000)
        time.sleep(1)
        said = act()
        after = set_up.settle(tree, left)
        time.sleep(max(0, watched - (time.time() * 1000 - since) / 1000))
        changed = {n for n in range(SHARDS) if before.get(n) != after.get(n)}
        writes = set_up.log.writes(since, [path(topic) for topic in probes.values()])
        worst, usual = (
            gap(writes[path(topic)] for n, topic in probes.items() if (n in changed) == has_moved)
            for has_moved in (True, False))
        moved.append(len(changed))
        gaps.setdefault(kind, []).append((worst, usual))
        print(json.dumps(dict(
            change=kind, gateways=len(left), shards_moved=len(changed), gap_ms=worst, gap_unmoved_ms=usual, said=said)),
            flush=True)

    def drain(name):
        result = set_up.call(name, "drain")
        if result.returncode != 0:
            failures.append(f"drain {name}: {result.stderr}")
        return result.stdout.strip() or result.stderr.strip()

    def stop(name):
        set_up.gateways[name].send_signal(signal.SIGTERM)
        set_up.gateways[name].wait(20)
        lines = (scratch / f"{name}.log").read_text().splitlines()
        return next((line for line in reversed(lines) if "stopping" in line or "handing over" in line), "")

    def kill(name):
        set_up.gateways[name].kill()
        set_up.gateways[name].wait(20)

    for number in range(options.rounds):
        drained, stopped, killed = (names[(number + k) % 3] for k in range(3))
        plant.start()
        change("drain", lambda: drain(drained), [n for n in names if n != drained])
        change("undo", lambda: set_up.call(drained, "drain", "--undo").stdout.strip(), names)
        change("SIGTERM", lambda: stop(stopped), [n for n in names if n != stopped])
        change("join", lambda: set_up.start(stopped), names)
        change("kill", lambda: kill(killed), [n for n in names if n != killed])
        change("join", lambda: set_up.start(killed), names)
        plant.stop()
        with contextlib.suppress(SystemExit):
            wait_for("the last value of every tag", lambda: not wrong_values(tree, plant.last), 20)
        wrong = wrong_values(tree, plant.last)
        print(json.dumps(dict(round=number + 1, tags=len(plant.last), wrong_last_values=len(wrong))), flush=True)
        if wrong:
            failures.append(f"round {number + 1}: {len(wrong)} tags, such as {wrong[:3]}")
    mean = sum(moved) / len(moved)
    medians = {
        kind: dict(zip(("median", "worst", "median_unmoved", "worst_unmoved"), (
            sorted(g[0] for g in all_)[len(all_) // 2], max(g[0] for g in all_),
            sorted(g[1] for g in all_)[len(all_) // 2], max(g[1] for g in all_)))) for kind, all_ in gaps.items()}
    print(json.dumps(dict(
        gaps_ms=medians, shards_moved=dict(mean=round(mean, 1), most=max(moved), allowed=round(2 * SHARDS / 3, 1)))))
    if mean > 2 * SHARDS / 3:
        failures.append(f"{mean} shards moved per change")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linekeeper", required=True)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--tags", type=int, default=20, help="tags per device")
    parser.add_argument("--rate", type=int, default=500, help="messages per second beside those of the probes")
    options = parser.parse_args()
    with stage() as (scratch, run), contextlib.ExitStack() as closing:
        failures = play(options, scratch, run, closing)
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
