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
/** What a page reports of itself. */
export interface PageListener {
  visible(isVisible: boolean): void;
  /** There may be a network again. */
  online(): void;
  offline(): void;
}

interface Target {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/** Listen to the page, if this runs in one; the function returned ends it. */
export function watchPage(listener: PageListener): () => void {
  const { window, document } = globalThis as {
    window?: Target;
    document?: Target & { readonly visibilityState: string };
  };
  if (window === undefined || document === undefined) return () => {};
  const shown = (): void => listener.visible(document.visibilityState !== 'hidden');
  const watched: [Target, string, () => void][] = [
    [document, 'visibilitychange', shown],
    // Back from the cache of the browser, or from a freeze.
    [window, 'pageshow', () => listener.online()],
    [document, 'resume', () => listener.online()],
    [window, 'online', () => listener.online()],
    [window, 'offline', () => listener.offline()],
  ];
  for (const [target, type, heard] of watched) target.addEventListener(type, heard);
  shown();
  return () => {
    for (const [target, type, heard] of watched) target.removeEventListener(type, heard);
  };
}
