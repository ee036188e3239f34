// SPDX-License-Identifier: PostgreSQL
//
// What guards an account: locks, new passwords, mailed tokens, and connections that end with a session.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, nobody } from './lib/api.mjs';
import { Realtime } from './lib/stomp.mjs';
import { row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { calmStep, stepNow, totp } from './lib/totp.mjs';
import { PASSWORD, Player, unique } from './lib/world.mjs';

const EMAIL_LOCKS = { 1: [5, 900], 2: [10, 3600], 3: [20, 86400] };
const ADDRESS_LOCKS = { 1: [3, 60], 2: [5, 300], 3: [10, 1800], 4: [20, 86400] };
const NEW = 'Other-Donkey-8';

// The limits of the rules instead of the patient ones of this suite, while body runs.
async function withLocks(kind, levels, body) {
	const undo = [];
	for (const [level, [failures]] of Object.entries(levels)) undo.push(await setConfig(`auth.${kind}_lock_${level}_failures`, failures));
	try {
		await body();
	} finally {
		for (const it of undo) await it();
	}
}

const attempt = (email, password, options = {}) => call('POST', '/auth/login', { body: { email, password }, ...options });
const from = (address) => ({ headers: { 'x-forwarded-for': address } });
let hosts = 0;
const someHost = () => `2001:db8:${(Date.now() & 0xffff).toString(16)}:${(++hosts).toString(16)}::1`;

async function connected(player) {
	player.realtime = await Realtime.connect({ token: player.token });
	return player.realtime;
}

test('wrong passwords lock an e-mail address, whoever has it, and the right one waits too', async () => {
	await withLocks('email', EMAIL_LOCKS, async () => {
		const player = await Player.register();
		const answers = {};
		for (const email of [player.email, `${unique()}@example.com`]) {
			for (let i = 0; i < 5; i++) await attempt(email, 'Wrong-Horse-7', { expect: 'INVALID_CREDENTIALS', ...from(someHost()) });
			const { status, headers, body } = await attempt(email, PASSWORD, { expect: 'ACCOUNT_LOCKED', ...from(someHost()) });
			const wait = Number(headers.get('retry-after'));
			assert.ok(wait > 890 && wait <= 900, `waits ${wait} s`);
			const { trace_id, ...problem } = body;
			answers[email] = { status, problem };
		}
		assert.deepEqual(answers[player.email], Object.values(answers)[1], 'both read the same');
		await player.get('/auth/me');
		const tokens = await nobody.post('/auth/refresh', { refresh_token: player.refresh_token });
		assert.equal(tokens.session_id, player.session_id, 'a lock stops password logins, never a live session');
		await sql`UPDATE game.login_failures SET locked_until = necp.now() WHERE locked_until > necp.now()`;
		await player.login();
	});
});

test('many of them tell the owner', async () => {
	await withLocks('email', { 1: [2, 900], 2: [2, 3600], 3: [3, 86400] }, async () => {
		const player = await Player.register();
		for (let i = 0; i < 3; i++) {
			await attempt(player.email, 'Wrong-Horse-7', { expect: 'INVALID_CREDENTIALS', ...from(someHost()) });
			await sql`UPDATE game.login_failures SET locked_until = necp.now() WHERE locked_until > necp.now()`;
		}
		const mails = await rows`SELECT recipient FROM game.email_outbox WHERE account_id = ${player.account_id} AND template = 'LOGIN_ALERT'`;
		assert.deepEqual(mails, [{ recipient: player.email }]);
	});
});

test('failures lock a network address for everybody behind it, and no other', async () => {
	await withLocks('address', ADDRESS_LOCKS, async () => {
		const player = await Player.register();
		const here = from(someHost());
		for (let i = 0; i < 3; i++) await attempt(`${unique()}@example.com`, 'Wrong-Horse-7', { expect: 'INVALID_CREDENTIALS', ...here });
		const { headers } = await attempt(player.email, PASSWORD, { expect: 'RATE_LIMITED', ...here });
		const wait = Number(headers.get('retry-after'));
		assert.ok(wait > 50 && wait <= 60, `waits ${wait} s`);
		await attempt(player.email, PASSWORD, from(someHost()));
	});
});

test('a password is changed with the current one, and every session ends', async () => {
	const player = await Player.register();
	const realtime = await connected(player);
	const change = (body, options) => player.post('/auth/change-password', body, options);
	assert.equal((await change({ current_password: PASSWORD, new_password: 'weak' }, { expect: 'WEAK_PASSWORD' })).field, 'new_password');
	assert.equal((await change({ current_password: 'Wrong-Horse-7', new_password: NEW }, { expect: 'INVALID_CREDENTIALS' })).field, 'current_password');
	assert.equal((await change({ current_password: PASSWORD }, { expect: 'VALIDATION' })).field, 'new_password');
	assert.equal((await change({ current_password: PASSWORD, new_password: PASSWORD }, { expect: 'WEAK_PASSWORD' })).field, 'new_password', 'the same again');
	await change({ current_password: PASSWORD, new_password: NEW });
	await player.get('/auth/me', { expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'UNAUTHENTICATED' });
	await realtime.closed();
	await attempt(player.email, PASSWORD, { expect: 'INVALID_CREDENTIALS' });
	const { outcome } = await row`SELECT outcome FROM game.login_history WHERE account_id = ${player.account_id} AND outcome <> 'SUCCESS' LIMIT 1`;
	assert.equal(outcome, 'WRONG_PASSWORD', 'the wrong current password was noted');
	assert.equal((await rows`SELECT FROM game.email_outbox WHERE account_id = ${player.account_id} AND template = 'PASSWORD_CHANGED'`).length, 1);
});

test('a new password is none of the last three', async () => {
	const player = await Player.register();
	const used = [PASSWORD, `${NEW}-1`, `${NEW}-2`, `${NEW}-3`];
	const login = async (password) => { player.token = (await attempt(player.email, password)).body.access_token; };
	for (let i = 1; i < used.length; i++) {
		await player.post('/auth/change-password', { current_password: used[i - 1], new_password: used[i] });
		await login(used[i]);
	}
	for (const password of used.slice(1))
		await player.post('/auth/change-password', { current_password: used[3], new_password: password }, { expect: 'WEAK_PASSWORD' });
	await player.post('/auth/change-password', { current_password: used[3], new_password: used[0] });
	await login(PASSWORD);
	for (const { password_hash: hash } of await rows`SELECT password_hash FROM game.earlier_passwords WHERE account_id = ${player.account_id}`)
		assert.match(hash, /^\$argon2id\$/);
});

// The token that a request brings; former: the one of that kind that was mailed before.
async function requested(player, path, kind, former) {
	await nobody.post(path, { email: player.email });
	return until(async () => {
		const token = await player.mailedToken(kind);
		return token !== former && token;
	}, `a mail after ${path}`);
}
const forgotten = (player, former) => requested(player, '/auth/forgot-password', 'RESET_PASSWORD', former);

test('a forgotten password is reset with a mailed token, once, and the lock goes', async () => {
	const player = await Player.register();
	const realtime = await connected(player);
	const first = await forgotten(player);
	const token = await forgotten(player, first);
	const reset = (body, options) => nobody.post('/auth/reset-password', body, options);
	await reset({ token: first, new_password: NEW }, { expect: 'VERIFICATION_EXPIRED' });
	await reset({ token: 'no-such-token', new_password: NEW }, { expect: 'VERIFICATION_EXPIRED' });
	assert.equal((await reset({ token, new_password: 'weak' }, { expect: 'WEAK_PASSWORD' })).field, 'new_password');
	assert.equal((await reset({ token, new_password: PASSWORD }, { expect: 'WEAK_PASSWORD' })).field, 'new_password', 'the one that was forgotten');
	await withLocks('email', EMAIL_LOCKS, async () => {
		for (let i = 0; i < 5; i++) await attempt(player.email, 'Wrong-Horse-7', { expect: 'INVALID_CREDENTIALS' });
		await attempt(player.email, PASSWORD, { expect: 'ACCOUNT_LOCKED' });
		await reset({ token, new_password: NEW });
		await attempt(player.email, NEW);
	});
	await reset({ token, new_password: `${NEW}-1` }, { expect: 'TOKEN_USED' });
	await player.get('/auth/me', { expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'UNAUTHENTICATED' });
	await realtime.closed();
	await attempt(player.email, PASSWORD, { expect: 'INVALID_CREDENTIALS' });
	const late = await forgotten(player, token);
	await sql`UPDATE game.account_tokens SET expires_at = created_at WHERE account_id = ${player.account_id}`;
	await reset({ token: late, new_password: `${NEW}-1` }, { expect: 'VERIFICATION_EXPIRED' });
});

test('who asks for mail learns nothing of the address', async () => {
	const player = await Player.register({ verified: false });
	const timed = async (path, email) => {
		const start = performance.now();
		const { status, body } = await call('POST', path, { body: { email } });
		return { answer: { status, body }, time: performance.now() - start };
	};
	const times = { known: [], unknown: [] };
	for (const path of ['/auth/forgot-password', '/auth/resend-verification'])
		for (let i = 0; i < 5; i++) {
			const known = await timed(path, player.email);
			const unknown = await timed(path, `${unique()}@example.com`);
			assert.deepEqual(known.answer, { status: 202, body: { done: true } });
			assert.deepEqual(unknown.answer, known.answer);
			times.known.push(known.time);
			times.unknown.push(unknown.time);
		}
	const median = (list) => list.slice().sort((a, b) => a - b)[5];
	const ratio = median(times.known) / median(times.unknown);
	assert.ok(ratio > 0.4 && ratio < 2.5, `times differ: ${JSON.stringify(times)}`);
	assert.equal((await nobody.post('/auth/forgot-password', { email: 'nowhere' }, { expect: 'VALIDATION' })).field, 'email');
});

test('a verification that is sent again replaces the one before', async () => {
	const player = await Player.register({ verified: false });
	const first = await player.mailedToken();
	const second = await requested(player, '/auth/resend-verification', 'VERIFY_EMAIL', first);
	await nobody.post('/auth/verify-email', { token: first }, { expect: 'VERIFICATION_EXPIRED' });
	await nobody.post('/auth/verify-email', { token: second });
	assert.equal((await player.get('/auth/me')).email_verified, true);
});

test('a login asks for the second factor once the password is right', async () => {
	const player = await Player.register();
	const { secret } = await player.post('/auth/2fa/enable', { password: PASSWORD });
	await calmStep();
	const { backup_codes: [backup] } = await player.post('/auth/2fa/verify', { code: totp(secret) });
	const login = (password, code, expect) => call('POST', '/auth/login', { body: { email: player.email, password, code }, expect });
	await login('Wrong-Horse-7', undefined, 'INVALID_CREDENTIALS');
	assert.equal((await login(PASSWORD, undefined, 'TWO_FACTOR_REQUIRED')).body.field, 'code');
	await login(PASSWORD, '000000', 'INVALID_2FA_CODE');
	await login(PASSWORD, totp(secret), 'INVALID_2FA_CODE'); // the one that confirmed it
	await login(PASSWORD, totp(secret, stepNow() + 1));
	await login('Wrong-Horse-7', backup, 'INVALID_CREDENTIALS');
	await login(PASSWORD, backup);
	await login(PASSWORD, backup, 'INVALID_2FA_CODE');
	await withLocks('email', { 1: [2, 900], 2: [10, 3600], 3: [20, 86400] }, async () => {
		assert.equal((await login(PASSWORD, '000000', 'INVALID_2FA_CODE')).body.field, 'code');
		await login(PASSWORD, undefined, 'ACCOUNT_LOCKED'); // wrong codes count like wrong passwords
	});
});

test('a login undoes the deletion of an account within thirty days', async () => {
	const player = await Player.register();
	const remove = (age) => sql`UPDATE game.accounts SET status = 'DELETED', deleted_at = necp.now() - ${age}::interval WHERE id = ${player.account_id}`;
	await player.post('/auth/logout');
	await remove('31 days');
	await attempt(player.email, PASSWORD, { expect: 'INVALID_CREDENTIALS' });
	await remove('29 days');
	await attempt(player.email, 'Wrong-Horse-7', { expect: 'INVALID_CREDENTIALS' });
	await player.login();
	assert.equal((await player.get('/auth/me')).status, 'ACTIVE');
});

test('a logout ends the connection', async () => {
	const player = await Player.register();
	const realtime = await connected(player);
	await player.post('/auth/logout');
	await realtime.closed();
	await assert.rejects(Realtime.connect({ token: player.token }));
});

test('a refresh token that is spent twice ends the session of its family and the connection', async () => {
	const player = await Player.register();
	const realtime = await connected(player);
	const tokens = await nobody.post('/auth/refresh', { refresh_token: player.refresh_token });
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'REFRESH_REUSED' });
	await realtime.closed();
	await call('GET', '/auth/me', { token: tokens.access_token, expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: tokens.refresh_token }, { expect: 'UNAUTHENTICATED' });
	await player.login();
	await player.get('/auth/me');
});

test('of two who spend one refresh token at once, one gets tokens and none keeps them', async () => {
	const player = await Player.register();
	const answers = await Promise.all([1, 2].map(() => call('POST', '/auth/refresh', { body: { refresh_token: player.refresh_token }, expect: null })));
	assert.deepEqual(answers.map((it) => it.body.code ?? 'TOKENS').sort(), ['REFRESH_REUSED', 'TOKENS']);
	const winner = answers.find((it) => it.status === 200).body;
	await call('GET', '/auth/me', { token: winner.access_token, expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: winner.refresh_token }, { expect: 'UNAUTHENTICATED' });
});

nothingIsLost();
