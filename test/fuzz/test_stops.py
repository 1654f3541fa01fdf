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
"""Stops, clears, restarts of nodes and steps of the clock in adversarial orders.

The classes are those of the vehicle; processes, DDS and all clocks are held by the test. A node
is killed at any message, messages take their time and meet a late reader as DDS delivers them.
"""

import asyncio
import itertools
import random
import selectors
import time
from types import SimpleNamespace

from fuzz.seconds import SECONDS
from fuzz.seconds import new_seed

from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.gateway.history import EventHistory
from oht50_bridge.gateway.hub import Hub
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.reported_stops import ReportedStops
from oht50_bridge.gateway.state_fanout import StateFanout
from oht50_bridge.hardware.motion_guard import Heartbeat
from oht50_bridge.hardware.motion_guard import MotionGuard
from oht50_bridge.msg import StopRequests
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.estop_services import EstopServices
from oht50_bridge.nodes.hardware_node import HardwareNode
from oht50_bridge.nodes.requested_stops import RequestedStops
from oht50_bridge.nodes.safety_node import SafetyNode
from oht50_bridge.nodes.safety_publisher import SafetyPublisher
from oht50_bridge.nodes.stop_relay import StopRelay
from oht50_bridge.nodes.to_wire import to_wire
from oht50_bridge.protocol.rates import TokenBucket
from oht50_bridge.srv import ClearEstop
from oht50_bridge.srv import EmergencyStop
from oht50_bridge.stop_reason import StopReason
from oht50_bridge.vehicle.estop import LATCH_FILE
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop_follower import EstopFollower
from oht50_bridge.vehicle.estop_order import EstopOrder
from oht50_bridge.vehicle.estop_order import LatchEvent
from oht50_bridge.vehicle.held_stops import HeldStops
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError

