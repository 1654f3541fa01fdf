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
import argparse
import asyncio
import contextlib
import io
import json
import os
import re
import subprocess
import threading

import pytest
from clients.proxy import Proxy
from gateway.serving import Serving
from gateway.serving import make_event
from rich.console import Console
from support import OHT50
from support import started

from oht50_bridge.cli import watch
from oht50_bridge.cli.watch import View
from oht50_bridge.cli.watch import follow
from oht50_bridge.cli.watch import text_of
from oht50_bridge.client import Gap

pytestmark = pytest.mark.cover_processes


def message(kind, **data):
    return json.loads(make_event(kind, **data).model_dump_json())


def screen(view, width=200):
    console = Console(width=width, file=io.StringIO())
    console.print(view.render())
    return console.file.getvalue()


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (None, '-'),
        (0.5, '0.500'),
        (3, '3'),
        (True, 'True'),
        ('ready', 'ready'),
        ({'x': 1.0, 'y': None}, 'x 1.000, y -'),
    ],
)
def test_text_of_a_value(value, text):
    assert text_of(value) == text


def test_values_are_replaced_and_events_are_kept():
    view = View('ws://x/')
    assert 'connecting' in screen(view)
    for x in (1.0, 33250.0):
        view.put(message('telemetry.realtime', position={'x': x, 'y': 0.0, 'z': 0.0}))
    for number in range(watch.EVENTS_SHOWN + 2):
        view.put(message('safety.estop', estop_id=f'stop-{number:02d}'))
    view.put({'type': 'error', 'error_code': 'WS-003'})
    text = screen(view)
    assert '33250.000' in text and '│ 1.000' not in text
    assert 'stop-01' not in text and 'stop-02' in text and 'stop-09' in text
    assert 'WS-003' not in text
    assert f'{watch.EVENTS_SHOWN + 5}' in text.split('events received')[1].splitlines()[0]


def test_the_reasons_are_values():
    view = View('ws://x/')
    for kind in ('mission.state', 'safety.state', 'system.alarms'):
        view.put(message(kind))
    rows = {
        cells[1].strip(): cells[2].strip()
        for cells in (line.split('│') for line in screen(view).splitlines())
        if len(cells) > 3
    }
    assert rows['mission'] == 'held'
    assert rows['mission waits'] == 'obstacle at 0.30 m'
    assert rows['no motion'].count('the emergency stop button is pressed') == 1
    assert rows['alarms'] == 'NET-002'
    assert 'mission.state' not in screen(view)


def test_a_value_has_an_age_and_an_old_one_is_called_old():
    now = [100.0]
    view = View('ws://x/', clock=lambda: now[0])
    assert 'no data' in screen(view)
    view.put(message('telemetry.realtime'))
    now[0] += 0.4
    assert '0.4 s' in screen(view) and 'old' not in screen(view)
    now[0] += 4.0
    (battery,) = (line for line in screen(view).splitlines() if 'battery' in line)
    assert '85.200' in battery and '4.4 s old' in battery
    view.connection('not connected (refused)', 3.0)
    assert 'not connected (refused); trying again in 3 s' in screen(view)
    now[0] += 2.0
    assert 'trying again in 1 s' in screen(view)
    view.connection('connected')
    assert 'again' not in screen(view)


def test_a_screen_that_cannot_be_drawn_is_not_left_as_it_was():
    drawn = []

    def refresh():
        drawn.append(threading.current_thread())
        if len(drawn) == 3:
            raise RuntimeError('a text that cannot be drawn')

    with pytest.raises(RuntimeError, match='cannot be drawn'):
        asyncio.run(watch.show(refresh, asyncio.sleep(60.0)))
    assert set(drawn) == {threading.current_thread()}, 'a thread of its own may fail unseen'


