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
let context: AudioContext | undefined;

/** Allow tones; to be called in a gesture, as browsers ask for one. */
export function allowTones(): void {
  context ??= new AudioContext();
  void context.resume();
}

/** Sound a tone, if tones are allowed. */
export function tone(times: number): void {
  if (context?.state !== 'running') return;
  for (let i = 0; i < times; i++) {
    const [oscillator, gain] = [context.createOscillator(), context.createGain()];
    const start = context.currentTime + i * 0.3;
    oscillator.frequency.value = 880;
    gain.gain.value = 0.2;
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(start);
    oscillator.stop(start + 0.15);
  }
}