TICK = 0.05  # s, of heartbeats and of the other commander
QUIET = 6.0  # s, after which everything has settled that is not disturbed any more
STEPS = 25  # of one run
ENOUGH = 100  # runs, in which something must have been cleared and have moved


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is held by the test: a wait takes no time."""

    class Selector(selectors.DefaultSelector):
        """Passes the time instead of waiting."""

        now = 0.0

        def select(self, timeout=None):
            self.now += timeout or 0.0
            return super().select(0)

    def __init__(self):
        self.passing = self.Selector()
        super().__init__(self.passing)

    def time(self):
        return self.passing.now


class Bus:
    """DDS as its readers see it: delays, order per writer, and last values for late readers."""

    def __init__(self, chance):
        self._chance = chance
        self._readers = {}  # (process, topic): callback
        self._values = {}  # (process, topic): last values
        self._free = {}  # (writer, reader, topic): moment after the message before

    def join(self, process, topic, callback):
        """Let a process read a topic, which gets the last values of the others a little later."""
        self._readers[process, topic.name] = callback
        for (writer, name), values in list(self._values.items()):
            if name == topic.name:
                for value in values:
                    self._send(writer, process, name, value, self._chance.uniform(0.05, 0.4))

    def publish(self, process, topic, message):
        """Deliver to who reads now; keep for who joins."""
        if not process.alive:
            return
        depth = topic.qos.depth
        values = self._values.setdefault((process, topic.name), [])
        values.append(message)
        del values[:-depth]
        for reader, name in list(self._readers):
            if name == topic.name:
                self._send(process, reader, name, message, self._chance.uniform(0.0, 0.02))

    def leave(self, process):
        """Forget a process that was killed, with the values it held for late readers."""
        for table in (self._readers, self._values):
            for key in [key for key in table if key[0] is process]:
                del table[key]

    def _send(self, writer, reader, name, message, delay):
        loop = asyncio.get_running_loop()
        # Never at the same moment, of which a loop keeps no order.
        at = max(loop.time() + delay, self._free.get((writer, reader, name), 0.0) + 1e-6)
        self._free[writer, reader, name] = at

        def deliver():
            callback = self._readers.get((reader, name))
            # A process that was killed more than a moment ago repeats nothing for late readers.
            gone = not writer.alive and writer.ended + 0.05 < loop.time()
            if callback is not None and not gone:
                reader.do(lambda: callback(message))

        loop.call_at(at, deliver)


class KilledError(Exception):
    """The process ends here."""


class Process:
    """One start of a node: alive, hung or killed."""

    def __init__(self, world):
        self.world, self.bus = world, world.bus
        self.alive, self._hung, self._waiting = True, False, []
        self.callbacks = []

    def do(self, work):
        """Do some work now, or when the process goes on."""
        if not self.alive:
            return
        if self._hung:
            self._waiting.append(work)
            return
        try:
            work()
        except KilledError:
            self.kill()

    def hang(self, hung):
        """Suspend it or let it go on (SIGSTOP, SIGCONT)."""
        self._hung = hung
        if not hung:
            work, self._waiting = self._waiting, []
            for each in work:
                self.do(each)

    @property
    def hung(self):
        return self._hung

    def kill(self):
        """End it, as kill -9 does."""
        self.alive = False
        self.ended = asyncio.get_running_loop().time()
        self.bus.leave(self)

    def maybe_die(self):
        """Raise at one of its steps when the world wants it to end amid its work."""
        if self.world.mine is self and self.world.chance.random() < 0.3:
            self.world.mine = None
            raise KilledError

    # What the classes of the vehicle use of a node.

    def create_publisher(self, kind, name, qos):
        topic = SimpleNamespace(name=name, qos=qos)

        def publish(message):
            self.bus.publish(self, topic, message)
            self.maybe_die()

        return SimpleNamespace(publish=publish)

    def create_subscription(self, kind, name, callback, qos, raw=False):
        self.bus.join(self, SimpleNamespace(name=name), callback)

    def create_service(self, kind, name, callback):
        self.world.services[name] = self, callback

    def get_clock(self):
        now = SimpleNamespace(nanoseconds=self.world.wall())
        return SimpleNamespace(now=lambda: now)

    def get_logger(self):
        return SimpleNamespace(warning=lambda *_, **__: None, error=lambda *_, **__: None)


class Safety(Process):
    """safety_node: the latch and its services."""

    _announce = SafetyNode._announce
    _save = SafetyNode._save

    def __init__(self, world):
        super().__init__(world)
        self._latch = EstopLatch(world.path, world.wall)
        trigger, save = self._latch.trigger, self._latch.save

        def triggered(kind, reason, source, request_id=''):
            stop = trigger(kind, reason, source, request_id)
            world.latched.setdefault(reason, set()).add(stop.estop_id)
            return stop

        def saved():
            self.maybe_die()
            save()
            world.on_disk.update(stop.reason for stop in self._latch.stops)

        self._latch.trigger, self._latch.save = triggered, saved
        self._publisher = SafetyPublisher(self, 'map')
        self._services = EstopServices(
            self,
            self._latch,
            self,
            PositionSource(PositionSettings(), TrackSettings(50.0)),
            self._publisher,
            RequestedStops(self, self._latch, self._announce),
            lambda: None,
        )
        for stop in self._latch.stops:
            self._publisher.estop(self._latch, stop)
        self._publisher.clear(self._latch)
        self.started_at, self._count = time.clock_gettime_ns(time.CLOCK_BOOTTIME), 0

    def clear(self, estop_id, now, next_action):
        """Judge a clear, as the sources; a cause is never present here."""
        stops = self._latch.stops
        if not self._latch.clear(estop_id, next_action):
            raise RefusedError('another stop is the newest')
        self.maybe_die()
        self.world.cleared.append((estop_id, stops))

    def _beat(self):
        self._count += 1
        permitted = self._latch.estop is None
        beat = Heartbeat(permitted, 1.0, 1.0, self.started_at, self._count)
        hardware = self.world.hardware
        hardware.do(lambda: hardware.guard.heartbeat(beat))
        self._save()


class Hardware(Process):
    """hardware_node: what stops the motor."""

    _on_estop = HardwareNode._on_estop
    _on_stop_requests = HardwareNode._on_stop_requests
    _publish_held = HardwareNode._publish_held

    def __init__(self, world):
        super().__init__(world)
        self.guard = MotionGuard(1.0, clock=asyncio.get_running_loop().time)
        self._estop, self._held, self._latched = EstopFollower(), HeldStops(), False
        self._vehicle = ''
        self._work = SimpleNamespace(submit=lambda work: None)
        self._release_latch = None
        self._hardware = SimpleNamespace(motor=self, charge=lambda wanted: None)
        self._held_stops = topics.HELD_STOPS.publisher(self)
        topics.STOP_REQUESTS.subscribe(self, self._on_stop_requests)
        topics.ESTOP_STATE.subscribe(self, self._on_estop)

    def estop(self, latched):
        """Stop, or end that; as MotorDriver."""
        change = self.guard.inhibit if latched else self.guard.release
        change(StopReason.ESTOP, 'caller')


class Bridge(Process):
    """bridge_node: takes stops, and reports to clients."""

    def __init__(self, world):
        super().__init__(world)
        requests = topics.STOP_REQUESTS.publisher(self)
        self.relay = StopRelay(
            self, lambda pending: requests.publish(StopRequests(requests=list(pending))), 1.5
        )
        states = StateFanout(
            asyncio.get_running_loop(), TokenBucket(0, 1), lambda kind: 0.0, Counts()
        )
        self.hub = Hub(lambda message: b'', EventHistory('epoch', 1000), states)
        self.order, self.client = EstopOrder(), ReportedStops()
        self.hub.subscribe(self, {'safety.estop': 1.0, 'safety.clear': 1.0})
        for topic in (topics.SAFETY_ESTOP, topics.SAFETY_CLEAR):
            stop = topic is topics.SAFETY_ESTOP

            def on_event(message, stop=stop):
                self.report(self.order.add(LatchEvent(message.counter, stop, message)))

            topic.subscribe(self, on_event)
        topics.ESTOP_STATE.subscribe(
            self,
            lambda state: self.report(self.order.update(state.counter, latched=state.latched)),
        )
        asyncio.get_running_loop().call_later(
            1.0, lambda: self.do(lambda: self.report(self.order.settle()))
        )

    def report(self, messages):
        for message in messages:
            self.hub.publish(to_wire(message))

    def kill(self):
        super().kill()
        for task in list(self.relay._pending):
            task.cancel()

    # The subscriber.

    def may_read(self, kind):
        return True

    def offer(self, event):
        estop_id = getattr(event.event.data, 'estop_id', None)
        if estop_id is not None:
            now = asyncio.get_running_loop().time()
            self.world.reported.setdefault(estop_id, now)
            self.client.add(estop_id, now)

    # The client of the service emergency_stop.

    def service_is_ready(self):
        return 'emergency_stop' in self.world.services

    def call_async(self, request):
        return self.world.call('emergency_stop', request, EmergencyStop.Response())

    def remove_pending_request(self, future):
        pass


class Answer:
    """The future of a response, as that of rclpy."""

    def __init__(self):
        self._callbacks, self._response = [], None

    def add_done_callback(self, callback):
        self._callbacks.append(callback)

    def set(self, response):
        self._response = response
        for callback in self._callbacks:
            callback(self)

    def result(self):
        return self._response


class World:
    """The vehicle, its clients, and what must hold of them."""

    def __init__(self, path, chance):
        self.path, self.chance, self.bus = path, chance, Bus(chance)
        self.services = {}
        self.mine = None  # the process that ends amid its next work
        self.stepped = 0  # s, by which the date was set
        self.latched, self.on_disk = {}, set()  # stops by reason; reasons
        self.cleared, self.reported = [], {}
        self.excused, self.sent = set(), []
        self.moves = self.latches = 0
        self.safety, self.hardware, self.bridge = Safety(self), Hardware(self), Bridge(self)

    def wall(self):
        """Return the date, ns, which anybody may set."""
        return int((1_700_000_000 + self.stepped + asyncio.get_event_loop().time()) * 1e9)

    def call(self, name, request, response):
        """Call a service; what was sent to a process that is gone is never answered."""
        server, callback = self.services[name]
        answer = Answer()
        loop = asyncio.get_running_loop()

        def serve():
            result = callback(request, response)
            loop.call_later(self.chance.uniform(0.0, 0.02), lambda: answer.set(result))

        loop.call_later(self.chance.uniform(0.0, 0.02), lambda: server.do(serve))
        return answer

    # What disturbs it.

    def stop(self):
        reason = f'stop {len(self.sent)}'
        bridge = self.bridge

        async def command():
            try:
                await bridge.relay.stop(reason, 'alice')
            except CommandFailedError:
                pass
            except asyncio.CancelledError:
                pass

        self.sent.append((reason, asyncio.get_running_loop().create_task(command())))

    def clear(self):
        now = asyncio.get_running_loop().time()
        bridge = self.bridge
        if bridge.relay.pending or 'clear_estop' not in self.services:
            return
        named = bridge.client.meant(now)
        if self.chance.random() < 0.3 and self.reported:
            named = self.chance.choice(list(self.reported))
        if named is not None:
            request = ClearEstop.Request(estop_id=named, source='boss')
            self.call('clear_estop', request, ClearEstop.Response())

    def restart(self, name):
        """Kill a node, now or amid its next work, and start it again a little later."""
        process = getattr(self, name)
        if not process.alive:
            return
        if self.chance.random() < 0.5 and name == 'safety':
            self.mine = process
        else:
            process.kill()
        self.note_lost()

    def note_lost(self):
        """Excuse the stops that no living process and no disk knows of any more."""
        for reason, _ in self.sent:
            known = reason in self.on_disk
            known |= self.bridge.alive and any(
                request.reason == reason for request in self.bridge.relay._pending.values()
            )
            known |= self.hardware.alive and any(
                request.reason == reason for request in self.hardware._held.requests
            )
            if not known:
                self.excused.add(reason)

    def revive(self):
        for name, kind in (('safety', Safety), ('hardware', Hardware), ('bridge', Bridge)):
            process = getattr(self, name)
            # What a process sent is there before its successor has started.
            if not process.alive and process.ended + 0.1 <= asyncio.get_running_loop().time():
                self.note_lost()
                for service, (server, _) in list(self.services.items()):
                    if server is process:
                        del self.services[service]
                setattr(self, name, kind(self))

    async def pass_time(self, seconds):
        """Let time pass, while another commander goes on commanding."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            safety, hardware = self.safety, self.hardware
            safety.do(safety._beat)
            hardware.do(lambda hardware=hardware: hardware.guard.drive(0.3))
            self.check_motion()
            await asyncio.sleep(TICK)

    # What must hold.

    def check_motion(self):
        hardware = self.hardware
        if not hardware.alive or hardware.hung:
            return
        if hardware.guard.evaluate().velocity != 0.0:
            self.moves += 1
            assert not hardware._held.requests, 'it moves with a requested stop'
            assert not hardware._latched, 'it moves with a latched stop'

    def check_clears(self):
        for estop_id, stops in self.cleared:
            assert estop_id == stops[-1].estop_id
            assert estop_id in self.reported, f'{estop_id} was cleared by who could not know it'

    def check_rest(self):
        """All is quiet: every stop was latched, and clients are informed of what stands."""
        for reason, _ in self.sent:
            if reason not in self.excused:
                assert reason in self.latched, f'{reason!r} is lost'
        latch = self.safety._latch
        self.latches += len(self.latched)
        shown = [
            event.event for event in self.bridge.hub.last_values(['safety.estop', 'safety.clear'])
        ]
        if latch.stops:
            assert [event.type for event in shown] == ['safety.estop'] * len(shown)
            names = [event.data.estop_id for event in shown]
            assert names[-1] == latch.estop.estop_id, (names, latch.stops)
            assert self.hardware._latched
        elif latch.counter:
            assert [event.type for event in shown] == ['safety.clear'], (latch.counter, shown)
        assert not self.hardware._held.requests
        assert not self.bridge.relay.pending


