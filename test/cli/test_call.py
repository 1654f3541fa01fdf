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
import asyncio
import json

import pytest
from clients.proxy import Proxy
from gateway.serving import Serving

from oht50_bridge.cli.call import fields_of
from oht50_bridge.cli.call import parse_field
from oht50_bridge.cli.main import main
from oht50_bridge.cli.options import CommandError
from oht50_bridge.gateway.commands import CommandOutcome


@pytest.mark.parametrize(
    ('text', 'field'),
    [
        ('rate=5', ('rate', 5)),
        ('rate=0.5', ('rate', 0.5)),
        ('reason=drill', ('reason', 'drill')),
        ('reason="5"', ('reason', '5')),
        ('reason=', ('reason', '')),
        ('reason=a=b', ('reason', 'a=b')),
        ('events=["mission.*"]', ('events', ['mission.*'])),
        ('resume=true', ('resume', True)),
    ],
)
def test_a_value_is_json_else_text(text, field):
    assert parse_field(text) == field


@pytest.mark.parametrize(
    ('command', 'text', 'field'),
    [
        ('emergency_stop', 'reason=911', ('reason', '911')),
        ('emergency_stop', 'reason=null', ('reason', 'null')),
        ('start_mission', 'mission_id=7', ('mission_id', '7')),
        ('start_mission', 'mission_type=transport', ('mission_type', 'transport')),
        ('start_mission', 'payload_kg=7', ('payload_kg', 7)),
        ('clear_estop', 'estop_id=1e5', ('estop_id', '1e5')),
        ('rollback_config', 'to_version=1.0', ('to_version', '1.0')),
        ('set_maintenance', 'active=true', ('active', True)),
        ('update_config', 'changes={"max_velocity": 2}', ('changes', {'max_velocity': 2})),
        ('no_command', 'x=5', ('x', 5)),
    ],
)
def test_a_field_that_is_a_text_is_not_guessed(command, text, field):
    assert dict(fields_of(command, [text])) == dict([field])


@pytest.mark.parametrize('text', ['type=ping', 'request_id=5', 'x', 'reason=J\udcf6rg'])
def test_a_stop_is_sent_without_what_cannot_be_sent(text, capsys):
    assert fields_of('emergency_stop', [text, 'reason=fire']) == {'reason': 'fire'}
    assert 'left out' in capsys.readouterr().err
    with pytest.raises(CommandError):
        fields_of('pause_mission', [text])


def test_a_text_is_utf8_in_every_locale():
    text = 'reason=Jörg'.encode().decode('ascii', 'surrogateescape')
    assert fields_of('emergency_stop', [text]) == {'reason': 'Jörg'}


@pytest.mark.parametrize('text', ['', 'rate', '=5'])
def test_a_field_without_name_or_value_is_refused(text):
    with pytest.raises(CommandError, match='FIELD=VALUE'):
        parse_field(text)


def call(*arguments, **settings):
    """Run `oht50 call` against a gateway; return the exit code and the commands it got."""

    async def body():
        async with Serving(**settings) as server:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv('OHT50_TOKEN', server.token('operator'))
                command = ['call', *arguments, '--url', server.url]
                code = await asyncio.to_thread(main, command)
            return code, [command for command, _ in server.commands]

    return asyncio.run(asyncio.wait_for(body(), 30))


def test_the_reply_is_printed_as_json(capsys):
    code, (command,) = call('emergency_stop', 'reason=drill')
    reply = json.loads(capsys.readouterr().out)
    assert (code, reply['accepted'], command.reason) == (0, True, 'drill')


@pytest.mark.parametrize(
    'field', ['reason=911', 'reason', 'reason=\x1b]52', 'x=1', 'request_id=5']
)
def test_a_stop_reaches_the_vehicle_whatever_its_fields_are(field, capsys):
    code, (command,) = call('emergency_stop', field)
    reply = json.loads(capsys.readouterr().out)
    assert (code, reply['accepted'], command.type) == (0, True, 'emergency_stop')


@pytest.mark.parametrize(
    'arguments',
    [
        ['--role', 'operator', 'emergency_stop', 'reason=fire', 'x=1'],
        ['emergency_stop', '--role', 'operator', 'reason=fire', 'x=1'],
        ['emergency_stop', 'reason=fire', '--role', 'operator', 'x=1'],
    ],
)
def test_a_field_may_follow_an_option(arguments, capsys):
    code, (command,) = call(*arguments)
    assert (code, command.type, command.reason) == (0, 'emergency_stop', 'fire')


