// SPDX-License-Identifier: PostgreSQL
//
// Registration, login, tokens and sessions.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { call, nobody } from './lib/api.mjs';
import { mailedToken, mailTo } from './lib/mail.mjs';
import { row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { PASSWORD, Player, unique } from './lib/world.mjs';

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

function sign({ header = {}, claims, secret }) {
	const head = encode({ alg: 'HS256', typ: 'JWT', ...header });
	const hash = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }[header.alg ?? 'HS256'];
	const signature = hash ? createHmac(hash, secret).update(`${head}.${encode(claims)}`).digest('base64url') : '';
	return `${head}.${encode(claims)}.${signature}`;
}

async function activeKey() {
	const { kid, secret } = await row`SELECT kid, encode(secret, 'hex') AS secret FROM necp.edge_keys() WHERE signs_from <= extract(epoch FROM clock_timestamp()) ORDER BY signs_from DESC LIMIT 1`;
	return { kid, secret: Buffer.from(secret, 'hex') };
}

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

test('registers, verifies the address, logs in', async () => {
	const player = await Player.register();
	const me = await player.get('/auth/me');
	assert.equal(me.account_id, player.account_id);
	assert.equal(me.email_verified, true);
	assert.deepEqual(me.roles, ['PLAYER']);
	const claims = claimsOf(player.token);
	assert.equal(claims.iss, 'necpgame');
	assert.equal(claims.sub, String(player.account_id));
	assert.equal(claims.sid, player.session_id);
	assert.equal(claims.type, 'access');
	assert.equal(claims.exp - claims.iat, 900);
	const history = await player.get('/account/login-history');
	assert.deepEqual(history.items.map((it) => it.outcome), ['SUCCESS']);
});

test('an e-mail address and a user name belong to one account, whatever the case', async () => {
	const first = await Player.register();
	const body = { email: first.email.toUpperCase(), username: unique('p'), password: PASSWORD };
	assert.equal((await nobody.post('/auth/register', body, { expect: 'EMAIL_TAKEN' })).field, 'email');
	const other = { email: `${unique()}@example.com`, username: first.username.toUpperCase(), password: PASSWORD };
	assert.equal((await nobody.post('/auth/register', other, { expect: 'USERNAME_TAKEN' })).field, 'username');
});

test('weak passwords and impossible names are refused, naming the field', async () => {
	const good = { email: `${unique()}@example.com`, username: unique('p'), password: PASSWORD };
	for (const password of ['Short-1', 'no-upper-case-1', 'NO-LOWER-CASE-1', 'No-Digit-Here', 'NoSpecial123', `Aa1-${'x'.repeat(125)}`, ''])
		assert.equal((await nobody.post('/auth/register', { ...good, password }, { expect: 'WEAK_PASSWORD' })).field, 'password', password);
	for (const [field, value] of [['email', 'nowhere'], ['email', 'a@b@c'], ['email', '@b'], ['email', 'a b@c'], ['email', `${'x'.repeat(250)}@b.example`],
		['username', 'ab'], ['username', 'x'.repeat(21)], ['username', 'with space'], ['username', 'zażółć'], ['display_name', 'x'.repeat(101)], ['display_name', '']])
		assert.equal((await nobody.post('/auth/register', { ...good, [field]: value }, { expect: 'VALIDATION' })).field, field, `${field}: ${value}`);
});

test('a verification token works once and for a day', async () => {
	const player = await Player.register({ verified: false });
	assert.equal((await player.get('/auth/me')).email_verified, false);
	const token = await player.mailedToken();
	await nobody.post('/auth/verify-email', { token: 'no-such-token' }, { expect: 'VERIFICATION_EXPIRED' });
	await nobody.post('/auth/verify-email', { token });
	await nobody.post('/auth/verify-email', { token }, { expect: 'TOKEN_USED' });
	const late = await Player.register({ verified: false });
	await sql`UPDATE game.account_tokens SET expires_at = created_at WHERE account_id = ${late.account_id}`;
	await nobody.post('/auth/verify-email', { token: await late.mailedToken() }, { expect: 'VERIFICATION_EXPIRED' });
});