async def run(world, log):
    chance = world.chance
    await world.pass_time(2.0)
    for _ in range(STEPS):
        action = chance.choices(
            ['stop', 'clear', 'restart', 'hang', 'go on', 'step', 'revive', 'rest'],
            [4, 4, 4, 1, 2, 2, 4, 1],
        )[0]
        name = chance.choice(['safety', 'safety', 'hardware', 'bridge'])
        log.append((round(asyncio.get_running_loop().time(), 2), action, name))
        match action:
            case 'stop' if world.bridge.alive:
                world.stop()
            case 'clear' if world.bridge.alive:
                world.clear()
            case 'restart':
                world.restart(name)
            case 'hang' if name != 'bridge' and getattr(world, name).alive:
                getattr(world, name).hang(True)
            case 'go on':
                for process in (world.safety, world.hardware):
                    process.hang(False)
            case 'step':
                world.stepped += chance.choice([-86400, -3600, -60, -1, 1, 60, 3600])
            case 'revive':
                world.revive()
            case 'rest':
                await world.pass_time(2.0)
        await world.pass_time(chance.choice([0.0, 0.01, 0.1, 0.3, 1.0]))
        world.check_clears()
    world.mine = None
    for process in (world.safety, world.hardware):
        process.hang(False)
    await world.pass_time(0.2)
    world.revive()
    await world.pass_time(QUIET)
    world.check_clears()
    world.check_rest()
    # A bridge that starts now must tell a new client the same.
    world.bridge.kill()
    await world.pass_time(0.2)
    world.revive()
    await world.pass_time(QUIET)
    world.check_rest()


def test_no_order_of_events_loses_a_stop_or_clears_an_unseen_one(tmp_path, capsys):
    seed = new_seed()
    end = time.monotonic() + SECONDS
    runs = stops = moves = excused = cleared = 0
    for number in itertools.count():
        log, loop = [], VirtualLoop()
        directory = tmp_path / str(number)
        directory.mkdir()

        async def one(directory=directory, number=number, log=log):
            world = World(directory / LATCH_FILE, random.Random(f'{seed}-{number}'))
            await run(world, log)
            return world

        try:
            world = loop.run_until_complete(one())
        except BaseException:
            print(f'OHT50_FUZZ_SEED={seed}, run {number}: {log}')
            raise
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
        runs += 1
        stops += len(world.sent)
        moves += world.moves
        excused += len(world.excused)
        cleared += len(world.cleared)
        # A slow machine may need longer until anything was cleared.
        if time.monotonic() >= end and ((moves and cleared) or runs >= ENOUGH):
            break
    with capsys.disabled():
        print(
            f'\nstops: seed {seed}, {runs} runs, {stops} stops ({excused} excused), '
            f'{cleared} clears, {moves} looks at a moving vehicle'
        )
    assert moves > 0
    assert cleared > 0
    assert excused < stops / 2
