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
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  MemoryStore,
  TokenStore,
  claimsOf,
  faultOf,
  fingerprint,
  tokensOfFragment,
  tokensOfText,
} from '../src/logic/tokens.js';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (claims: object): string => `${part({ alg: 'HS256' })}.${part(claims)}.c2lnbmVk`;
const ANN = token({ sub: 'Ánn', exp: 1_700_000_000, jti: '1' });
const REFRESH = token({ sub: 'Ánn', exp: 1_700_003_600, typ: 'refresh', jti: '2' });

class Browser {
  readonly local = new MemoryStore();
  session = new MemoryStore();

  store(origin = 'http://vehicle'): TokenStore {
    return new TokenStore(this.session, this.local, origin);
  }
}

test('a link has the tokens behind its #', () => {
  const fragment = `#token=${ANN}&refresh=${REFRESH}`;
  assert.deepEqual(tokensOfFragment(fragment), { token: ANN, refreshToken: REFRESH });
  assert.deepEqual(tokensOfFragment(`#/token=${ANN}`), { token: ANN });
  assert.equal(tokensOfFragment('#/alarms'), undefined);
  assert.equal(tokensOfFragment(''), undefined);
});

test('what is pasted is a link, a token, or the pair as it is printed', () => {
  assert.deepEqual(tokensOfText(`http://x/#token=${ANN}\n`), { token: ANN });
  assert.deepEqual(tokensOfText(` ${ANN} `), { token: ANN });
  assert.deepEqual(tokensOfText(JSON.stringify({ token: ANN, refresh_token: REFRESH })), {
    token: ANN,
    refreshToken: REFRESH,
  });
  assert.equal(tokensOfText('password'), undefined);
});

test('claims are read, and what is none is none', () => {
  assert.deepEqual(claimsOf(ANN), { sub: 'Ánn', exp: 1_700_000_000 });
  for (const text of ['', 'a.b.c', token({ sub: 1, exp: 2 }), token({ sub: 'a' })]) {
    assert.equal(claimsOf(text), undefined, text);
  }
});

test('tokens are of one tab, or of the browser for screens that stay signed in', () => {
  const browser = new Browser();
  browser.store().save({ token: ANN });
  assert.equal(browser.store().isKept, false);
  browser.session = new MemoryStore();
  assert.equal(browser.store().read(), undefined);
  browser.store().save({ token: ANN }, true);
  browser.session = new MemoryStore();
  assert.deepEqual(browser.store().read(), { token: ANN });
  // A new pair stays where the old one was.
  browser.store().save({ token: 'new' });
  assert.equal(browser.store().isKept, true);
  browser.store().clear();
  assert.equal(browser.store().read(), undefined);
});

test('tokens of one bridge are not given to another', () => {
  const browser = new Browser();
  browser.store('http://a').save({ token: ANN }, true);
  assert.equal(browser.store('http://b').read(), undefined);
});

test('a refresh token is spent before it is sent, for a duplicated tab too', () => {
  const browser = new Browser();
  browser.store().save({ token: ANN, refreshToken: REFRESH });
  const duplicate = new Browser();
  duplicate.session.setItem(
    'oht50:http://vehicle:tokens',
    JSON.stringify({ token: ANN, refreshToken: REFRESH }),
  );
  const other = new TokenStore(duplicate.session, browser.local, 'http://vehicle');
  assert.notEqual(other.read()!.spent, true);
  browser.store().spend();
  assert.equal(browser.store().read()!.spent, true);
  assert.equal(other.read()!.spent, true);
  assert.ok(!browser.local.getItem('oht50:http://vehicle:spent')!.includes(REFRESH.slice(-8)));
  // Also when the list of all tabs is gone.
  browser.local.removeItem('oht50:http://vehicle:spent');
  assert.equal(browser.store().read()!.spent, true);
  browser.store().save({ token: 'next', refreshToken: 'other' });
  assert.notEqual(browser.store().read()!.spent, true);
});

test('what cannot be read is no token', () => {
  const browser = new Browser();
  browser.session.setItem('oht50:http://vehicle:tokens', '{');
  assert.equal(browser.store().read(), undefined);
  browser.session.setItem('oht50:http://vehicle:tokens', '{"token":5}');
  assert.equal(browser.store().read(), undefined);
});

test('fingerprints differ', () => {
  assert.notEqual(fingerprint(ANN), fingerprint(REFRESH));
  assert.equal(fingerprint(ANN), fingerprint(ANN));
});

test('each refusal of the bridge has a name of its own', () => {
  const refusal = 'WS-001 Authentication Failed: Invalid or expired token: ';
  assert.equal(faultOf(`${refusal}expired`), 'expired');
  assert.equal(faultOf(`${refusal}revoked`), 'revoked');
  assert.equal(faultOf(`${refusal}not a valid token (InvalidSignatureError)`), 'wrong');
  assert.equal(faultOf('WS-007 Connection Limit Reached: 100 connections are open'), 'full');
  assert.equal(faultOf('there is no token'), 'none');
});
