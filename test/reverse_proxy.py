# Copyright 2026 The oht50_bridge Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""The nginx of config/system in front of a bridge."""

import contextlib
import shutil
import subprocess

import pytest
from support import ROOT
from support import free_port
from support import wait_for

CONFIGURATION = ROOT / 'config' / 'system' / 'nginx.conf'


def needs(program):
    """Return where a program is; skip the test where it is not."""
    path = shutil.which(program, path='/usr/sbin:/usr/bin:/sbin:/bin')
    return path or pytest.skip(f'{program} is not installed')


@contextlib.contextmanager
def nginx(directory, bridge_port):
    """Run nginx with our file in front of a port; give its port and certificate."""
    program = needs('nginx')
    certificate, port = directory / 'certificate.pem', free_port()
    subprocess.run(
        [
            'openssl',
            'req',
            '-x509',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:P-256',
            '-nodes',
            '-days',
            '2',
            '-subj',
            '/CN=localhost',
            '-addext',
            'subjectAltName=DNS:localhost,IP:127.0.0.1',
            '-keyout',
            directory / 'key.pem',
            '-out',
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    text = CONFIGURATION.read_text()
    for old, new in (
        ('/etc/oht50/tls', str(directory)),
        ('/var/log/nginx', str(directory)),
        ('127.0.0.1:8000', f'127.0.0.1:{bridge_port}'),
        ('listen 443', f'listen 127.0.0.1:{port}'),
        ('    listen [::]:443 ssl;\n', ''),
    ):
        assert old in text
        text = text.replace(old, new)
    (directory / 'oht50.conf').write_text(text)
    main = directory / 'nginx.conf'
    temporary = ' '.join(
        f'{name}_temp_path {directory}/{name};'
        for name in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')
    )
    main.write_text(
        f'daemon off; pid {directory}/pid; events {{}}\n'
        f'http {{ {temporary} include {directory}/oht50.conf; }}\n'
    )
    command = [program, '-e', str(directory / 'error.log'), '-c', str(main)]
    done = subprocess.run([*command, '-t'], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        # The check left an empty one.
        wait_for((directory / 'pid').read_text, what='nginx runs')
        yield port, certificate
    finally:
        process.terminate()
        process.wait(10)
