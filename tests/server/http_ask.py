"""http_ask.py - the smallest client: one statement, one answer. Shared by the server tests. SPDX-License-Identifier: Apache-2.0"""
import http.client
import urllib.parse


class Failure(Exception):
    """The server's error: code and text."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text = code, text


class Client:
    """One keep-alive connection. ask() gives the text of the answer, raises Failure for an error of the server and OSError or
    http.client.HTTPException when the connection is lost."""

    def __init__(self, url, timeout=60, **parameters):
        u = urllib.parse.urlparse(url)
        self.connection = http.client.HTTPConnection(u.hostname, u.port, timeout=timeout)
        self.parameters = parameters

    def ask(self, sql, **parameters):
        path = '/?' + urllib.parse.urlencode(dict(self.parameters, **parameters))
        self.connection.request('POST', path, sql.encode() if isinstance(sql, str) else sql)
        answer = self.connection.getresponse()
        text = answer.read().decode('utf-8', 'replace')
        code = answer.getheader('X-ClickHouse-Exception-Code')
        if code or answer.status >= 400:
            raise Failure(int(code or 0), text)
        if '__exception__' in text[-4096:]:
            raise Failure(-1, text[-1000:])
        return text

    def close(self):
        self.connection.close()
