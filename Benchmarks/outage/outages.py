#!/usr/bin/env python3
"""A gateway under full load whose tree goes away for a minute: what it costs in memory and messages, and how soon all is written.

usage: outages.py --linekeeper PATH [--only stopped killed slow flood] [--seconds 60] [--devices 1000] [--tags 10] [--rate 7500]

- stopped: the tree server is stopped (SIGSTOP) for so many seconds, and continues.
- killed: it is killed, and started again after so many seconds.
- slow: for so many seconds it stands still for one second of every four, which no session ends by.
- flood: as stopped, and meanwhile 1,000 alarms are raised and return, five times each.

Values are published until a second before the tree is back. For each: resident memory of the gateway before, at most during, and
after the outage; messages that were shed or are missing; after how many seconds from the tree's return (the server goes on, or
takes connections again) the gateway was connected, and the last values of all tags had been written, by the times of the nodes;
with flood, what was announced. Ends with status 1 when a last value is wrong, a message is missing, the gateway has ended, an event
is missing, announced twice or before an older one of its alarm, when the last values were written more than a second after the
return, or when the outage cost more than 64 MiB.
"""
import argparse
import contextlib
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from kazoo.client import KazooClient

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from measuring import Listener, Publisher, load_average, resident_mb, rest, stage, wait_for  # noqa: E402
from plant import (  # noqa: E402
    PLANT, QUIET, SHIPPED_BROKER, Plant, configure, ensemble, path, start_broker, start_tree, topics, wrong_values)

KINDS = ("stopped", "killed", "slow", "flood")
FLOODED = 1000
CHANGES = 10
# The default of tree.sessionTimeout, by which the gateway's connection is known among others.
SESSION_TIMEOUT_MS = 4000
ALLOWED_SECONDS = 1.0
ALLOWED_MB = 64


class Memory:
    """Looks at a process's resident memory ten times a second."""

    def __init__(self, pid):
        self.pid, self.most, self.ended = pid, 0, False
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        while not self.ended:
            with contextlib.suppress(OSError):
                self.most = max(self.most, resident_mb(self.pid))
            time.sleep(0.1)

    def take(self):
        """The most since the last call, in MiB."""
        most, self.most = self.most, 0
        return most


class Flood:
    """Raises and returns alarms, and compares what is announced with what was published."""

    def __init__(self, port):
        self.publisher = Publisher(port, b"flood")
        self.listener = Listener(port, f"linekeeper/{PLANT}/alarm-events".encode(), keeps=True)
        self.topics = [f"factory/line{n % 10}/machine{n // 10}/flips" for n in range(FLOODED)]
        self.number = 0
        self.expected = {}

    def change(self, isHigh):
        """One value of each tag; its amount says when it was published, its sign whether it is above the limit."""
        messages = []
        for topic in self.topics:
            self.number += 1
            value = self.number if isHigh else -self.number
            self.expected.setdefault(topic, []).append(value)
            messages.append((topic.encode(), b'{"v":%d}' % value))
        self.publisher.publish(messages)

    def told(self):
        """What was announced, in figures, and what is wrong with it."""
        by_tag, events = {topic: [] for topic in self.topics}, []
        for payload in self.listener.payloads:
            event = json.loads(payload)
            # The gateway's own faults are alarms as well.
            if event["tag"] in by_tag:
                by_tag[event["tag"]].append(event)
                events.append(event)
        # The first value of each was no change.
        expected = sum(len(values) - 1 for values in self.expected.values())
        twice = len(events) - len({(event["tag"], event["revision"]) for event in events})
        wrong = [topic for topic, values in self.expected.items()
                 if [event["value"] for event in by_tag[topic]] != values[1:]]
        # What waits at once is recorded in the order of its dates over all alarms. Its announcements keep the order of each alarm
        # alone, and what is computed later may be dated earlier.
        dates = [event["changedAt"] for event in events]
        behind_younger = sum(first > second for first, second in zip(dates, dates[1:]))
        figures = dict(
            events=len(events), events_expected=expected, events_twice=twice, alarms_out_of_order_or_incomplete=len(wrong),
            events_behind_younger_ones_of_other_alarms=behind_younger)
        failures = []
        if twice or wrong or len(events) != expected:
            failures.append(f"events: {figures}, such as {[by_tag[topic] for topic in wrong[:1]]}")
        return figures, failures


def connected_at(port):
    """When the tree server took the gateway's present connection, in seconds since 1970."""
    with socket.create_connection(("127.0.0.1", port)) as server:
        server.sendall(b"cons")
        text = b""
        while got := server.recv(1 << 16):
            text += got
    times = re.findall(rf"est=(\d+),to={SESSION_TIMEOUT_MS}\b", text.decode())
    if not times:
        sys.exit(f"the gateway is not connected to the tree: {text.decode()}")
    return int(times[-1]) / 1000


def counters(linekeeper, configuration):
    answer = subprocess.run(
        [linekeeper, "status", "--json", "--config", configuration], capture_output=True, check=False, text=True)
    for line in answer.stdout.splitlines():
        item = json.loads(line)
        if item.get("kind") == "gateway":
            return item.get("counters", {})
    return {}