test('a wrong password and an unknown address get the same answer in the same time', async () => {
	const player = await Player.register();
	const attempt = async (email) => {
		const start = performance.now();
		const { trace_id, ...problem } = await nobody.post('/auth/login', { email, password: 'Wrong-Horse-7' }, { expect: 'INVALID_CREDENTIALS' });
		return { problem, time: performance.now() - start };
	};
	const times = { known: [], unknown: [] };
	for (let i = 0; i < 5; i++) {
		const known = await attempt(player.email);
		const unknown = await attempt(`${unique()}@example.com`);
		assert.deepEqual(known.problem, unknown.problem);
		times.known.push(known.time);
		times.unknown.push(unknown.time);
	}
	const median = (list) => list.slice().sort((a, b) => a - b)[2];
	const ratio = median(times.known) / median(times.unknown);
	assert.ok(ratio > 0.4 && ratio < 2.5, `times differ: ${JSON.stringify(times)}`);
	const noted = await rows`SELECT outcome FROM game.login_history WHERE account_id = ${player.account_id} AND outcome = 'WRONG_PASSWORD'`;
	assert.equal(noted.length, 5, 'refusals are committed to the history');
});

test('a refresh token is good for one refresh; its reuse revokes the family, and that is committed', async () => {
	const player = await Player.register();
	const second = await nobody.post('/auth/refresh', { refresh_token: player.refresh_token });
	assert.equal(second.session_id, player.session_id, 'the session goes on');
	assert.notEqual(second.refresh_token, player.refresh_token);
	player.token = second.access_token;
	await player.get('/auth/me');
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'REFRESH_REUSED' });
	const live = await rows`SELECT 1 FROM game.refresh_tokens WHERE account_id = ${player.account_id} AND spent_at IS NULL AND revoked_at IS NULL`;
	assert.deepEqual(live, []);
	await nobody.post('/auth/refresh', { refresh_token: second.refresh_token }, { expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: 'no-such-token' }, { expect: 'UNAUTHENTICATED' });
});

test('a refresh token outlives its session and opens a new one', async () => {
	const player = await Player.register();
	await sql`UPDATE game.player_sessions SET expires_at = clock_timestamp() WHERE id = ${player.session_id}`;
	await until(() => row`SELECT 1 FROM game.player_sessions WHERE id = ${player.session_id} AND closed_at IS NOT NULL`, 'the overdue session to be closed', 15000);
	await player.get('/auth/me', { expect: 'UNAUTHENTICATED' });
	const tokens = await nobody.post('/auth/refresh', { refresh_token: player.refresh_token });
	assert.notEqual(tokens.session_id, player.session_id);
	player.token = tokens.access_token;
	await player.get('/auth/me');
});

test('logging out ends the session and its refresh tokens', async () => {
	const player = await Player.register();
	await player.post('/auth/logout');
	await player.get('/auth/me', { expect: 'UNAUTHENTICATED' });
	await player.post('/auth/logout', undefined, { expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'UNAUTHENTICATED' });
});

test('a second login closes the first session', async () => {
	const player = await Player.register();
	const old = player.token;
	await player.login();
	await call('GET', '/auth/me', { token: old, expect: 'UNAUTHENTICATED' });
	await player.get('/auth/me');
	const { close_reason } = await row`SELECT close_reason FROM game.player_sessions
		WHERE account_id = ${player.account_id} AND closed_at IS NOT NULL`;
	assert.equal(close_reason, 'CONCURRENT_LOGIN');
	await Promise.all([1, 2, 3, 4].map(() => nobody.post('/auth/login', { email: player.email, password: PASSWORD })));
	const { live } = await row`SELECT count(*) AS live FROM game.player_sessions WHERE account_id = ${player.account_id} AND closed_at IS NULL`;
	assert.equal(live, 1, 'also if several come at once');
});

test('a suspended account gets no tokens', async () => {
	const player = await Player.register();
	await sql`UPDATE game.accounts SET status = 'SUSPENDED' WHERE id = ${player.account_id}`;
	await nobody.post('/auth/login', { email: player.email, password: PASSWORD }, { expect: 'ACCOUNT_BANNED' });
	await nobody.post('/auth/login', { email: player.email, password: 'Wrong-Horse-7' }, { expect: 'INVALID_CREDENTIALS' });
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'ACCOUNT_BANNED' });
});