def test_nothing_is_cut_off_at_80_columns():
    view = View('ws://vehicle.example:8000/ws/telemetry')
    view.put(message('telemetry.realtime', position={'x': 123456.789, 'y': 0.0, 'z': -1500.25}))
    view.put(message('safety.estop', estop_id='estop-0f3a5c7e9b1d'))
    view.gap(Gap('2026-11-23T10:31:10.000Z', '2026-11-23T10:31:52.000Z'))
    text = screen(view, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert '…' not in text
    assert '123456.789' in text and '-1500.250' in text
    joined = ''.join(re.sub(r'[│┃\s]', '', line.split('│')[-2]) for line in rows(text))
    assert 'estop-0f3a5c7e9b1d' in joined
    assert 'eventsmaybemissingsince2026-11-23T10:31:10.000Z' in joined


def rows(text):
    return [line for line in text.splitlines() if line.startswith('│')]


@pytest.mark.parametrize(
    ('text', 'seen'),
    [
        ('[/x]', '[/x]'),
        ('[bold', '[bold'),
        ('\x1b]52;c;eA==\x07', '\\x1b]52;c;eA==\\x07'),
        ('a\r\nb', 'a\\r\\nb'),
        ('\x9b2J\u202e', '\\x9b2J\\u202e'),
    ],
)
def test_text_of_an_event_is_shown_as_it_is_and_controls_nothing(text, seen):
    view = View('ws://x/')
    view.put(message('safety.estop', estop_id=text))
    view.put(message('system.status', status='idle') | {'data': {'status': text, 'state': text}})
    assert screen(view).count(seen) == 3


def test_a_line_of_json_controls_nothing(capsys):
    text = 'a\r\n\x1b]52\x7f\x9b\u202e ö'
    watch.Lines('ws://x/').put({'reason': text})
    line = capsys.readouterr().out
    assert json.loads(line) == {'reason': text}
    assert line[:-1].isprintable() and 'ö' in line


@pytest.mark.processes
@pytest.mark.parametrize('locale', [{'LC_ALL': 'C'}, {'PYTHONIOENCODING': 'ascii:strict'}])
def test_what_the_locale_cannot_show_is_a_question_mark(locale):
    async def body():
        async with Serving() as server:
            process = await asyncio.create_subprocess_exec(
                *OHT50,
                'watch',
                server.url,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ
                | {
                    'OHT50_TOKEN': server.token('viewer'),
                    'PYTHONUTF8': '0',
                    'PYTHONCOERCECLOCALE': '0',
                }
                | locale,
            )
            assert process.stdout is not None
            await server.until(lambda: server.gateway.stats().clients == 1)
            server.gateway.publish(make_event('safety.estop', estop_id='Jörg 起'))
            line = await asyncio.wait_for(process.stdout.readline(), 20)
            process.terminate()
            _, err = await process.communicate()
            return line, err

    line, err = asyncio.run(asyncio.wait_for(body(), 60))
    assert json.loads(line)['data']['estop_id'] == 'J?rg ?'
    assert b'Traceback' not in err


def test_it_shows_the_events_of_a_bridge(monkeypatch):
    async def body():
        async with Serving() as server:
            monkeypatch.setenv('OHT50_TOKEN', server.token('viewer'))
            view = View(server.url)
            task = asyncio.create_task(
                follow(argparse.Namespace(url=server.url), view, again=False)
            )
            await server.until(lambda: view.state == 'connected')
            server.gateway.publish(make_event('safety.estop', estop_id='e1'))
            await server.until(lambda: 'e1' in screen(view))
            await server.gateway.close()
            await task
            assert view.state.startswith('not connected (')

    asyncio.run(asyncio.wait_for(body(), 30))


def test_it_connects_again_after_a_lost_connection_and_shows_the_gap(monkeypatch):
    async def body():
        proxy = Proxy()
        await proxy.accept()
        url = f'ws://127.0.0.1:{proxy.port}/ws/telemetry'
        view = View(url)
        async with Serving() as first:
            monkeypatch.setenv('OHT50_TOKEN', first.token('viewer'))
            proxy.target = first.gateway.port
            task = asyncio.create_task(follow(argparse.Namespace(url=url), view, again=True))
            await first.until(lambda: view.state == 'connected')
        async with Serving() as second:
            await second.until(lambda: 'trying again in' in screen(view))
            assert 'not connected (' in screen(view)
            proxy.target = second.gateway.port
            await second.until(lambda: view.state == 'connected')
            second.gateway.publish(make_event('safety.estop', estop_id='e2'))
            await second.until(lambda: 'e2' in screen(view))
            assert 'events may be missing since' in screen(view)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await proxy.refuse()

    asyncio.run(asyncio.wait_for(body(), 30))


def test_a_token_that_is_refused_is_tried_again_later(monkeypatch):
    monkeypatch.setattr(watch, 'DENIED_RETRY', 0.05)
    monkeypatch.setenv('OHT50_TOKEN', 'wrong')

    async def body():
        async with Serving(failure_delay=0.0) as server:
            view = View(server.url)
            task = asyncio.create_task(
                follow(argparse.Namespace(url=server.url), view, again=True)
            )
            await server.until(lambda: 'WS-001' in view.state)
            monkeypatch.setenv('OHT50_TOKEN', server.token('viewer'))
            await server.until(lambda: view.state == 'connected')
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    asyncio.run(asyncio.wait_for(body(), 30))


def run_piped(url, token, lines):
    """Run the command with a pipe; read lines, close the pipe, return lines and the end."""
    with started(
        [*OHT50, 'watch', url],
        env={**os.environ, 'OHT50_TOKEN': token},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        read = [process.stdout.readline() for _ in range(lines)]
        process.stdout.close()
        return read, process.wait(20), process.stderr.read()


@pytest.mark.processes
def test_without_a_terminal_it_writes_each_event_as_a_line_of_json():
    async def body():
        async with Serving() as server:
            url = server.url
            reading = asyncio.create_task(
                asyncio.to_thread(run_piped, url, server.token('viewer'), 2)
            )
            while not reading.done():
                server.gateway.publish(make_event('safety.estop', estop_id='é'))
                await asyncio.sleep(0.01)
            lines, code, said = await reading
        events = [json.loads(line) for line in lines]
        assert [event['data']['estop_id'] for event in events] == ['é', 'é']
        assert (code, said) == (0, f'{url}: connected\n')

    asyncio.run(asyncio.wait_for(body(), 30))


@pytest.mark.processes
def test_without_a_terminal_it_ends_with_the_connection():
    lines, code, said = run_piped('ws://127.0.0.1:9/', 'x', 1)
    assert lines == [''] and code == 1
    assert said.startswith('ws://127.0.0.1:9/: not connected (') and 'Traceback' not in said
