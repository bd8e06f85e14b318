#!/usr/bin/env python3
"""How long until an update has reached every one of many sessions that watch one node.

Opens N sessions (default 10,000) against a running server, each with a data watch on one node; then sets the node and
reads the clock when the event of the last session has arrived. Nothing but the standard library.

  linekeeper tree serve --data /tmp/tree --listen 127.0.0.1:2181 --max-client-connections 0 &
  Benchmarks/tree/fan_out.py 127.0.0.1:2181 --pid $!
"""
import argparse, os, resource, select, socket, struct, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("server")
parser.add_argument("--sessions", type=int, default=10_000)
parser.add_argument("--rounds", type=int, default=10)
parser.add_argument("--pid", type=int, help="the server's process, to tell its memory")
parser.add_argument("--limit-ms", type=float, default=0, help="exit 1 when the median is above")
arguments = parser.parse_args()
host, port = arguments.server.rsplit(":", 1)
address = (host, int(port))

wanted = arguments.sessions + 200
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
if hard != resource.RLIM_INFINITY and hard < wanted:
    sys.exit(f"this needs {wanted} open files, the system allows {hard}")
resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

CONNECT = struct.pack(">iiqiqi", 45, 0, 0, 40_000, 0, 16) + bytes(16) + b"\0"


def frame(body):
    return struct.pack(">i", len(body)) + body


def text(value):
    return struct.pack(">i", len(value)) + value


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            sys.exit("the server closed a connection")
        data += more
    return data


def read_frame(connection):
    return read_exactly(connection, struct.unpack(">i", read_exactly(connection, 4))[0])


def opened():
    connection = socket.create_connection(address, timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(CONNECT)
    return connection


def memory():
    if not arguments.pid:
        return 0.0
    with open(f"/proc/{arguments.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def processor_ms():
    """Processor time that the server has had: tells of its work even when the machine is busy with something else."""
    if not arguments.pid:
        return 0.0
    total = 0
    for task in os.listdir(f"/proc/{arguments.pid}/task"):
        with open(f"/proc/{arguments.pid}/task/{task}/schedstat") as schedstat:
            total += int(schedstat.read().split()[0])
    return total / 1e6


NODE = b"/fan-out-%d" % time.time_ns()
WATCH = frame(struct.pack(">ii", 1, 4) + text(NODE) + b"\1")
SET = frame(struct.pack(">ii", 2, 5) + text(NODE) + text(b"x" * 100) + struct.pack(">i", -1))
PING = frame(struct.pack(">ii", -2, 11))

writer = opened()
read_frame(writer)
acl = struct.pack(">ii", 1, 31) + text(b"world") + text(b"anyone")
writer.sendall(frame(struct.pack(">ii", 1, 1) + text(NODE) + text(b"") + acl + struct.pack(">i", 0)))
read_frame(writer)

before = memory()
began = time.monotonic()
watchers = []
while len(watchers) < arguments.sessions:
    batch = [opened() for _ in range(min(500, arguments.sessions - len(watchers)))]
    for connection in batch:
        read_frame(connection)
    watchers += batch
print(f"{len(watchers)} sessions in {time.monotonic() - began:.1f} s")

poll = select.epoll()
by_descriptor = {}
for connection in watchers:
    connection.setblocking(True)
    by_descriptor[connection.fileno()] = connection
    poll.register(connection.fileno(), select.EPOLLIN)

times = []
work = []
for _ in range(arguments.rounds):
    for connection in watchers:
        connection.sendall(WATCH)
    for connection in watchers:
        read_frame(connection)
    writer.sendall(PING)
    read_frame(writer)
    time.sleep(0.2)
    receive = {descriptor: connection.recv for descriptor, connection in by_descriptor.items()}
    left = len(watchers)
    work_before = processor_ms()
    began = time.perf_counter()
    writer.sendall(SET)
    while left:
        ready = poll.poll(10, 4096)
        if not ready:
            sys.exit(f"{left} sessions heard nothing within 10 s")
        for descriptor, _ in ready:
            receive[descriptor](4096)
        left -= len(ready)
    times.append((time.perf_counter() - began) * 1000)
    read_frame(writer)
    work.append(processor_ms() - work_before)

times.sort()
median = times[len(times) // 2]
print(f"update to the last of {len(watchers)}: median {median:.1f} ms, best {times[0]:.1f}, worst {times[-1]:.1f}")
if arguments.pid:
    print(f"processor time of the server for one update: median {sorted(work)[len(work) // 2]:.1f} ms")
    print(f"server memory: {before:.0f} MB before, {memory():.0f} MB with all sessions and watches")
sys.exit(1 if arguments.limit_ms and median > arguments.limit_ms else 0)
