"""Reading children for tests that read hundreds of files, started once and not for every file.

`ForkedReaders` forks each file's child from a process that has everything loaded: a process of its own, with the
environment, the limits and the exit codes of the real one. `LastingReaders` has one child read file after file, until
one breaks it. Run as a program this is that process: one request a line, one exit code a line.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time

_WITH_DRIVERS = {"gpkg", "shp", "geojson", "kml", "fgb"}


class ForkedReaders:
    """Stands in for `gridgeo.readers.bounded.start_child`; one loaded process for each set of drivers."""

    forking = True

    def __init__(self):
        self.loaded = {}
        self.turn = threading.Lock()

    def __call__(self, request, kind, out, timeout_s):
        with self.turn:  # an import reads its files side by side
            return self._read(request, kind, out, timeout_s)

    def _read(self, request, kind, out, timeout_s):
        drivers = kind if kind in _WITH_DRIVERS else "csv"
        server = self.loaded.get(drivers) or self._start(drivers)
        server.stdin.write(json.dumps([request, str(out), timeout_s]) + "\n")
        server.stdin.flush()
        if not self.forking and not select.select([server.stdout], [], [], timeout_s)[0]:
            server.kill()
        said = server.stdout.readline()
        code = json.loads(said) if said else self._bury(drivers)
        if code is None or code == -9:
            raise subprocess.TimeoutExpired("reader", timeout_s)
        return code

    def _start(self, drivers):
        from gridgeo.readers.bounded import child_environment

        self.loaded[drivers] = subprocess.Popen(
            [sys.executable, __file__, str(int(self.forking))],
            env=child_environment(drivers),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self.loaded[drivers]

    def _bury(self, drivers):
        server = self.loaded.pop(drivers)
        code = server.wait()
        server.stdin.close()
        server.stdout.close()
        return code

    def close(self):
        for drivers, server in list(self.loaded.items()):
            server.stdin.close()
            self._bury(drivers)


class LastingReaders(ForkedReaders):
    """The same without forking: for thousands of files."""

    forking = False


def serve(*, forking):
    import geopandas  # noqa: F401 - loaded for the children
    import pyogrio  # noqa: F401
    import python_calamine  # noqa: F401

    from gridgeo.readers import child, osm_pass, tables, vectors  # noqa: F401

    for line in sys.stdin:
        request, out, timeout_s = json.loads(line)
        code = fork(child, request, out, timeout_s) if forking else child.run(request, out)
        sys.stdout.write(json.dumps(code) + "\n")
        sys.stdout.flush()


def fork(child, request, out, timeout_s):
    number = os.fork()
    if number == 0:
        os._exit(child.run(request, out))
    deadline = time.monotonic() + timeout_s
    while (done := os.waitpid(number, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(number, 9)
            os.waitpid(number, 0)
            return None
        time.sleep(0.001)
    return os.waitstatus_to_exitcode(done[1])


if __name__ == "__main__":
    serve(forking=sys.argv[1] == "1")
