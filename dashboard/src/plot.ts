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
import { columnsOf } from './logic/columns.js';
import type { Curve } from './logic/trends.js';

/** Draws a curve on a canvas: one for life, drawn again and never made again. */
export class Plot {
  readonly canvas = document.createElement('canvas');
  readonly #observer: ResizeObserver;
  #width = 0;
  #height = 0;
  #ratio = 1;

  /** @param resized called when it has another size, and nothing on it */
  constructor(resized: () => void) {
    this.#observer = new ResizeObserver(([entry]) => {
      this.#width = Math.floor(entry?.contentRect.width ?? 0);
      this.#height = Math.floor(entry?.contentRect.height ?? 0);
      this.#ratio = devicePixelRatio;
      this.canvas.width = this.#width * this.#ratio;
      this.canvas.height = this.#height * this.#ratio;
      resized();
    });
    this.#observer.observe(this.canvas);
  }

  /**
   * Draw.
   *
   * @param window least and most of the axis of x, s
   * @param range least and most of the axis of y; what is beyond is drawn at the border
   */
  draw(curve: Curve, window: readonly [number, number], range: readonly [number, number]): void {
    const context = this.canvas.getContext('2d');
    const [width, height] = [this.#width, this.#height];
    if (!context || width < 1 || height < 1) return;
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const styles = getComputedStyle(this.canvas);
    context.strokeStyle = styles.color;
    context.lineWidth = 1.5;
    context.lineJoin = 'round';
    const [least, most] = range;
    const at = (value: number): number => {
      const part = Math.min(1, Math.max(0, (value - least) / (most - least)));
      return height - 3 - part * (height - 6);
    };
    context.beginPath();
    let drawing = false;
    for (const [x, column] of columnsOf(curve, window[0], window[1], width)) {
      if (column === null) {
        drawing = false;
        continue;
      }
      if (!drawing) context.moveTo(x, at(column.first));
      for (const value of [column.first, column.least, column.most, column.last]) {
        context.lineTo(x, at(value));
      }
      drawing = true;
    }
    context.stroke();
  }

  /** End it. */
  destroy(): void {
    this.#observer.disconnect();
  }
}
