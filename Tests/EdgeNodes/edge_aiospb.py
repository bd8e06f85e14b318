"""An edge node with a device as a user of aiospb writes it.

usage: edge_aiospb.py PORT GROUP NAME

What its users have to add: `new_edge_of_node` takes the devices of every edge node but its own, so this program adds
its device by `add_device`.
"""
import asyncio
import logging
import signal
import sys
import time

from aiospb.bootstrap import new_edge_of_node
from aiospb.infra.inmem import InMemReadingStore
from aiospb.infra.paho import MQTTConfig
from aiospb.nodes import MetricInfo, MetricsNetwork, NodeDevice
from aiospb.shared import DataType, DeviceKey, NodeOptions

port, group, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
NODE = DeviceKey(f"{group}/{name}")
DEVICE = DeviceKey(f"{group}/{name}/dev")
UPTIME, SPEED, ON, MODE = 1, 2, 3, 4


class Machine(MetricsNetwork):
    """What the library scans and writes, by alias."""

    def __init__(self):
        self.started = time.monotonic()
        self.values = {SPEED: 100.0, ON: False, MODE: "ready"}

    def get_device_keys(self):
        return [NODE, DEVICE]

    async def get_info(self, key):
        if key == NODE:
            return [MetricInfo("uptime", DataType.Int32, alias=UPTIME)]
        return [
            MetricInfo("Outputs/Speed", DataType.Float, alias=SPEED),
            MetricInfo("Outputs/On", DataType.Boolean, alias=ON),
            MetricInfo("Mode", DataType.String, alias=MODE),
        ]

    async def read(self, key, alias=0, name=""):
        return int(time.monotonic() - self.started) if alias == UPTIME else self.values[alias]

    async def write(self, key, value, alias=0, name=""):
        print("write", key.path, name, alias, value, flush=True)
        self.values[alias] = value
        return alias

    async def connect_device(self, key):
        pass

    async def disconnect_device(self, key):
        pass


async def main():
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    machine = Machine()
    node = new_edge_of_node(NODE.path, MQTTConfig("127.0.0.1", port), NodeOptions(scan_rate=1000), machine)
    node.add_device(NodeDevice(DEVICE, machine, InMemReadingStore()))
    await node.establish_session()
    await stopped.wait()
    await node.terminate_session()


logging.basicConfig(level=logging.INFO)
asyncio.run(main())
