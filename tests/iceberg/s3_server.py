"""s3_server.py - a local S3 server that checks signatures (SeaweedFS), filled with a folder. Shared by the tests against S3.
SPDX-License-Identifier: Apache-2.0"""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

KEY, SECRET = 'AKTEST', 'SKTEST12345'


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class S3Server:
    """`url` is the endpoint. Objects are put through the filer, which is not signed; everything read goes through S3."""

    def __init__(self, weed, log):
        self.path = tempfile.mkdtemp(prefix='firn-s3-')
        keys = os.path.join(self.path, 'keys.json')
        with open(keys, 'w') as f:
            json.dump({'identities': [{'name': 'test', 'credentials': [{'accessKey': KEY, 'secretKey': SECRET}], 'actions': ['Admin', 'Read', 'Write', 'List', 'Tagging']}]}, f)
        # weed derives gRPC ports as port + 10000: keep below 50000
        while True:
            self.s3, self.master, self.volume, self.filer = free_ports(4)
            if max(self.s3, self.master, self.volume, self.filer) < 50000 and len({self.s3, self.master, self.volume, self.filer}) == 4:
                break
        self.log = open(log, 'wb')
        self.process = subprocess.Popen([weed, 'server', '-ip=127.0.0.1', '-ip.bind=127.0.0.1', '-dir=' + self.path, '-filer', '-s3', '-s3.port=%d' % self.s3,
                                         '-s3.config=' + keys, '-master.port=%d' % self.master, '-volume.port=%d' % self.volume, '-filer.port=%d' % self.filer,
                                         '-master.volumeSizeLimitMB=64', '-volume.max=20', '-s3.port.iceberg=0'], stdout=self.log, stderr=subprocess.STDOUT)
        self.url = 'http://127.0.0.1:%d' % self.s3
        self.wait()

    def wait(self):
        end = time.time() + 60
        while True:
            try:
                self.put('ready/x', b'1')
                with socket.create_connection(('127.0.0.1', self.s3), 1):
                    return
            except (OSError, urllib.error.URLError):
                if time.time() > end or self.process.poll() is not None:
                    self.stop()
                    raise RuntimeError('the S3 server did not start, see ' + self.log.name)
                time.sleep(0.2)

    def put(self, key, data):
        url = 'http://127.0.0.1:%d/buckets/%s' % (self.filer, urllib.parse.quote(key))
        request = urllib.request.Request(url, data, method='PUT', headers={'Content-Type': 'application/octet-stream'})
        urllib.request.urlopen(request, timeout=30).read()

    def put_folder(self, folder, bucket):
        """Every file below folder as an object of the bucket; the number of them."""
        count = 0
        for root, _, files in os.walk(folder):
            for f in files:
                path = os.path.join(root, f)
                with open(path, 'rb') as data:
                    self.put(bucket + '/' + os.path.relpath(path, folder), data.read())
                count += 1
        return count

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.path, ignore_errors=True)
