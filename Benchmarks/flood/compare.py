#!/usr/bin/env python3
"""Raises the alarms of very many tags at once, and asks the command line about them while they stand.

usage: compare.py --linekeeper PATH [--beside PATH] [--tags 10000] [--runs 1]

For each program: seconds until a listener has heard the event of every alarm, and how many times as long that is as a bare
client takes to send as many messages of that size through the same broker; processor time; memory a tag; and seconds that
status, tags, alarms and devices take. `--beside` measures another build in turn. Figures of one run on one machine may be
compared with each other and with nothing else; quote ratios and medians.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from measuring import (  # noqa: E402
    Listener, Publisher, cpu_seconds, free_port, resident_mb, rest, stage, wait_for)
from plant import configure, start_broker  # noqa: E402


def bare(mqtt, count, size):
    """Seconds for as many messages of that size from a bare client to a bare client."""
    listener, publisher = Listener(mqtt, b"bare"), Publisher(mqtt)
    begin = time.monotonic()
    publisher.publish((b"bare", bytes(size)) for _ in range(count))
    wait_for("the bare messages", lambda: listener.count >= count, seconds=120)
    return time.monotonic() - begin


def measure(linekeeper, tags):
    with stage() as (scratch, run):
        _, mqtt = start_broker(run, scratch, "max_inflight_messages 2000")
        configuration = configure(
            scratch / "gw1", mqtt, f"{{ embedded: {{ data: {scratch}/tree, listen: '127.0.0.1:{free_port()}' }} }}",
            {"hot": ("factory/+/+/temperature", 85, "high")}, route=["reporting: onChange"])
        gateway = run([linekeeper, "run", "--config", configuration], "gateway")
        wait_for("the gateway", lambda: "the broker is heard" in (scratch / "gateway").read_text())
        alone = resident_mb(gateway.pid)

        def ask(what):
            begin = time.monotonic()
            answer = subprocess.run(
                [linekeeper, what, "--config", configuration], capture_output=True, check=False)
            # 3 says that something is wrong with the plant, such as a gateway that this machine lets wait.
            if answer.returncode not in (0, 3):
                sys.exit(f"{what}: exit status {answer.returncode}: {answer.stderr.decode()}")
            return round(time.monotonic() - begin, 2)

        topics = [b"factory/line%d/machine%d/temperature" % (n // 100, n % 100) for n in range(tags)]
        publisher = Publisher(mqtt)
        publisher.publish((topic, b'{"v":20}') for topic in topics)
        rest(gateway.pid)
        loaded = resident_mb(gateway.pid)
        listener = Listener(mqtt, b"linekeeper/bench/alarm-events")
        cpu, begin = cpu_seconds(gateway.pid), time.monotonic()
        publisher.publish((topic, b'{"v":90}') for topic in topics)
        wait_for("the event of every alarm", lambda: listener.count >= tags, seconds=120)
        took, cpu = time.monotonic() - begin, cpu_seconds(gateway.pid) - cpu
        rest(gateway.pid)
        floor = bare(mqtt, tags, listener.bytes // tags)
        return dict(
            linekeeper=str(linekeeper), tags=tags, all_announced_s=round(took, 2), bare_s=round(floor, 2),
            times_bare=round(took / floor, 1), cpu_s=round(cpu, 2),
            memory_bytes_per_tag=round((loaded - alone) * (1 << 20) / tags),
            **{what + "_s": ask(what) for what in ("status", "tags", "alarms", "devices")})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linekeeper", required=True)
    parser.add_argument("--beside", help="another build, measured in turn")
    parser.add_argument("--tags", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    for _ in range(options.runs):
        for linekeeper in filter(None, [options.beside, options.linekeeper]):
            print(json.dumps(measure(linekeeper, options.tags)), flush=True)


if __name__ == "__main__":
    main()
