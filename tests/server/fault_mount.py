"""fault_mount.py - tests/faults/fault_fs mounted for a test. SPDX-License-Identifier: Apache-2.0"""
import os
import subprocess
import time


class NoFuse(Exception):
    """File systems cannot be mounted here; the text says why."""


class FaultMount:
    """A file system in memory at `path`, which is made. command() takes what tests/faults/fault_rules.c lists and gives its answer."""

    def __init__(self, program, path, mib=1024):
        self.path = path
        os.makedirs(path, exist_ok=True)
        if not os.path.exists('/dev/fuse'):
            raise NoFuse('there is no /dev/fuse')
        self.process = subprocess.Popen([program, path, '-s', str(mib)], stderr=subprocess.PIPE)
        end = time.monotonic() + 10
        while not os.path.ismount(path):
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise NoFuse(self.process.stderr.read().decode().strip() or 'fault_fs did not mount')
            time.sleep(0.01)

    def command(self, text):
        with open(os.path.join(self.path, '.ctl'), 'r+b', buffering=0) as f:
            f.write(text.encode())
            f.seek(0)
            answer = f.read(1000).decode().strip()
        if answer.startswith('error'):
            raise AssertionError(answer)
        return answer

    def unmount(self):
        subprocess.run(['umount', '-l', self.path], check=False)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
