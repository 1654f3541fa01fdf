// Copyright 2026 The oht50_bridge Authors
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.
import { BridgeError, NotSent } from 'oht50-client';
import type { Command, Fields, Oht50Client, Reply } from 'oht50-client';

import { Facts } from './facts.js';
import { t } from './i18n/index.js';
import { builtIn } from './logic/access.js';
import type { May } from './logic/access.js';
import { NO_CONNECTION } from './logic/alarms.js';
import { LIMITS, ageOnArrival, telemetryLimit } from './logic/freshness.js';
import type { Freshness } from './logic/freshness.js';
import { NoNewToken, Session } from './session.js';
import { keepSettings } from './settings.js';
import { tone } from './tones.js';
import type { Link, Module, Notice, Vehicle } from './types.js';

const TICK = 250;
const PING_EACH = 2000;
const VEHICLE_SILENT_AFTER = 3000;
/** A hidden page takes telemetry at 1 Hz after so long, ms. */
const HIDDEN_FOR = 60_000;
const RESULT_KEPT = 8000;

/** All that the page knows of the vehicle, and what it may ask of it. */
export class Store extends Facts {
  readonly session: Session;
  roundTrip: number | undefined;
  serverVersion: string | undefined;
  isNewVersion = false;
  isFrozen = false;
  notice: Notice | undefined;
  #role = '';
  #grantedRate = 10;
  #liveAt = -Infinity;
  #pinged = -Infinity;
  #hiddenAt = Infinity;
  #isSlow = false;
  #dirty = false;
  /** The types of which something came on this connection. */
  readonly #came = new Set<string>();
  readonly #watchers = new Set<() => void>();
  readonly #speakers = new Set<(text: string, urgent: boolean) => void>();

