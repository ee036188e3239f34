// SPDX-License-Identifier: PostgreSQL
//
// Roles and bans as clients meet them: what is taken from an account is gone at its very next request.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { nobody } from './lib/api.mjs';
import { api } from './lib/openapi.mjs';
import { pause, row, rows, sql, sqlRefusal, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { PASSWORD, Player } from './lib/world.mjs';

const REASON = 'for the end-to-end tests';
const players = [];

async function register() {
	const player = await Player.register();
	players.push(player);
	return player;
}

after(() => Promise.all(players.map((player) => player.realtime?.close())));

const grant = (player, role, expires_at = null) => sql`SELECT necp.role_grant(${player.account_id}, ${role}, ${expires_at}::timestamptz, ${REASON})`;
const revoke = (player, role) => sql`SELECT necp.role_revoke(${player.account_id}, ${role}, ${REASON})`;
const ban = (player, until_ = null) => sql`SELECT necp.account_ban(${player.account_id}, ${until_}::timestamptz, ${REASON})`;
const unban = (player) => sql`SELECT necp.account_unban(${player.account_id}, ${REASON})`;

// Runs what it is given while a route wants a permission. None of today does, nor does the description
// say so: its answers are only counted.
const status = async (player) => (await fetch(`${api}/session`, { headers: { authorization: `Bearer ${player.token}` } })).status;
async function guarding(path, permission, body) {
	const set = async (to) => {
		await sql`UPDATE necp.routes SET permission = ${to} WHERE method = 'GET' AND path = ${path}`;
		await sql`NOTIFY necp_routes`;
		await pause(300);
	};
	await set(permission);
	try {
		await body();
	} finally {
		await set(null);
	}
}

test('a role gives and takes its permissions at the very next request', async () => {
	const player = await register();
	await guarding('/session', 'player.search', async () => {
		assert.equal(await status(player), 403);
		await grant(player, 'ADMIN');
		assert.equal(await status(player), 200);
		assert.deepEqual((await player.get('/auth/me')).roles, ['ADMIN', 'PLAYER']);
		await revoke(player, 'ADMIN');
		assert.equal(await status(player), 403);
		assert.deepEqual((await player.get('/auth/me')).roles, ['PLAYER'], 'the session goes on');
		await grant(player, 'ADMIN', (await row`SELECT necp.now() + interval '1.5 s' AS at`).at);
		assert.equal(await status(player), 200);
		await pause(1600);
		assert.equal(await status(player), 403);
	});
});

test('the roles of a token are those of its login; of the session those of now', async () => {
	const player = await register();
	await grant(player, 'MODERATOR');
	const { roles, permissions } = await player.login();
	assert.deepEqual(roles, ['MODERATOR', 'PLAYER']);
	assert.ok(permissions.includes('player.ban'));
	await revoke(player, 'MODERATOR');
	assert.deepEqual((await player.get('/auth/me')).roles, ['PLAYER']);
});

test('a change of roles closes the connection, which comes back with the same session', async () => {
	const player = await register();
	await player.connect();
	await grant(player, 'TESTER');
	assert.match(JSON.stringify(await player.realtime.closed()), /ROLE_CHANGED/);
	await player.connect();
	assert.equal(player.realtime.connected.session, player.session_id);
	await revoke(player, 'TESTER');
	assert.match(JSON.stringify(await player.realtime.closed()), /ROLE_CHANGED/);
});

test('a ban ends session, connection and refresh tokens at once', async () => {
	const player = await register();
	await player.connect();
	await ban(player);
	await player.get('/auth/me', { expect: 'UNAUTHENTICATED' });
	assert.match(JSON.stringify(await player.realtime.closed()), /BANNED/);
	await assert.rejects(player.connect(), /UNAUTHENTICATED/);
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'UNAUTHENTICATED' });
	assert.doesNotMatch((await nobody.post('/auth/login', { email: player.email, password: PASSWORD }, { expect: 'ACCOUNT_BANNED' })).detail, new RegExp(REASON));
	await nobody.post('/auth/login', { email: player.email, password: 'Wrong-Horse-7' }, { expect: 'INVALID_CREDENTIALS' });
	const live = await rows`SELECT 1 FROM game.refresh_tokens WHERE account_id = ${player.account_id} AND spent_at IS NULL AND revoked_at IS NULL`;
	assert.deepEqual(live, []);
	await unban(player);
	await player.login();
	await player.get('/auth/me');
});

test('a ban for a time says how long, and a login after it lifts it', async () => {
	const player = await register();
	const { at } = await row`SELECT date_trunc('milliseconds', necp.now() + interval '2 s') AS at`;
	await ban(player, at);
	const { detail } = await nobody.post('/auth/login', { email: player.email, password: PASSWORD }, { expect: 'ACCOUNT_BANNED' });
	assert.equal(Date.parse(detail.replace('the account is banned until ', '')), Date.parse(at));
	await pause(2000);
	await player.login();
	assert.equal((await player.get('/auth/me')).status, 'ACTIVE');
});

test('bans and logins at once: no session survives', async () => {
	const player = await register();
	const login = () => nobody.post('/auth/login', { email: player.email, password: PASSWORD }).catch((error) => error);
	await Promise.all([login(), login(), ban(player), login(), login()]);
	assert.deepEqual(await rows`SELECT 1 FROM game.player_sessions WHERE account_id = ${player.account_id} AND closed_at IS NULL`, []);
	assert.deepEqual(await rows`SELECT 1 FROM game.refresh_tokens WHERE account_id = ${player.account_id} AND spent_at IS NULL AND revoked_at IS NULL`, []);
	await unban(player);
});

test('operators are refused by the same codes, and what they do is on record', async () => {
	const player = await register();
	assert.equal(await sqlRefusal`SELECT necp.account_ban(${player.account_id}, NULL, 'why?')`, 'VALIDATION');
	assert.equal(await sqlRefusal`SELECT necp.account_ban(999999999, NULL, ${REASON})`, 'NOT_FOUND');
	await ban(player, (await row`SELECT necp.now() + interval '1 day' AS at`).at);
	await unban(player);
	assert.equal(await sqlRefusal`SELECT necp.account_unban(${player.account_id}, ${REASON})`, 'NOT_FOUND');
	assert.deepEqual(await rows`SELECT action, reason FROM game.admin_audit_log WHERE target_id = ${player.account_id} ORDER BY id`,
		[{ action: 'PLAYER_BAN', reason: REASON }, { action: 'PLAYER_UNBAN', reason: REASON }]);
	await player.login();
});

nothingIsLost();
