#!/usr/bin/env python3
"""A bridge from MQTT to a ZooKeeper tree as one would write it in an afternoon with paho-mqtt and kazoo.

usage: python_bridge.py MQTT-PORT ZOOKEEPER-HOST:PORT PREFIX

Every message on factory/+/+/+ becomes the data of PREFIX/<topic>, newest value first: at most one write a tag is under way,
and what arrives meanwhile replaces what waits. Prints READY once it has subscribed.
"""
import json
import queue
import signal
import sys
import threading

import paho.mqtt.client as mqtt
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

WINDOW = 500  # writes under way at once


class Bridge:
    def __init__(self, zookeeper, prefix):
        self.prefix = prefix
        self.tree = KazooClient(hosts=zookeeper)
        self.tree.start()
        self.lock = threading.Lock()
        self.waiting = {}  # tag -> newest value not yet written
        self.under_way = set()
        self.turns = queue.SimpleQueue()
        self.room = threading.Semaphore(WINDOW)
        threading.Thread(target=self.write_forever, daemon=True).start()

    def on_message(self, client, userdata, message):
        reading = json.loads(message.payload)
        record = {"v": reading["v"], "q": "good", "t": reading["ts"]}
        data = json.dumps(record, separators=(",", ":")).encode()
        with self.lock:
            fresh = message.topic not in self.waiting and message.topic not in self.under_way
            self.waiting[message.topic] = data
        if fresh:
            self.turns.put(message.topic)

    def write_forever(self):
        while True:
            tag = self.turns.get()
            self.room.acquire()
            with self.lock:
                data = self.waiting.pop(tag)
                self.under_way.add(tag)
            path = f"{self.prefix}/{tag}"
            self.tree.set_async(path, data).rawlink(lambda result, t=tag, p=path, d=data: self.written(t, p, d, result))

    def written(self, tag, path, data, result):
        if isinstance(result.exception, NoNodeError):
            made = self.tree.create_async(path, data, makepath=True)
            made.rawlink(lambda result: self.written(tag, path, data, result))
            return
        self.room.release()
        with self.lock:
            self.under_way.discard(tag)
            if result.exception is not None:
                self.waiting.setdefault(tag, data)
            again = tag in self.waiting
        if again:
            self.turns.put(tag)


def main():
    port, zookeeper, prefix = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    bridge = Bridge(zookeeper, prefix)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="python-bridge")
    client.on_message = bridge.on_message
    client.on_connect = lambda c, u, f, r, p: c.subscribe("factory/+/+/+", 1)
    client.on_subscribe = lambda *a: print("READY", flush=True)
    client.connect("127.0.0.1", port)
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(0))
    client.loop_start()
    signal.pause()


if __name__ == "__main__":
    main()
