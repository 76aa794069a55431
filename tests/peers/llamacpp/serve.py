"""Serves a model file by the HTTP server of llama.cpp on a free port, until it is told to end.

Runs in the environment which tests/peers/setup makes, not in that of the tests. Usage: serve.py FILE
"""

import signal
import sys

import xllamacpp


def main(path: str) -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.model_alias = {"tiny-llama"}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = 2048
    parameters.n_parallel = 2
    parameters.cpuparams.n_threads = 1
    parameters.offline = True
    parameters.warmup = True
    server = xllamacpp.Server(parameters)
    # The library goes on logging from its own threads: this line may begin behind half a line of theirs.
    print(f"tiny-llama answers at {server.listening_address}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main(sys.argv[1])