  constructor(origin: string) {
    super();
    this.session = new Session(
      origin,
      (client) => this.#attach(client),
      () => this.changed(),
    );
    setInterval(() => this.tick(), TICK);
    document.addEventListener('visibilitychange', () => this.#shown());
    for (const type of ['pageshow', 'focus']) addEventListener(type, () => this.tick());
  }

  // Who watches

  /** Call a function when something changed, at most once a frame; the function returned ends it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    watcher();
    return () => this.#watchers.delete(watcher);
  }

  /** Draw in the next frame. */
  override changed(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    requestAnimationFrame(() => {
      this.#dirty = false;
      for (const watcher of [...this.#watchers]) watcher();
    });
  }

  /** Who reads texts out. */
  onSay(speaker: (text: string, urgent: boolean) => void): () => void {
    this.#speakers.add(speaker);
    return () => this.#speakers.delete(speaker);
  }

  /** Show a text for a while, and have it read out. */
  say(text: string, urgent = false): void {
    this.notice = { text, urgent, at: performance.now() };
    for (const speaker of this.#speakers) speaker(text, urgent);
    this.changed();
  }

  /** Have a text read out that is shown elsewhere. */
  override announce(text: string, urgent = false): void {
    for (const speaker of this.#speakers) speaker(text, urgent);
  }

  // What is known now

  get role(): string {
    return this.#role;
  }

  /** What the role may do; nothing while nobody is signed in, nor with a recording. */
  get may(): May {
    const may = this.vehicle?.may ?? builtIn(this.#role);
    return this.isReplay ? { ...may, order: [] } : may;
  }

  /** Whether this is a recording: there is no vehicle behind it. */
  get isReplay(): boolean {
    return this.vehicle?.mode === 'replay';
  }

  /** Whether the role may give a command. */
  mayOrder(command: Command): boolean {
    return this.may.order.includes(command);
  }

  get isLive(): boolean {
    return this.session.state.name === 'live';
  }

  /** How a value stands; no value is live while the link is not. */
  freshness(type: 'telemetry.realtime' | keyof typeof LIMITS): Freshness {
    const limit =
      type === 'telemetry.realtime'
        ? telemetryLimit(Math.min(this.#grantedRate, this.stream?.rate ?? this.#grantedRate))
        : LIMITS[type];
    const state = this.arrivals.state(type, limit, performance.now());
    return !this.isLive && (state === 'live' || state === 'delayed') ? 'stale' : state;
  }

  /** The age of a value, ms. */
  age(type: string): number | undefined {
    return this.arrivals.age(type, performance.now());
  }

  /** How the link stands. */
  get link(): Link {
    const { state } = this.session;
    switch (state.name) {
      case 'live': {
        const freshness = this.freshness('telemetry.realtime');
        const begun = performance.now() - this.#liveAt > VEHICLE_SILENT_AFTER;
        if (freshness === 'stale' || freshness === 'lost' || (freshness === 'never' && begun))
          return { name: 'silent' };
        if (freshness === 'delayed')
          return { name: 'delayed', by: this.arrivals.delay('telemetry.realtime') };
        return { name: 'live', roundTrip: this.roundTrip };
      }
      case 'waiting':
        if (!navigator.onLine) return { name: 'offline' };
        return { name: 'waiting', left: Math.max(0, state.until - performance.now()) };
      case 'denied':
      case 'closed':
        return { name: 'signed-out' };
      default:
        return { name: 'connecting' };
    }
  }

  /** Time to the end of the session, ms; the vehicle's clock counts. */
  get timeLeft(): number | undefined {
    const { claims } = this.session;
    if (!claims) return undefined;
    const lag = this.isReplay ? 0 : (this.arrivals.leastLag ?? 0);
    return claims.exp * 1000 - Date.now() + lag;
  }

  /** How far the vehicle's clock is from that of this computer, ms; undefined: not known. */
  get clockDifference(): number | undefined {
    const { leastLag } = this.arrivals;
    return leastLag === undefined || this.isReplay
      ? undefined
      : (this.roundTrip ?? 0) / 2 - leastLag;
  }

  // What is asked of the vehicle

  /**
   * Give a command, and report what became of it.
   *
   * @returns the reply if the vehicle accepted; undefined otherwise
   */
  async order<C extends Command>(command: C, fields: Fields<C>): Promise<Reply<C> | undefined> {
    const { client } = this.session;
    try {
      if (!client) throw new NotSent('signed out');
      const call = client.call as (command: C, fields: Fields<C>) => Promise<Reply<C>>;
      const reply = await call.call(client, command, fields);
      const { accepted = true, message = '' } = reply as { accepted?: boolean; message?: string };
      const text = accepted ? t.accepted(t.commands[command]) : t.refused(t.commands[command]);
      this.note('command', message ? `${text}: ${message}` : text, accepted ? 'info' : 'warning');
      this.say(message ? `${text}: ${message}` : text);
      return accepted ? reply : undefined;
    } catch (error) {
      const name = t.commands[command];
      const text =
        error instanceof BridgeError
          ? `${t.refused(name)}: ${t.errors[error.code] ?? error.code}. ${error.message}`
          : error instanceof NotSent
            ? t.notSent(name)
            : t.outcomeUnknown(name);
      this.note('command', text, 'warning');
      this.say(text);
      return undefined;
    }
  }

  /** Let log and trends stand still, or go on. */
  freeze(frozen: boolean): void {
    this.isFrozen = frozen;
    this.log.setPaused(frozen);
    this.announce(frozen ? t.paused : t.goesOn);
    this.changed();
  }

  /** Stop the vehicle. Sending comes first, before anything is drawn. */
  stop(): void {
    const { client } = this.session;
    const result = client?.stop('operator, dashboard');
    const at = performance.now();
    this.presses.pressed(at, Date.now());
    this.note('stop', t.stopSent, 'alarm');
    const settle = (confirmed: boolean, sent: boolean, message: string): void => {
      this.presses.settled({ at: performance.now(), confirmed, sent, message });
      const text = confirmed ? t.stopConfirmed : sent ? t.stopUnconfirmed : t.stopNotSent;
      this.note('stop', message ? `${text}: ${message}` : text, 'alarm');
      if (!confirmed) this.announce(text, true);
      this.changed();
    };
    if (!result) return settle(false, false, '');
    result.then(
      ({ confirmed, outcome, message, estop_id: estopId, time }) => {
        // The connection on which its events come may be half-open.
        if (confirmed && time !== undefined) this.stopAccepted(time, estopId);
        settle(confirmed, outcome !== 'not_sent', message ?? '');
      },
      (error: Error) => settle(false, !(error instanceof NotSent), error.message),
    );
    this.changed();
  }

  /** Ask for the configuration. */
  override async readConfig(): Promise<void> {
    const reply = await this.#ask('get_config');
    if (!reply) return;
    this.config = reply['config'] as Record<string, unknown>;
    this.configVersion = String(reply['version']);
    this.configNote = String(reply['message']);
    this.versions.add(this.configVersion);
    this.changed();
  }

  /** Ask for the boards. */
  async readModules(): Promise<void> {
    const reply = await this.#ask('list_modules');
    if (!reply) return;
    this.modules = reply['modules'] as Module[];
    const [at, wall] = [performance.now(), Date.now()];
    this.modulesReported = { at, time: wall - (this.arrivals.leastLag ?? 0) };
    this.arrivals.note('modules', undefined, at, wall);
    this.changed();
  }

  async #readVehicle(): Promise<void> {
    const reply = await this.#ask('get_vehicle');
    if (!reply) return;
    this.vehicle = reply as unknown as Vehicle;
    this.changed();
  }

  /**
   * Ask for something that nobody is shown a failure of: what it is for has an age. What the role
   * may not ask for is not asked for.
   */
  async #ask(
    command: 'get_config' | 'get_vehicle' | 'list_modules',
  ): Promise<Record<string, unknown> | undefined> {
    if (command !== 'get_vehicle' && !this.mayOrder(command)) return undefined;
    try {
      return await this.session.client?.call(command);
    } catch {
      return undefined;
    }
  }

  /** Change a setting, and draw all anew. */
  set<K extends keyof Store['settings']>(name: K, value: Store['settings'][K]): void {
    this.settings[name] = value;
    keepSettings(this.settings);
    this.changed();
  }

  // What comes

  #attach(client: Oht50Client): void {
    const mine = (): boolean => this.session.client === client;
    client.on('*', (event) => {
      if (!mine()) return;
      // The first of a type may have been kept by the bridge for long. Not so what follows, though
      // the date of the vehicle was set back; and a recording has the times of another day.
      const isFirst = !this.#came.has(event.type) && !this.isReplay;
      this.#came.add(event.type);
      this.take(event, isFirst ? ageOnArrival(event.timestamp, client.establishedAt) : 0);
    });
    client.on('gap', ({ since, until }) => this.#gap(since, until));
    client.on('role', (role) => {
      if (!mine()) return;
      this.#role = role;
      this.vehicle = this.vehicle && { ...this.vehicle, may: builtIn(role) };
      void this.#readVehicle();
      this.changed();
    });
    // What the role may do can have changed too.
    client.on('tokens', () => mine() && void this.#readVehicle());
    client.on('error', (error) => {
      if (!(error instanceof NoNewToken)) this.note('error', error.message, 'warning');
    });
    client.on('state', (state) => {
      if (!mine()) return;
      if (state.name === 'restoring') this.#came.clear();
      if (state.name === 'live') this.#live(client);
      if (state.name === 'lost') this.#lost();
      if (state.name === 'denied') this.note('link', `${t.signedOut}: ${state.error.message}`);
      this.changed();
    });
  }

  #live(client: Oht50Client): void {
    this.#liveAt = performance.now();
    this.#pinged = -Infinity;
    this.alarms.setLocal(undefined, this.#liveAt);
    this.note('link', t.connected);
    this.announce(t.connected);
    const version = client.established?.server_version;
    this.isNewVersion = this.serverVersion !== undefined && version !== this.serverVersion;
    this.serverVersion ??= version;
    // What the role may ask for is known after the first answer.
    void this.#readVehicle().then(() => this.readConfig());
  }

  #lost(): void {
    const since = new Date().toISOString();
    this.note('link', t.connectionLost, 'alarm');
    this.announce(t.connectionLost, true);
    this.roundTrip = undefined;
    const alarm = {
      alarm_id: NO_CONNECTION,
      code: NO_CONNECTION,
      name: NO_CONNECTION,
      severity: 'P1',
      description: '',
      source: 'page',
      since,
      gone: null,
      count: 1,
      acknowledged_by: null,
      acknowledged_at: null,
    } as const;
    this.alarms.setLocal(alarm, performance.now());
    if (this.settings.sound) tone(2);
  }

  #gap(since: string, until: string): void {
    const text = t.eventsMissing(t.format.time(since), t.format.time(until));
    this.log.add({ time: until, type: 'page.gap', severity: 'warning', text, source: undefined });
    this.changed();
  }

  // Time

  /** Do what is due by time. */
  tick(): void {
    const now = performance.now();
    if (this.arrivals.check(now, Date.now())) this.session.client?.wake();
    this.lookForUnlisted(now);
    if (this.presses.alarm(now)) {
      this.announce(t.notConfirmed, true);
      if (this.settings.sound) tone(4);
      navigator.vibrate?.([200, 100, 200]);
    }
    if (this.notice && now - this.notice.at > RESULT_KEPT) this.notice = undefined;
    if (this.isLive && now - this.#pinged > PING_EACH && !document.hidden) void this.#ping(now);
    if (now - this.#hiddenAt > HIDDEN_FOR && !this.#isSlow) this.#setRate(1);
    this.changed();
  }

  async #ping(now: number): Promise<void> {
    this.#pinged = now;
    try {
      await this.session.client?.call('ping', {}, { timeout: PING_EACH });
      this.roundTrip = performance.now() - now;
      this.arrivals.pong(this.roundTrip);
    } catch {
      this.roundTrip = undefined;
    }
    this.changed();
  }

  #shown(): void {
    this.#hiddenAt = document.hidden ? performance.now() : Infinity;
    if (!document.hidden && this.#isSlow) this.#setRate(10);
    this.tick();
  }

  #setRate(rate: number): void {
    this.#isSlow = rate < 10;
    this.#grantedRate = rate;
    void this.session.client?.subscribe(['telemetry.*'], { rate }).catch(() => {});
  }
}
