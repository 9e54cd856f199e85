"""The MQTT broker that `aldea up` brings along: mosquitto where it is installed, amqtt elsewhere."""

from aldea.deploy.broker.base import Broker, BrokerError, free_port, start_broker

__all__ = ["Broker", "BrokerError", "free_port", "start_broker"]