@pytest.mark.parametrize(
    'arguments', [['call', 'ping', '--reson', 'fire'], ['params', 'check', 'x', 'y']]
)
def test_what_no_option_and_no_field_is_is_an_error(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert 'usage: oht50' in capsys.readouterr().err


def test_a_stop_is_sent_where_what_was_left_out_cannot_be_said(capsys, no_stderr):
    with no_stderr():
        code, (command,) = call('emergency_stop', 'fire')
    assert (code, command.type) == (0, 'emergency_stop')


@pytest.mark.parametrize(
    ('command', 'said'),
    [
        ('emergency_stop', 'before the emergency stop was confirmed. Nobody says that the'),
        ('pause_mission', 'no reply has come; it may have happened'),
    ],
)
def test_who_interrupts_a_command_is_not_left_with_a_success(command, said, capsys, monkeypatch):
    monkeypatch.setenv('OHT50_TOKEN', 'x')

    async def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr('oht50_bridge.cli.call.send', interrupted)
    assert main(['call', command]) == 1
    output = capsys.readouterr()
    assert output.out == '' and said in output.err


def test_the_reply_cannot_control_the_terminal(capsys):
    async def answer(command, caller):
        return CommandOutcome(True, 'a\x1b]52;\x9b\u202e', {})

    call('get_config', handler=answer)
    out = capsys.readouterr().out
    assert json.loads(out)['message'] == 'a\x1b]52;\x9b\u202e'
    assert out.isascii() and '\x1b' not in out


def test_a_rejected_command_is_exit_code_1(capsys):
    async def reject(command, caller):
        return CommandOutcome(False, 'the emergency stop is latched', {})

    code, _ = call('pause_mission', handler=reject)
    reply = json.loads(capsys.readouterr().out)
    assert (code, reply['message']) == (1, 'the emergency stop is latched')


def test_an_error_goes_to_standard_error(capsys):
    code, commands = call('clear_estop')
    output = capsys.readouterr()
    assert (code, output.out, commands) == (1, '', [])
    assert 'oht50 call: ws://' in output.err and 'WS-006' in output.err


@pytest.mark.parametrize('command', ['emergency_stop', 'get_config'])
def test_only_a_stop_is_sent_again_to_a_bridge_that_is_restarted(command):
    async def body():
        proxy = Proxy()
        await proxy.accept()
        async with Serving() as server:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv('OHT50_TOKEN', server.token('operator'))
                url = f'ws://127.0.0.1:{proxy.port}/ws/telemetry'
                calling = asyncio.create_task(
                    asyncio.to_thread(main, ['call', command, '--url', url])
                )
                # Until two attempts, or the only one, found no bridge behind the proxy.
                await server.until(lambda: len(proxy.links) == 2 or calling.done())
                proxy.target = server.gateway.port
                code = await calling
            proxy.reset()
            await proxy.refuse()
            return code, [command.type for command, _ in server.commands]

    code, commands = asyncio.run(asyncio.wait_for(body(), 30))
    assert (code, commands) == ((0, [command]) if command == 'emergency_stop' else (1, []))


def test_a_stop_that_is_not_answered_is_sent_again_and_its_outcome_is_stated(capsys, monkeypatch):
    monkeypatch.setattr('oht50_bridge.cli.call.STOP_RETRIED', 1.0)
    code, commands = call('emergency_stop', answers={'emergency_stop': None}, command_timeout=5.0)
    assert code == 1 and len(commands) >= 2
    said = capsys.readouterr().err
    assert 'sent, but not confirmed within 1.0 s' in said
    assert 'press the emergency stop button' in said


def test_a_stop_that_the_vehicle_does_not_accept_is_no_stop(capsys, monkeypatch):
    monkeypatch.setattr('oht50_bridge.cli.call.STOP_RETRIED', 0.3)

    async def reject(command, caller):
        return CommandOutcome(False, 'no motor board', {})

    code, _ = call('emergency_stop', handler=reject)
    said = capsys.readouterr().err
    assert code == 1
    assert 'refused within' in said and 'no motor board. Nobody says that' in said


def test_a_command_without_a_reply_may_have_happened(capsys, monkeypatch):
    monkeypatch.setattr('oht50_bridge.cli.call.REPLY_TIMEOUT', 0.2)
    code, commands = call('pause_mission', answers={'pause_mission': None})
    assert (code, len(commands)) == (1, 1)
    assert (
        'no reply to pause_mission within 0.2 s; it may have happened' in capsys.readouterr().err
    )


def test_a_stop_that_reaches_no_bridge_says_that_nothing_stops(capsys, monkeypatch):
    monkeypatch.setenv('OHT50_TOKEN', 'x')
    monkeypatch.setattr('oht50_bridge.cli.call.STOP_RETRIED', 0.2)
    assert main(['call', 'emergency_stop', '--url', 'ws://127.0.0.1:9/']) == 1
    said = capsys.readouterr().err
    assert 'could not be sent' in said and 'press the emergency stop button' in said


def test_a_bridge_that_cannot_be_reached_is_named(capsys, monkeypatch):
    monkeypatch.setenv('OHT50_TOKEN', 'x')
    assert main(['call', 'ping', '--url', 'ws://127.0.0.1:9/']) == 1
    assert 'oht50 call: ws://127.0.0.1:9/' in capsys.readouterr().err
