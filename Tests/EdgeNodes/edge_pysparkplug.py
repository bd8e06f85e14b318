"""An edge node with a device as a user of pysparkplug writes it.

usage: edge_pysparkplug.py PORT GROUP NAME

What its users have to add: the library says that a birth is asked for and gives none, so this program connects again.
"""
import signal
import sys
import threading
import time

import pysparkplug as spb

port, group, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
speed, on = 100.0, False
started = time.monotonic()
rebirth_asked, stopped = threading.Event(), threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopped.set())


def metric(metric_name, datatype, value):
    return spb.Metric(timestamp=spb.get_current_timestamp(), name=metric_name, datatype=datatype, value=value)


def of_node():
    return (metric("uptime", spb.DataType.INT32, int(time.monotonic() - started)),)


def of_device():
    return (
        metric("Outputs/Speed", spb.DataType.FLOAT, speed),
        metric("Outputs/On", spb.DataType.BOOLEAN, on),
        metric("Mode", spb.DataType.STRING, "ready"),
    )


def node_command(_, message):
    for asked in message.payload.metrics:
        print("NCMD", asked.name, asked.value, flush=True)
        if asked.name == "Node Control/Rebirth":
            rebirth_asked.set()


def device_command(edge, message):
    global speed, on
    for asked in message.payload.metrics:
        print("DCMD", asked.name, asked.value, flush=True)
        if asked.name == "Outputs/Speed":
            speed = asked.value
        elif asked.name == "Outputs/On":
            on = asked.value
    edge.update_device("dev", of_device())


def connect():
    edge = spb.EdgeNode(
        group, name, (metric("Node Control/Rebirth", spb.DataType.BOOLEAN, False), *of_node()), cmd_callback=node_command)
    edge.register(spb.Device("dev", of_device(), cmd_callback=device_command))
    edge.connect("127.0.0.1", port=port)
    return edge


edge = connect()
while not stopped.wait(1):
    if rebirth_asked.is_set():
        rebirth_asked.clear()
        print("born again", flush=True)
        edge.disconnect()
        edge = connect()
    else:
        edge.update(of_node())
edge.disconnect()