test('tokens of others are worth nothing', async () => {
	const player = await Player.register();
	const key = await activeKey();
	const claims = claimsOf(player.token);
	const header = { kid: key.kid };
	const with_ = (changes) => sign({ header, claims: { ...claims, ...changes }, secret: key.secret });
	await call('GET', '/auth/me', { token: with_({}) });
	const forged = {
		'other secret': sign({ header, claims, secret: Buffer.alloc(32) }),
		'alg none': sign({ header: { ...header, alg: 'none' }, claims, secret: key.secret }),
		'alg None': sign({ header: { ...header, alg: 'None' }, claims, secret: key.secret }),
		HS512: sign({ header: { ...header, alg: 'HS512' }, claims, secret: key.secret }),
		HS384: sign({ header: { ...header, alg: 'HS384' }, claims, secret: key.secret }),
		'unknown kid': sign({ header: { kid: 'nobodys' }, claims, secret: key.secret }),
		'no kid': sign({ header: {}, claims, secret: Buffer.alloc(0) }),
		'other issuer': with_({ iss: 'somebody' }),
		'other type': with_({ type: 'refresh' }),
		'no session': with_({ sid: undefined }),
		'unknown session': with_({ sid: randomUUID() }),
		'no subject': with_({ sub: undefined }),
		'no expiry': with_({ exp: undefined }),
		'not valid yet': with_({ nbf: claims.iat + 600 }),
		'payload exchanged': player.token.replace(/\.[^.]+\./, `.${encode({ ...claims, roles: ['SUPER_ADMIN'] })}.`),
		'signature cut': player.token.slice(0, -2),
		'no token at all': '',
		'not a token': 'Bearer',
		'very long': 'x'.repeat(4000),
	};
	for (const [what, token] of Object.entries(forged)) {
		const { headers } = await call('GET', '/auth/me', { token, expect: 'UNAUTHENTICATED' }).catch((error) => { throw new Error(`${what}: ${error.message}`); });
		assert.equal(headers.get('www-authenticate'), 'Bearer', what);
	}
	await call('GET', '/auth/me', { token: with_({ iat: claims.iat - 2000, exp: claims.iat - 1000 }), expect: 'TOKEN_EXPIRED' });
	await call('GET', '/auth/me', { token: with_({ exp: String(claims.exp) }), expect: 401 });
	await call('GET', '/auth/me', { headers: { authorization: `Basic ${encode('a:b')}` }, expect: 'UNAUTHENTICATED' });
	await call('GET', '/auth/me', { expect: 'UNAUTHENTICATED' });
});

test('sessions: what they know, that they live, tickets', async () => {
	const player = await Player.register();
	const session = await player.get('/session');
	assert.equal(session.session_id, player.session_id);
	assert.equal(session.character_id, null);
	assert.equal((await player.post('/session/heartbeat')).status, 'ACTIVE');
	const { ticket, expires_in } = await player.post('/session/ws-ticket');
	assert.ok(ticket.length >= 32 && expires_in === 30);
});

