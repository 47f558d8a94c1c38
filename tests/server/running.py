"""running.py - a firn server started by a test on a free port. Shared by the tests. SPDX-License-Identifier: Apache-2.0"""
import glob
import os
import signal
import socket
import subprocess
import time

from http_ask import Client


class Running:
    """`url` answers once the constructor returns; stop() gives the exit code, `errors` then what the server said."""

    def __init__(self, firn, path, *more, env=None, config=None):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        os.makedirs(path, exist_ok=True)
        self.log = os.path.normpath(path) + '.log'
        command = [firn, 'server', '--path', path, '--http-port', str(self.port)] + list(more)
        if config:
            with open(path + '.yaml', 'w') as f:
                f.write(config)
            command += ['--config', path + '.yaml']
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ, **(env or {})))
        self.url = 'http://127.0.0.1:%d' % self.port
        end = time.time() + 60
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.time() > end:
                    self.stop()
                    raise AssertionError('firn did not start: ' + self.errors[-2000:])
                time.sleep(0.02)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with open(self.log, errors='replace') as log:
            self.errors = log.read()
        return self.process.returncode


class Server:
    """One data directory: started, stopped or killed, and started again over what is there. ask() is over a connection that lives as long."""

    def __init__(self, firn, data, config=None):
        self.firn, self.data, self.config = firn, data, config
        self.start()

    def start(self):
        self.running = Running(self.firn, self.data, config=self.config)
        self.ask = Client(self.running.url).ask

    def stop(self, how=signal.SIGTERM):
        code = self.running.stop(how)
        assert how != signal.SIGTERM or code == 0, 'exit code %s: %s' % (code, self.running.errors[-2000:])

    def again(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()


def overwrite_in_newest_part(data, value):
    """Damage below a server that is stopped: the first byte of `value` is another one wherever the value stands in the part file that was
    written last."""
    file = max(glob.glob(os.path.join(data, 'store', '*', '*.part')), key=os.path.getmtime)
    with open(file, 'r+b') as f:
        whole = f.read()
        assert value in whole, 'the value does not stand in %s' % file
        f.seek(0)
        f.write(whole.replace(value, bytes([value[0] ^ 0x20]) + value[1:]))
