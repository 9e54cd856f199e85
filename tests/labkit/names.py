"""Who is where in the lab. The addresses are the real world's where an agent asks for them by default."""

from __future__ import annotations

BOX = "192.168.66.2"
ROUTER = "192.168.66.1"
ROUTER_WAN, GROUND = "100.64.0.2", "100.64.0.1"
ROUTER_NETWORK = "100.64.0.0/30"
SKY, SERVER = "198.51.100.2", "198.51.100.1"
SATELLITE = "100.64.9.1"
ANCHORS = ("1.1.1.1", "8.8.8.8")
NAME_SERVER = "9.9.9.9"
PAGE = "203.0.113.80"

SERVER_NAME = "servidor.example"
PAGE_NAME = "pagina.example"
ADDRESSES = {SERVER_NAME: SERVER, PAGE_NAME: PAGE}

BROKER_PORT = 8883
TEST_PORT = 8080
PORTAL_PORT = 8080
HTTP_PAGE = f"http://{PAGE_NAME}/generate_204"
HTTPS_PAGE = f"https://{PAGE_NAME}/"
