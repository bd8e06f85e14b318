// libmosquitto's client API, and the names of MQTT 5 (property identifiers, reason codes).
#include <mosquitto.h>
#include <mqtt_protocol.h>
