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
import { h, setText } from '../dom.js';
import { t } from '../i18n/index.js';
import { portion } from '../logic/format.js';
import type { Store } from '../store.js';
import { minutesChoice, mountTrend } from './trend.js';
import type { TrendOptions } from './trend.js';
import { Bar, Reading, panel } from './widget.js';

/** Below these the battery is low and must be charged: SYS-008 with P2 and P1, docs/safety.md, %. */
const [LOW, EMPTY] = [30, 20];
const HOTTEST = 70;

/** Speed, acceleration, battery, temperature: the number, a bar with limits, and what it was. */
export function mountTiles(element: HTMLElement, store: Store): () => void {
  const offs: (() => void)[] = [];
  const configured = (name: string): number => {
    const limit = Number(store.config?.[name]);
    return limit > 0 ? limit : 1;
  };
  const topSpeed = (): number => configured('speed_limit');
  const topAcceleration = (): number => configured('max_acceleration');
  const tile = (options: TrendOptions): [Reading, Bar, HTMLElement, HTMLElement] => {
    const reading = new Reading(options.unit);
    const bar = new Bar();
    const more = h('p', { class: 'more' });
    const trend = h('div', { class: 'trend-box' });
    offs.push(mountTrend(trend, store, options));
    const left = h('div', { class: 'tile-left' }, h('h3', {}, options.label), reading.element);
    left.append(bar.element, more);
    return [reading, bar, more, h('div', { class: 'tile' }, left, trend)];
  };
  const [speed, speedBar, , speedTile] = tile({
    name: 'speed',
    label: t.speed,
    unit: 'm/s',
    digits: 2,
    range: () => [0, topSpeed()],
  });
  const [acceleration, accelerationBar, , accelerationTile] = tile({
    name: 'acceleration',
    label: t.acceleration,
    unit: 'm/s²',
    digits: 2,
    range: () => [-topAcceleration(), topAcceleration()],
  });
  const [battery, batteryBar, batteryMore, batteryTile] = tile({
    name: 'battery',
    label: t.battery,
    unit: '%',
    digits: 0,
    range: () => [0, 100],
  });
  const [temperature, temperatureBar, humidity, temperatureTile] = tile({
    name: 'temperature',
    label: t.temperature,
    unit: '°C',
    digits: 0,
    range: () => [0, HOTTEST],
  });
  const box = panel(
    t.measurements,
    minutesChoice(store),
    speedTile,
    accelerationTile,
    batteryTile,
    temperatureTile,
  );
  box.classList.add('tiles');
  element.replaceChildren(box);
  offs.push(
    store.watch(() => {
      const { telemetry, telemetryTime: time } = store;
      const fresh = store.freshness('telemetry.realtime');
      const age = store.age('telemetry.realtime');
      const linear = telemetry?.velocity.linear;
      const magnitude = linear == null ? linear : Math.abs(linear);
      const known = fresh !== 'never' && fresh !== 'lost';
      const part = (value: number | null | undefined, most: number): number | undefined =>
        known && value != null ? portion(value, 0, most) : undefined;
      const { number } = t.format;
      speed.update(magnitude, 2, fresh, age, time);
      const limit = topSpeed();
      speedBar.update(part(magnitude, limit), '0', number.call(t.format, limit, 2));
      const change = telemetry?.acceleration.linear;
      acceleration.update(change, 2, fresh, age, time);
      const most = topAcceleration();
      const strength = change == null ? change : Math.abs(change);
      accelerationBar.update(part(strength, most), '0', number.call(t.format, most, 2));
      const charge = telemetry?.sensors.battery;
      battery.update(charge, 0, fresh, age, time);
      const low = charge == null ? '' : charge < EMPTY ? 'empty' : charge < LOW ? 'low' : '';
      batteryBar.update(part(charge, 100), '0', '100', low);
      setText(batteryMore, low === '' ? '' : low === 'low' ? t.batteryLow : t.batteryEmpty);
      const heat = telemetry?.sensors.temperature;
      temperature.update(heat, 0, fresh, age, time);
      temperatureBar.update(part(heat, HOTTEST), '0', String(HOTTEST));
      const wet = telemetry?.sensors.humidity;
      const dampness =
        !known || wet === undefined
          ? '--'
          : wet === null
            ? t.notMeasured
            : `${t.format.number(wet, 0)} %`;
      setText(humidity, `${t.humidity} ${dampness}`);
    }),
  );
  return () => {
    for (const off of offs) off();
  };
}
