"""A stock collector, rotel, between a stock OpenTelemetry program and Brokle. The program sends to the collector, which
forwards to OTEL_EXPORTER_OTLP_ENDPOINT by OTEL_EXPORTER_OTLP_PROTOCOL. Prints what the program prints."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import rotel

import send_signals

READY_WITHIN_SECONDS = 20
STOPPED_WITHIN_SECONDS = 20


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"the collector ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("the collector did not listen in time")


agent = pathlib.Path(rotel.__file__).with_name("rotel-agent")
agent.chmod(0o755)
grpc, http = free_port(), free_port()
protocol = "grpc" if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc" else "http"
with tempfile.TemporaryDirectory() as folder:
    process = subprocess.Popen(
        [
            agent, "start", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}",
            "--exporter", "otlp", "--otlp-exporter-endpoint", os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
            "--otlp-exporter-protocol", protocol,
            "--otlp-exporter-custom-headers", os.environ["OTEL_EXPORTER_OTLP_HEADERS"],
            "--pid-file", f"{folder}/pid", "--log-file", f"{folder}/log", "--batch-timeout", "100ms",
        ],
        stdout=sys.stderr,
    )
    try:
        wait_for(grpc, process)
        # The program knows the collector only, and has no key.
        del os.environ["OTEL_EXPORTER_OTLP_HEADERS"]
        os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{grpc}"
        sent = send_signals.send()
    finally:
        # It sends what it holds before it ends.
        process.terminate()
        process.wait(timeout=STOPPED_WITHIN_SECONDS)
print(json.dumps(sent))
