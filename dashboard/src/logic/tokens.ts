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
/** The part of a Storage that is used. */
export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** An access token with its refresh token; `spent`: that was sent, and works no more. */
export interface Kept {
  readonly token: string;
  readonly refreshToken?: string;
  readonly spent?: boolean;
}

/** What a token says of itself; nothing of it is verified, and no right is derived from it. */
export interface TokenClaims {
  readonly sub: string;
  /** s since 1970. */
  readonly exp: number;
}

/** A text of three parts, as tokens are. */
const TOKEN = /[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}/g;

/** Read the claims of a token; undefined if it is none. */
export function claimsOf(token: string): TokenClaims | undefined {
  try {
    const part = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(part), (char) => char.charCodeAt(0));
    const { sub, exp } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return typeof sub === 'string' && typeof exp === 'number' ? { sub, exp } : undefined;
  } catch {
    return undefined;
  }
}

/** Tokens of the fragment of a link (`#token=...&refresh=...`); undefined: there are none. */
export function tokensOfFragment(fragment: string): Kept | undefined {
  const parameters = new URLSearchParams(fragment.replace(/^#\/?/, ''));
  const token = parameters.get('token');
  const refreshToken = parameters.get('refresh');
  if (!token) return undefined;
  return { token, ...(refreshToken ? { refreshToken } : {}) };
}

/** Tokens of what was pasted: a link, an access token, or both tokens in any wrapping. */
export function tokensOfText(text: string): Kept | undefined {
  const hash = text.indexOf('#');
  const linked = hash >= 0 ? tokensOfFragment(text.slice(hash).trim()) : undefined;
  if (linked) return linked;
  const [token, refreshToken] = text.match(TOKEN) ?? [];
  if (token === undefined) return undefined;
  return { token, ...(refreshToken ? { refreshToken } : {}) };
}

/** A short name of a token, which does not reveal it. */
export function fingerprint(token: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < token.length; i++) {
    const code = token.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  return (high >>> 0).toString(36) + (low >>> 0).toString(36);
}

/** Fingerprints of refresh tokens that were sent, of the last so many. */
const SPENT_KEPT = 20;

/**
 * The tokens of one bridge: in `session`, which is of one tab, or in `local`, for screens that stay
 * signed in. Which refresh tokens were sent is known to all tabs, as a duplicated tab has the same.
 */
export class TokenStore {
  readonly #session: Store;
  readonly #local: Store;
  readonly #key: string;
  readonly #spentKey: string;

  constructor(session: Store, local: Store, origin: string) {
    this.#session = session;
    this.#local = local;
    this.#key = `oht50:${origin}:tokens`;
    this.#spentKey = `oht50:${origin}:spent`;
  }

  /** Whether the tokens outlive the tab. */
  get isKept(): boolean {
    return this.#session.getItem(this.#key) === null && this.#local.getItem(this.#key) !== null;
  }

  /** The tokens, if there are any. */
  read(): Kept | undefined {
    const text = this.#session.getItem(this.#key) ?? this.#local.getItem(this.#key);
    if (text === null) return undefined;
    try {
      const kept = JSON.parse(text) as Kept;
      if (typeof kept.token !== 'string') return undefined;
      const { refreshToken } = kept;
      const spent =
        kept.spent === true ||
        (refreshToken !== undefined && this.#spent().includes(fingerprint(refreshToken)));
      return spent ? { ...kept, spent } : kept;
    } catch {
      return undefined;
    }
  }

  /** Keep tokens; `outlive`: until somebody signs out. */
  save(kept: Kept, outlive = this.isKept): void {
    const [home, other] = outlive ? [this.#local, this.#session] : [this.#session, this.#local];
    home.setItem(this.#key, JSON.stringify(kept));
    if (outlive) other.removeItem(this.#key);
  }

  /** Note, before it is sent, that the refresh token works no more. */
  spend(): void {
    const kept = this.read();
    if (kept?.refreshToken === undefined) return;
    const spent = [...this.#spent(), fingerprint(kept.refreshToken)].slice(-SPENT_KEPT);
    this.#local.setItem(this.#spentKey, JSON.stringify(spent));
    this.save({ ...kept, spent: true });
  }

  /** Forget the tokens. */
  clear(): void {
    this.#session.removeItem(this.#key);
    this.#local.removeItem(this.#key);
  }

  #spent(): string[] {
    try {
      const spent = JSON.parse(this.#local.getItem(this.#spentKey) ?? '[]') as unknown;
      return Array.isArray(spent) ? (spent as string[]) : [];
    } catch {
      return [];
    }
  }
}

/** A store that forgets, for browsers that allow none. */
export class MemoryStore implements Store {
  readonly #items = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }

  removeItem(key: string): void {
    this.#items.delete(key);
  }
}

/** Why somebody is not signed in. */
export type SignInFault = 'none' | 'wrong' | 'expired' | 'revoked' | 'full' | 'unreachable';

/**
 * Why the bridge does not let anybody in.
 *
 * @param reason of a refusal, as the bridge or the client gave it
 */
export function faultOf(reason: string): SignInFault {
  if (reason.includes('there is no token')) return 'none';
  if (reason.includes('WS-007')) return 'full';
  if (/revoked/.test(reason)) return 'revoked';
  return /: expired|\bexpired$/.test(reason) ? 'expired' : 'wrong';
}
