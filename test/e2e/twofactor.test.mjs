// SPDX-License-Identifier: PostgreSQL
//
// The second factor with an authenticator of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { nobody } from './lib/api.mjs';
import { row, rows, sql } from './lib/sql.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { calmStep, stepNow, totp } from './lib/totp.mjs';
import { PASSWORD, Player } from './lib/world.mjs';

const secrets = [];

before(() => setConfig('rate.twofactor', { count: 1000000, seconds: 60 }));

// A player with a second factor, its secret and its backup codes; the code of this step is spent.
async function secured() {
	const player = await Player.register();
	const { secret } = await player.post('/auth/2fa/enable', { password: PASSWORD });
	await calmStep();
	const { backup_codes } = await player.post('/auth/2fa/verify', { code: totp(secret) });
	Object.assign(player, { secret, backup_codes });
	secrets.push(secret, ...backup_codes);
	return player;
}

test('is set up with the password and confirmed with a code', async () => {
	const player = await Player.register();
	await nobody.post('/auth/2fa/enable', { password: PASSWORD }, { expect: 'UNAUTHENTICATED' });
	await player.post('/auth/2fa/verify', { code: '123456' }, { expect: 'CONFLICT' });
	assert.equal((await player.post('/auth/2fa/enable', { password: 'Wrong-Horse-7' }, { expect: 'INVALID_CREDENTIALS' })).field, 'password');
	assert.equal((await player.post('/auth/2fa/enable', {}, { expect: 'VALIDATION' })).field, 'password');
	const { secret, uri } = await player.post('/auth/2fa/enable', { password: PASSWORD });
	assert.match(secret, /^[A-Z2-7]{32}$/);
	const parsed = new URL(uri);
	assert.equal(parsed.protocol, 'otpauth:');
	assert.equal(parsed.searchParams.get('secret'), secret);
	assert.equal(decodeURIComponent(uri.split('?')[0]), `otpauth://totp/NECPGAME:${player.email}`);
	await calmStep();
	await player.login(); // not on yet: the login needs no code
	assert.equal((await player.post('/auth/2fa/verify', { code: totp(secret, stepNow() - 5) }, { expect: 'INVALID_2FA_CODE' })).field, 'code');
	const { backup_codes } = await player.post('/auth/2fa/verify', { code: totp(secret) });
	assert.equal(new Set(backup_codes).size, 10);
	await player.post('/auth/2fa/enable', { password: PASSWORD }, { expect: 'CONFLICT' });
	await player.post('/auth/2fa/verify', { code: totp(secret, stepNow() + 1) }, { expect: 'CONFLICT' });
	secrets.push(secret, ...backup_codes);
});

test('a setup that is not confirmed in time begins again', async () => {
	const player = await Player.register();
	const first = await player.post('/auth/2fa/enable', { password: PASSWORD });
	await sql`UPDATE game.account_twofactor SET expires_at = clock_timestamp() WHERE account_id = ${player.account_id}`;
	await player.post('/auth/2fa/verify', { code: totp(first.secret) }, { expect: 'VERIFICATION_EXPIRED' });
	const second = await player.post('/auth/2fa/enable', { password: PASSWORD });
	assert.notEqual(first.secret, second.secret);
	await calmStep();
	await player.post('/auth/2fa/verify', { code: totp(first.secret) }, { expect: 'INVALID_2FA_CODE' });
	await player.post('/auth/2fa/verify', { code: totp(second.secret) });
});

test('is taken away with the password and a code, each of which works once', async () => {
	const player = await secured();
	const disable = (password, code, expect) => player.post('/auth/2fa/disable', { password, code }, { expect });
	await calmStep();
	await disable('Wrong-Horse-7', totp(player.secret, stepNow() + 1), 'INVALID_CREDENTIALS');
	await disable(PASSWORD, totp(player.secret), 'INVALID_2FA_CODE');
	await disable(PASSWORD, 'AAAA-AAAA-AAAA-AAAA', 'INVALID_2FA_CODE');
	assert.equal((await player.post('/auth/2fa/disable', { password: PASSWORD }, { expect: 'VALIDATION' })).field, 'code');
	await disable(PASSWORD, totp(player.secret, stepNow() + 1));
	await disable(PASSWORD, totp(player.secret, stepNow() + 1), 'CONFLICT');
	await player.login();
	const events = await rows`SELECT type, data FROM game.game_events WHERE account_id = ${player.account_id} AND type LIKE 'TWO_FACTOR%' ORDER BY id`;
	assert.deepEqual(events, [{ type: 'TWO_FACTOR_ENABLED', data: {} }, { type: 'TWO_FACTOR_DISABLED', data: {} }]);
	const { mails } = await row`SELECT count(*) AS mails FROM game.email_outbox WHERE account_id = ${player.account_id} AND template = 'TWO_FACTOR_CHANGED'`;
	assert.equal(mails, 2);
});

test('a login wants a code as well, of the authenticator or a backup code, and takes each once', async () => {
	const player = await secured();
	const login = (code, expect, password = PASSWORD) => nobody.post('/auth/login', { email: player.email, password, code }, { expect });
	assert.equal((await login(undefined, 'TWO_FACTOR_REQUIRED')).field, 'code');
	await login(undefined, 'INVALID_CREDENTIALS', 'Wrong-Horse-7');
	await calmStep();
	const code = totp(player.secret, stepNow() + 1);
	await login(code, 'INVALID_CREDENTIALS', 'Wrong-Horse-7'); // and the code is not spent
	const [one, other] = await Promise.all([login(code, undefined).catch((error) => error), login(code, undefined).catch((error) => error)]);
	assert.equal([one, other].filter((answer) => answer.access_token).length, 1, 'of two at once one comes in');
	assert.equal((await login(player.backup_codes[0])).session_id.length, 36);
	await login(player.backup_codes[0], 'INVALID_2FA_CODE');
	player.token = (await login(player.backup_codes[9])).access_token;
	await player.post('/auth/2fa/disable', { password: PASSWORD, code: player.backup_codes[1] });
	await player.login();
});

test('a backup code takes it away for who lost the authenticator', async () => {
	const player = await secured();
	await player.post('/auth/2fa/disable', { password: PASSWORD, code: player.backup_codes[3].toLowerCase() });
	assert.deepEqual(await rows`SELECT 1 FROM game.backup_codes WHERE account_id = ${player.account_id}`, []);
});

test('codes cannot be guessed: attempts are counted per account', async () => {
	const restore = await setConfig('rate.twofactor', { count: 3, seconds: 60 });
	try {
		const player = await Player.register();
		const attempts = [];
		for (let i = 0; i < 5; i++) attempts.push((await player.post('/auth/2fa/verify', { code: '123456' }, { expect: i < 3 ? 'CONFLICT' : 'RATE_LIMITED' })).code);
		assert.equal(attempts.length, 5);
	} finally {
		await restore();
	}
});

test('secrets and codes are in no log, and codes not in the database', async () => {
	const { stdout: dump } = await promisify(execFile)('pg_dump', ['--data-only', process.env.PGDATABASE ?? 'necpgame'], { maxBuffer: 1 << 28 });
	assert.ok(secrets.length > 20);
	for (const secret of secrets) assert.ok(!dump.includes(secret) && !dump.includes(secret.replaceAll('-', '')), 'the dump');
	if (!process.env.NECP_DIR) return;
	for (const log of ['postgresql', 'edge', 'realtime']) {
		const text = await readFile(join(process.env.NECP_DIR, 'log', `${log}.log`), 'utf8');
		for (const secret of secrets) assert.ok(!text.includes(secret), `${log}.log`);
	}
});

nothingIsLost();