test('no password is stored or logged, and tokens are stored as digests', async () => {
	const player = await Player.register();
	const { stdout: dump } = await promisify(execFile)('pg_dump', ['--data-only', process.env.PGDATABASE ?? 'necpgame'], { maxBuffer: 1 << 28 });
	assert.ok(dump.includes(player.email));
	for (const secret of [PASSWORD, player.refresh_token, player.token]) assert.ok(!dump.includes(secret), 'the dump');
	assert.match((await row`SELECT password_hash AS hash FROM game.accounts WHERE id = ${player.account_id}`).hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
	if (!process.env.NECP_DIR) return;
	for (const log of ['postgresql', 'edge', 'realtime']) {
		const text = await readFile(join(process.env.NECP_DIR, 'log', `${log}.log`), 'utf8');
		for (const secret of [PASSWORD, 'Wrong-Horse-7', player.refresh_token, player.token]) assert.ok(!text.includes(secret), `${log}.log`);
	}
});

const put = async (player, path, body, { expect } = {}) => (await call('PUT', path, { token: player.token, body, expect })).body;
const remove = async (player, body, expect) => (await call('DELETE', '/account', { token: player.token, body, expect })).body;

test('the own account: a name at once, an address once it is proven', async () => {
	const player = await Player.register();
	const account = await player.get('/account');
	assert.deepEqual([account.account_id, account.email, account.pending_email, account.email_verified], [player.account_id, player.email, null, true]);
	const markup = '<img src=x onerror=alert(1)> & "Zoë"';
	assert.equal((await put(player, '/account', { display_name: markup })).display_name, markup, 'markup stays text');
	for (const display_name of ['', '\u202Eevil', 'a\u200Bb', `a${'\u0335'.repeat(40)}`, 'x'.repeat(101)])
		assert.equal((await put(player, '/account', { display_name }, { expect: 'VALIDATION' })).field, 'display_name');

	const email = `${unique()}@example.com`;
	await put(player, '/account', { email }, { expect: 'INVALID_CREDENTIALS' });
	assert.equal((await put(player, '/account', { email, password: 'Wrong-Horse-7' }, { expect: 'INVALID_CREDENTIALS' })).field, 'password');
	const other = await Player.register();
	assert.equal((await put(player, '/account', { email: other.email, password: PASSWORD }, { expect: 'EMAIL_TAKEN' })).field, 'email');
	const changed = await put(player, '/account', { email, password: PASSWORD });
	assert.deepEqual([changed.email, changed.pending_email], [player.email, email]);
	const { body } = await mailTo(player.email, /address is being changed/);
	assert.ok(body.includes(email), 'the old address is told');
	await nobody.post('/auth/login', { email, password: PASSWORD }, { expect: 'INVALID_CREDENTIALS' });
	await nobody.post('/auth/verify-email', { token: await mailedToken(email, 'VERIFY_EMAIL') });
	await nobody.post('/auth/login', { email: player.email, password: PASSWORD }, { expect: 'INVALID_CREDENTIALS' });
	player.email = email;
	await player.login();
	assert.equal((await player.get('/account')).email, email);
});

test('settings: what is given changes, and nothing too large', async () => {
	const player = await Player.register();
	assert.deepEqual((await player.get('/account/settings')).ui, {});
	const ui = { scale: 1.25, bars: ['a', 'b'], 'ключ': null };
	const saved = await put(player, '/account/settings', { ui, timezone: 'Asia/Tokyo', privacy_consent: true });
	assert.deepEqual([saved.ui, saved.timezone, saved.privacy_consent, saved.marketing_consent], [ui, 'Asia/Tokyo', true, false]);
	assert.ok(saved.privacy_consent_at);
	assert.deepEqual((await put(player, '/account/settings', { audio: { volume: 7 } })).ui, ui);
	assert.equal((await put(player, '/account/settings', { graphics: { x: 'x'.repeat(16384) } }, { expect: 'SETTINGS_TOO_LARGE' })).field, 'graphics');
	for (const [field, value] of [['ui', [1]], ['ui', 'text'], ['ui', { a: '\0' }], ['language', 'tlh'], ['timezone', 'Mars/Olympus'], ['privacy_consent', 1]])
		assert.equal((await put(player, '/account/settings', { [field]: value }, { expect: 'VALIDATION' })).field, field, JSON.stringify(value));
});

test('a deleted account acts no more, and a login brings it back', async () => {
	const player = await Player.register();
	assert.equal((await remove(player, {}, 'VALIDATION')).field, 'password');
	await remove(player, { password: 'Wrong-Horse-7' }, 'INVALID_CREDENTIALS');
	const { deleted_at, restorable_until } = await remove(player, { password: PASSWORD });
	assert.equal(new Date(restorable_until) - new Date(deleted_at), 30 * 86400000);
	await player.get('/auth/me', { expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'UNAUTHENTICATED' });
	assert.match((await mailTo(player.email, /deleted/)).body, /within 30 days/);
	await player.login();
	assert.equal((await player.get('/account')).email, player.email);
});

nothingIsLost();
