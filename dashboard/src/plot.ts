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
import uPlot from 'uplot';

import type { Curve } from './logic/trends.js';

type Limits = readonly [number, number];

/** A curve over time, by uPlot: one chart for life, which is drawn again and never made again. */
export class Plot {
  readonly #element: HTMLElement;
  readonly #observer: ResizeObserver;
  #chart: uPlot | undefined;
  #window: Limits = [0, 1];
  #range: Limits = [0, 1];

  /**
   * @param element the chart fills it
   * @param resized called when it has another size, and nothing on it
   */
  constructor(element: HTMLElement, resized: () => void) {
    this.#element = element;
    this.#observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      const height = Math.floor(entry?.contentRect.height ?? 0);
      // A chart without a size draws nothing ever after.
      if (width < 1 || height < 1) return;
      if (this.#chart) this.#chart.setSize({ width, height });
      else this.#chart = this.#make(width, height);
      resized();
    });
    this.#observer.observe(element);
  }

  /**
   * Draw.
   *
   * @param window least and most of the axis of x, s
   * @param range least and most of the axis of y; it grows with what is beyond
   */
  draw(curve: Curve, window: Limits, range: Limits): void {
    this.#window = window;
    this.#range = range;
    this.#chart?.setData([curve.x, curve.y]);
  }

  /** End it. */
  destroy(): void {
    this.#observer.disconnect();
    this.#chart?.destroy();
  }

  #make(width: number, height: number): uPlot {
    const options: uPlot.Options = {
      width,
      height,
      padding: [3, 0, 3, 0],
      legend: { show: false },
      cursor: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: {
        x: { time: false, range: () => [...this.#window] },
        y: {
          range: (_, least, most) => [
            Math.min(this.#range[0], least ?? Infinity),
            Math.max(this.#range[1], most ?? -Infinity),
          ],
        },
      },
      series: [
        {},
        {
          // By the theme of the moment.
          stroke: () => getComputedStyle(this.#element).color,
          width: 1.5,
          points: { show: false },
        },
      ],
    };
    return new uPlot(options, [[], []], this.#element);
  }
}
