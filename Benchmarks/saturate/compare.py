#!/usr/bin/env python3
"""What a message costs a gateway, beside a loop around libmosquitto that does nothing but count, while the broker is saturated.

usage: compare.py --linekeeper PATH [--devices 2500] [--tags 20] [--messages 200000] [--runs 5] [--no-alarms]

In turn, each with a broker of its own, as many publishes (QoS 1 both ways, one JSON value per message) as the broker takes:

- bare: ../bare_receiver.c, which has the settings of the gateway's listening connection.
- bare-paced: the same, which also waits as long between two bursts as the gateway does, and so costs less.
- gateway: a gateway whose tree is another process. At the end every tag in the tree must hold the last value.
- unwritten: the same gateway while no server of its tree runs: it does everything but write values into the tree, which it does
  once the server is back. What gateway costs beyond that is the tree's writes.

For each: processor time of that process (user and system) per message, and messages per second until the last one has been taken.
Ends with status 1 when a last value is wrong, when a message is missing, or when unwritten costs more than 1.3 times as much as
bare-paced, by the median of the ratios of the runs. Quote ratios.
"""
import argparse
import contextlib
import json
import pathlib
import sys
import time

from kazoo.client import KazooClient

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from measuring import Publisher, compile_receiver, cpu_seconds, load_average, median, resident_mb, rest, stage, wait_for  # noqa: E402
from plant import (  # noqa: E402
    FILTER, QUIET, SHIPPED_BROKER, configure, ensemble, start_broker, start_tree, topics, wrong_values)

ALLOWED = 1.3
PORTION = 500
PAUSES = {"bare": 0, "bare-paced": 500}
KINDS = (*PAUSES, "gateway", "unwritten")


class Load:
    """Publishes growing numbers on all topics in turn, and remembers the last one of each."""

    def __init__(self, port, topics):
        self.publisher = Publisher(port)
        self.topics = topics
        self.last = {}

    def publish(self, count, pause=0.0):
        """`count` is a multiple of `PORTION`."""
        for start in range(self.publisher.sent, self.publisher.sent + count, PORTION):
            messages = []
            for number in range(start, start + PORTION):
                topic = self.topics[number % len(self.topics)]
                self.last[topic] = number
                messages.append((topic.encode(), b'{"v":%d,"ts":%d}' % (number, time.time_ns() // 1_000_000)))
            self.publisher.publish(messages)
            time.sleep(pause)


def measure(kind, options, receiver):
    with stage() as (scratch, run), contextlib.ExitStack() as closing:
        broker, mqtt = start_broker(run, scratch, *SHIPPED_BROKER)
        load = Load(mqtt, topics(options.devices, options.tags))
        if kind in PAUSES:
            measured = run([receiver, str(mqtt), FILTER, str(PAUSES[kind])], kind)
            wait_for("the subscription", lambda: "READY" in (scratch / kind).read_text())
        else:
            server, zookeeper = start_tree(run, scratch, options.linekeeper)
            configuration = configure(
                scratch / "gw1", mqtt, ensemble(zookeeper),
                {"high": ("other/+/+/t0" if options.no_alarms else FILTER, QUIET, "low")},
                route=["time: /ts", "staleAfter: 600s"])
            measured = run([options.linekeeper, "run", "--config", configuration], kind)
            wait_for("the gateway", lambda: "the broker is heard" in (scratch / kind).read_text())

        def tree():
            client = KazooClient(hosts=f"127.0.0.1:{zookeeper}", timeout=30)
            client.start(60)
            # Before its server goes: the client would look for it without end.
            closing.callback(lambda: (client.stop(), client.close()))
            return client

        # The first message on a topic costs more than any other, and its node has to be made.
        load.publish(len(load.topics), pause=0.05)
        rest(measured.pid)
        if kind == "gateway":
            client = tree()
            wait_for("the first value of every tag", lambda: not wrong_values(client, load.last), 120)
        if kind == "unwritten":
            server.kill()
            wait_for("the loss of the tree", lambda: "connection lost" in (scratch / kind).read_text())
        rest(measured.pid)

        cpu, of_broker, begin = cpu_seconds(measured.pid), cpu_seconds(broker.pid), time.monotonic()
        load.publish(options.messages)
        offered = time.monotonic() - begin
        rest(measured.pid)
        # The last half second was rest.
        took = time.monotonic() - begin - 0.5
        cpu, of_broker = cpu_seconds(measured.pid) - cpu, cpu_seconds(broker.pid) - of_broker
        resident = resident_mb(measured.pid)

        if kind in PAUSES:
            measured.terminate()
            measured.wait(10)
            wrong = load.publisher.sent - int((scratch / kind).read_text().split()[-1])
        else:
            if kind == "unwritten":
                start_tree(run, scratch, options.linekeeper, zookeeper)
                client = tree()
            with contextlib.suppress(SystemExit):
                wait_for("the last value of every tag", lambda: not wrong_values(client, load.last), 60)
            wrong = len(wrong_values(client, load.last))
        return dict(
            kind=kind, tags=len(load.topics), messages=options.messages, offered_per_s=round(options.messages / offered),
            taken_per_s=round(options.messages / took), cpu_us_per_message=round(cpu / options.messages * 1e6, 2),
            broker_cpu_us_per_message=round(of_broker / options.messages * 1e6, 2), resident_mb=resident,
            wrong_or_missing=wrong, load=load_average())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linekeeper", required=True)
    parser.add_argument("--devices", type=int, default=2500)
    parser.add_argument("--tags", type=int, default=20, help="tags per device")
    parser.add_argument("--messages", type=int, default=200_000, help="that are measured, a multiple of 500")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-alarms", action="store_true", help="without the alarm on every tag")
    options = parser.parse_args()
    if options.messages % PORTION or options.devices * options.tags % PORTION:
        parser.error(f"messages, and devices by tags, must be multiples of {PORTION}")
    costs = {kind: [] for kind in KINDS}
    failures = []
    with stage() as (scratch, _):
        receiver = compile_receiver(scratch)
        for number in range(options.runs):
            # Each in turn the first: what else this machine does must not meet the same one each time.
            for kind in KINDS[number % len(KINDS):] + KINDS[:number % len(KINDS)]:
                result = measure(kind, options, receiver)
                print(json.dumps(dict(run=number + 1, **result)), flush=True)
                costs[kind].append(result["cpu_us_per_message"])
                if result["wrong_or_missing"]:
                    failures.append(f"run {number + 1}, {kind}: {result['wrong_or_missing']} values wrong or missing")

    def ratio(kind, to):
        return round(median(a / b for a, b in zip(costs[kind], costs[to])), 2)

    summary = {kind: median(of_kind) for kind, of_kind in costs.items()}
    print(json.dumps(dict(
        median_cpu_us_per_message=summary,
        ratios={f"{kind}/{to}": ratio(kind, to) for kind in ("unwritten", "gateway") for to in PAUSES}, allowed=ALLOWED,
        share_of_the_trees_writes=round(1 - summary["unwritten"] / summary["gateway"], 2))))
    if (found := ratio("unwritten", "bare-paced")) > ALLOWED:
        failures.append(f"without the tree's writes a message costs {found} times as much as in the bare loop")
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
