#!/usr/bin/env python3
"""What a message costs a gateway with the tree inside at a steady rate, beside programs that do nothing but what nobody can do without.

usage: compare.py --linekeeper PATH [--rates 100 1000 5000] [--seconds 10] [--runs 3]

At each rate messages (QoS 1 both ways, one JSON value each, 1,000 tags, an alarm on every tag) are published in bursts, one every
10 ms; at 100 a second each is alone. In turn, each with a broker of its own:

- bare: ../bare_receiver.c, one thread that takes and counts them.
- durable: the same, which also writes 200 bytes per message into a file and makes each burst durable by one fdatasync.
- gateway: a gateway with the embedded tree, as shipped.

For each: processor time of the process (user and system) per message, what it costs when idle included, how often one of its threads left a processor, and the
processor time per second in which nothing is published. Ends with status 1 when a last value is wrong. Quote ratios of gateway to
durable.
"""
import argparse
import json
import pathlib
import sys
import time

from kazoo.client import KazooClient

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from measuring import (  # noqa: E402
    Publisher, compile_receiver, cpu_seconds, free_port, load_average, median, rest, stage, thread_changes, wait_for)
from plant import FILTER, QUIET, SHIPPED_BROKER, configure, start_broker, topics, wrong_values  # noqa: E402

DEVICES, TAGS = 50, 20
BURSTS_PER_SECOND = 100


class Load:
    """Publishes growing numbers on all topics in turn, and remembers the last one of each."""

    def __init__(self, port):
        self.publisher, self.topics, self.last = Publisher(port), topics(DEVICES, TAGS), {}

    def publish(self, rate, seconds):
        """How many there were."""
        size, begin = max(1, rate // BURSTS_PER_SECOND), time.monotonic()
        count = int(rate * seconds) // size * size
        for number in range(0, count, size):
            messages = []
            for value in range(self.publisher.sent, self.publisher.sent + size):
                topic = self.topics[value % len(self.topics)]
                self.last[topic] = value
                messages.append((topic.encode(), b'{"v":%d}' % value))
            self.publisher.publish(messages)
            time.sleep(max(0.0, begin + (number + size) / rate - time.monotonic()))
        return count


def measure(kind, options, receiver):
    with stage() as (scratch, run):
        _, mqtt = start_broker(run, scratch, *SHIPPED_BROKER)
        zookeeper = free_port()
        if kind == "gateway":
            configuration = configure(
                scratch / "gw1", mqtt, f"{{ embedded: {{ data: '{scratch}/tree', listen: '127.0.0.1:{zookeeper}' }} }}",
                {"high": (FILTER, QUIET, "low")})
            measured = run([options.linekeeper, "run", "--config", configuration], kind)
            wait_for("the gateway", lambda: "the broker is heard" in (scratch / kind).read_text())
        else:
            file = [str(scratch / "file")] if kind == "durable" else []
            measured = run([receiver, str(mqtt), FILTER, "0", *file], kind)
            wait_for("the subscription", lambda: "READY" in (scratch / kind).read_text())
        load = Load(mqtt)
        # The first message on a topic costs more than any other.
        load.publish(1000, 2)
        rest(measured.pid)
        idle = cpu_seconds(measured.pid)
        time.sleep(5)
        result = dict(kind=kind, idle_ms_per_s=round((cpu_seconds(measured.pid) - idle) / 5 * 1000, 1))
        for rate in options.rates:
            cpu, changes = cpu_seconds(measured.pid), thread_changes(measured.pid)
            count = load.publish(rate, options.seconds)
            rest(measured.pid)
            result[rate] = dict(
                cpu_us=round((cpu_seconds(measured.pid) - cpu) / count * 1e6),
                thread_changes=round((thread_changes(measured.pid) - changes) / count, 1))
        wrong = 0
        if kind == "gateway":
            tree = KazooClient(hosts=f"127.0.0.1:{zookeeper}", timeout=30)
            tree.start(30)
            wrong = len(wrong_values(tree, load.last))
            tree.stop()
            tree.close()
        return result | dict(wrong_last_values=wrong, load=load_average())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linekeeper", required=True)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 1000, 5000], help="messages per second")
    parser.add_argument("--seconds", type=float, default=10, help="at each rate")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    kinds = ("bare", "durable", "gateway")
    results = {kind: [] for kind in kinds}
    with stage() as (scratch, _):
        receiver = compile_receiver(scratch)
        for number in range(options.runs):
            # Each in turn the first: what else this machine does must not meet the same one each time.
            for kind in kinds[number % len(kinds):] + kinds[:number % len(kinds)]:
                results[kind].append(measure(kind, options, receiver))
                print(json.dumps(dict(run=number + 1) | results[kind][-1]), flush=True)
    print(json.dumps({
        rate: dict(
            {kind: median(result[rate]["cpu_us"] for result in results[kind]) for kind in kinds},
            ratio=round(median(
                ours[rate]["cpu_us"] / bare[rate]["cpu_us"] for ours, bare in zip(results["gateway"], results["durable"])), 2))
        for rate in options.rates}))
    if any(result["wrong_last_values"] for result in results["gateway"]):
        sys.exit("the tree does not hold every last value")


if __name__ == "__main__":
    main()