def measure(kind, options):
    with stage() as (scratch, run), contextlib.ExitStack() as closing:
        _, mqtt = start_broker(run, scratch, *SHIPPED_BROKER)
        server, zookeeper = start_tree(run, scratch, options.linekeeper)
        configuration = configure(
            scratch / "gw1", mqtt, ensemble(zookeeper),
            {"high": ("factory/+/+/t0", QUIET, "low"), "flips": ("factory/+/+/flips", 0, "low")},
            settings=[f"state: {scratch}/state"])
        gateway = run([options.linekeeper, "run", "--config", configuration], "gateway")
        wait_for("the gateway", lambda: "the broker is heard" in (scratch / "gateway").read_text())
        memory = Memory(gateway.pid)
        closing.callback(lambda: setattr(memory, "ended", True))
        plant = Plant(mqtt, topics(options.devices, options.tags), options.rate)
        plant.fill()
        flood = Flood(mqtt) if kind == "flood" else None
        if flood:
            flood.change(isHigh=False)
        plant.start()
        time.sleep(10)
        before = memory.take()

        def last_seconds():
            """The plant falls silent, and the gateway takes what is on its way."""
            plant.stop()
            time.sleep(1)

        begin = time.time()
        if kind == "slow":
            # Of the last round only the stop.
            for left in reversed(range(max(1, int(options.seconds / 4)))):
                server.send_signal(signal.SIGSTOP)
                time.sleep(1)
                if left > 0:
                    server.send_signal(signal.SIGCONT)
                    time.sleep(3)
            last_seconds()
        else:
            if kind == "killed":
                server.kill()
                server.wait()
            else:
                server.send_signal(signal.SIGSTOP)
            for number in range(CHANGES):
                time.sleep(options.seconds / CHANGES)
                if flood:
                    flood.change(isHigh=number % 2 == 0)
            last_seconds()
        during, lasted = memory.take(), time.time() - begin
        back = time.time()
        if kind == "killed":
            server, _ = start_tree(run, scratch, options.linekeeper, zookeeper)
            back = time.time()
        else:
            server.send_signal(signal.SIGCONT)
        # Nobody asks the server before the gateway has had its time.
        time.sleep(4)
        connected = connected_at(zookeeper)
        tree = KazooClient(hosts=f"127.0.0.1:{zookeeper}", timeout=30)
        tree.start(30)
        # Before its server goes: the client would look for it without end.
        closing.callback(lambda: (tree.stop(), tree.close()))
        with contextlib.suppress(SystemExit):
            wait_for("the last value of every tag", lambda: not wrong_values(tree, plant.last), 60)
        wrong = wrong_values(tree, plant.last)
        answers = [tree.get_async(path(topic)) for topic in plant.last]
        written = max(answer.get()[1].mtime for answer in answers) / 1000
        if flood:
            with contextlib.suppress(SystemExit):
                wait_for("the events", lambda: flood.told()[0]["events"] >= FLOODED * CHANGES, 60)
            # In which none may come twice.
            time.sleep(2)
        rest(gateway.pid)
        after = memory.take()
        published = plant.published + (flood.number if flood else 0)
        figures = {}

        def counted():
            nonlocal figures
            figures = counters(options.linekeeper, configuration)
            return figures.get("samples", 0) >= published

        with contextlib.suppress(SystemExit):
            wait_for("the count of all messages", counted, 15)
        has_ended = gateway.poll() is not None
        log = (scratch / "gateway").read_text()
        # A short stop leaves the connection as it was.
        connected = max(connected, back)
        result = dict(
            kind=kind, tags=len(plant.last), rate=options.rate, outage_s=round(lasted, 1), published=published,
            missing=published - figures.get("samples", 0), shed=figures.get("mqttShed"), pauses=figures.get("mqttPauses"),
            acknowledgements_forced=figures.get("mqttAcknowledgementsForced"), connections=figures.get("mqttConnections"),
            resident_mb=dict(before=before, during=during, after=after), sessions_expired=log.count("session expired"),
            connected_after_s=round(connected - back, 2), written_after_s=round(written - back, 2),
            wrong_last_values=len(wrong), gateway_ended=has_ended, load=load_average())
        failures = []
        if wrong:
            failures.append(f"{kind}: {len(wrong)} wrong last values, such as {wrong[:3]}")
        if result["missing"] or result["shed"]:
            failures.append(f"{kind}: {result['missing']} messages missing, {result['shed']} shed")
        if has_ended:
            failures.append(f"{kind}: the gateway has ended: {log[-2000:]}")
        if result["written_after_s"] > ALLOWED_SECONDS:
            failures.append(f"{kind}: written {result['written_after_s']} s after the tree's return")
        if max(during, after) - before > ALLOWED_MB:
            failures.append(f"{kind}: {before} MiB before, {during} during and {after} after the outage")
        if flood:
            told, wrongs = flood.told()
            result |= told | dict(announced_after_s=round(flood.listener.heard_at - back, 2))
            failures += wrongs
        if options.logs:
            pathlib.Path(f"{options.logs}-{kind}.log").write_text(log)
        return result, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linekeeper", required=True)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, help="these kinds")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--tags", type=int, default=10, help="tags per device")
    parser.add_argument("--rate", type=int, default=7500, help="messages per second")
    parser.add_argument("--logs", metavar="BEGINNING", help="keep the gateways' logs in BEGINNING-KIND.log")
    options = parser.parse_args()
    failures = []
    for kind in options.only:
        result, wrong = measure(kind, options)
        print(json.dumps(result), flush=True)
        failures += wrong
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
