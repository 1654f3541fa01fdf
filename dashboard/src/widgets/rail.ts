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
import { h, refill, s, setAttribute, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import { percentOf, zonesAt } from '../logic/rail.js';
import type { Store } from '../store.js';
import { ageNote, panel } from './widget.js';

const [TOP, RAIL, BOTTOM, LINE] = [30, 52, 84, 16];
/** About the width of a character of a label, px. */
const CHARACTER = 7.5;

const at = (percent: number): string => `${percent.toFixed(3)}%`;

/** The rail with its stations and zones, the carrier and its target. */
export function mountRail(element: HTMLElement, store: Store): () => void {
  const fixed = s('g');
  const tail = s('line', { class: 'rail-tail', y1: RAIL, y2: RAIL });
  const target = s('svg', { class: 'rail-target', y: RAIL });
  target.append(s('path', { d: 'M0,-22 V22 M0,-22 L14,-16 L0,-10 Z' }));
  const carrier = s('svg', { class: 'rail-carrier', y: RAIL });
  carrier.append(
    s('rect', { x: -20, y: -11, width: 40, height: 22, rx: 3 }),
    s('path', { class: 'rail-arrow', d: 'M-6,-6 L6,0 L-6,6 Z' }),
  );
  const stripes = s('pattern', {
    id: 'stripes',
    width: 8,
    height: 8,
    patternUnits: 'userSpaceOnUse',
    patternTransform: 'rotate(45)',
  });
  stripes.append(s('rect', { width: 3, height: 8 }));
  const drawing = s('svg', { class: 'rail', role: 'img', height: 122 });
  drawing.append(s('defs', {}, stripes), fixed, tail, target, carrier);
  const words = h('p', { class: 'rail-words' });
  const note = h('span', { class: 'note' });
  const place = h('span', {});
  words.append(place, ' ', note);
  element.replaceChildren(panel(t.rail, drawing, words));

  const drawFixed = (from: number, to: number, width: number): Node[] => {
    const percent = (x: number): number => percentOf(x, [from, to]);
    const nodes: Node[] = [
      s('line', { class: 'rail-line', x1: at(3), x2: at(97), y1: RAIL, y2: RAIL }),
    ];
    const text = (x: number, y: number, content: string, mark: string): Node => {
      const p = percent(x);
      const anchor = p < 10 ? 'start' : p > 90 ? 'end' : 'middle';
      const left = p < 10 ? 0.5 : p > 90 ? 99.5 : p;
      return s('text', { x: at(left), y, 'text-anchor': anchor, class: mark }, content);
    };
    for (const zone of store.zones) {
      const [left, right] = [percent(zone.from), percent(zone.to)];
      const width = Math.max(0.4, right - left);
      const box = { x: at(left), y: RAIL - 12, width: at(width), height: 24 };
      nodes.push(s('rect', { ...box, class: `rail-zone zone-${zone.action}` }));
      const words = t.zoneTypes[zone.type] ?? zone.type;
      const label = `${words}: ${t.zoneActions[zone.action as 'stop'] ?? zone.action}`;
      nodes.push(text((zone.from + zone.to) / 2, TOP - 16, label, 'zone-label'));
    }
    let before = -Infinity;
    for (const { name, x, dock } of store.vehicle?.stations ?? []) {
      const p = at(percent(x));
      nodes.push(s('line', { class: 'rail-station', x1: p, x2: p, y1: RAIL - 16, y2: RAIL + 16 }));
      const label = dock ? `${name} ⚡` : name;
      // A label that would touch that before it goes a line down.
      const middle = (percent(x) / 100) * width;
      const room = (label.length * CHARACTER) / 2;
      const low = middle - room < before;
      if (!low) before = middle + room + CHARACTER;
      nodes.push(text(x, low ? BOTTOM + LINE : BOTTOM, label, 'station-label'));
    }
    nodes.push(text(from, BOTTOM + 2 * LINE, t.format.metres(from), 'end-label'));
    nodes.push(text(to, BOTTOM + 2 * LINE, t.format.metres(to), 'end-label'));
    return nodes;
  };

  return store.watch(() => {
    const span = store.span.of(store.vehicle?.rail_length);
    const stations = store.vehicle?.stations ?? [];
    const width = drawing.clientWidth || 800;
    const key = JSON.stringify([span, stations, store.zones, width]);
    refill(fixed, key, () => drawFixed(...span, width));
    const x = store.telemetry?.position.x ?? undefined;
    const fresh = store.freshness('telemetry.realtime');
    const age = store.age('telemetry.realtime');
    const seen = x !== undefined && fresh !== 'never';
    show(carrier, seen);
    setAttribute(drawing, 'data-fresh', fresh);
    if (seen) setAttribute(carrier, 'x', at(percentOf(x, span)));
    const velocity = store.telemetry?.velocity.linear ?? 0;
    const turn = velocity < -0.002 ? 'scale(-1,1)' : '';
    const arrow = carrier.lastElementChild!;
    show(arrow, fresh === 'live' && Math.abs(velocity) > 0.002);
    setAttribute(arrow, 'transform', turn);
    const past = fresh === 'live' ? store.tail.range(performance.now()) : undefined;
    show(tail, past !== undefined);
    if (past) {
      setAttribute(tail, 'x1', at(percentOf(past[0], span)));
      setAttribute(tail, 'x2', at(percentOf(past[1], span)));
    }
    const goal = store.mission?.mission_id ? store.mission.target_position.x : null;
    show(target, goal !== null);
    if (goal !== null) setAttribute(target, 'x', at(percentOf(goal, span)));
    const station = stations.find((each) => goal !== null && Math.abs(each.x - goal) < 1);
    const where = seen ? t.carrierAt(t.format.metres(x)) : t.noPosition;
    const to =
      goal === null ? t.noTarget : t.targetAt(station?.name ?? t.position, t.format.metres(goal));
    const inside = seen ? zonesAt(store.zones, x, store.vehicle?.vehicle_length ?? 0) : [];
    const zones = inside.map(({ name }) => t.inZone(name));
    const text = [where, to, ...zones].join(', ');
    setText(place, text);
    setText(note, ageNote(fresh, age, seen ? t.format.metres(x) : '--', store.telemetryTime));
    setAttribute(words, 'data-fresh', fresh);
    setAttribute(drawing, 'aria-label', `${t.rail}: ${text}`);
  });
}
