"""An edge node with a device as a user of mqtt-spb-wrapper writes it.

usage: edge_mqtt_spb_wrapper.py PORT GROUP NAME [--twice]

Births of this library say `DATA/speed` and `CMD/setpoint`; its data says `speed`, and it obeys `setpoint`. With --twice
this program sets each metric under both names, so that births, data and commands have one in common, and keeps the bare
name out of the data, where it would be one that no birth has.

What its users have to add: `include_spb_rebirth` of the library calls a birth once, before there is a connection, and
none when it is asked for. Callbacks come on threads of the two connections, and sequence numbers are shared without a lock,
so that all is published by the main thread.
"""
import queue
import signal
import sys
import time

from mqtt_spb_wrapper import MqttSpbEntityDevice, MqttSpbEntityEdgeNode

port, group, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
twice = "--twice" in sys.argv[4:]
inbox = queue.SimpleQueue()
signal.signal(signal.SIGTERM, lambda *_: inbox.put(("stop", None)))

edge = MqttSpbEntityEdgeNode(group, name, include_spb_rebirth=False)
device = MqttSpbEntityDevice(group, name, "dev")


def births():
    edge.publish_birth()
    device.publish_birth()


def set_data(entity, metric, value):
    entity.data.set_value(metric, value)
    if twice:
        entity.data.set_value(f"DATA/{metric}", value)
        entity.data[metric].is_updated = False


def asks(what):
    return lambda value: inbox.put((what, value))


edge.commands.set_value("Node Control/Rebirth", False, callback_on_change=asks("rebirth"))
set_data(edge, "uptime", 0)
set_data(device, "speed", 100.0)
set_data(device, "on", False)
set_data(device, "mode", "ready")
device.commands.set_value("setpoint", 1.0, callback_on_change=asks("setpoint"))
if twice:
    device.commands.set_value("CMD/setpoint", 1.0, callback_on_change=asks("setpoint"))

for entity in (edge, device):
    while not entity.connect("127.0.0.1", port):
        time.sleep(0.5)
births()
started = time.monotonic()
seconds = 0
while True:
    try:
        what, value = inbox.get(timeout=max(0, started + seconds + 1 - time.monotonic()))
    except queue.Empty:
        seconds += 1
        set_data(edge, "uptime", seconds)
        edge.publish_data()
        continue
    print(what, value, flush=True)
    if what == "rebirth":
        births()
    elif what == "setpoint":
        set_data(device, "speed", value)
        device.publish_data()
    else:
        break
edge.disconnect()
device.disconnect()
