// SPDX-License-Identifier: PostgreSQL
//
// Sessions: who is there, what becomes of who is not, and coming back (DOMAIN §4).
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { call, nobody } from './lib/api.mjs';
import { pause, row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { makeYard, PASSWORD, Player } from './lib/world.mjs';

const DEFAULTS = { idle: 300, afk: 600, afk_warn: 1500, afk_close: 1800, silence: 180, reconnect: 300 };

// Sets what a session may last without what, in seconds; the sweep has heard of it when this returns.
async function limits(wanted = {}) {
	for (const [key, seconds] of Object.entries({ ...DEFAULTS, ...wanted })) await sql`SELECT necp.config_set(${`session.${key}_s`}, ${String(seconds)})`;
	await sql`SELECT necp.run_job('session_sweep')`;
}

const stateOf = (player) => row`SELECT status, node, disconnected_at, close_reason FROM game.player_sessions WHERE id = ${player.session_id}`;
const historyOf = async (player) => (await rows`SELECT kind, reason FROM game.session_audit WHERE session_id = ${player.session_id} ORDER BY id`)
	.map((it) => (it.reason ? `${it.kind} ${it.reason}` : it.kind));
const becomes = (player, status) => until(async () => (await stateOf(player)).status === status, `a session that is ${status}`, 15000);
const sessionTopic = (player) => `/topic/player/${player.account_id}/session`;
const reconnect = (reconnect_token, options) => nobody.post('/session/reconnect', { reconnect_token }, options);

let yard;
const open = [];

before(async () => {
	yard = await makeYard();
});
beforeEach(() => limits());
after(async () => {
	await Promise.all(open.map((it) => it.close().catch(() => {})));
	await sql`SELECT necp.clock_reset()`;
	await sql`SELECT necp.partitions_keep()`;
});

async function connect(player, options) {
	const connection = await player.connect(options);
	open.push(connection);
	return connection;
}

// A player whose connection is gone, and the token of that connection.
async function lost() {
	const player = await Player.register();
	const connection = await connect(player);
	await connection.close();
	await becomes(player, 'DISCONNECTED');
	return { player, token: connection.connected['reconnect-token'] };
}

test('a session says who it is and keeps what the client likes', async () => {
	const player = await Player.register();
	const session = await player.get('/session');
	assert.equal(session.session_id, player.session_id);
	assert.equal(session.status, 'CREATED');
	assert.deepEqual(session.state, {});
	const put = (state, expect) => call('PUT', '/session/state', { token: player.token, body: { state }, expect });
	assert.deepEqual((await put({ windows: [{ x: 1.5, open: true }] })).body.state, { windows: [{ x: 1.5, open: true }] });
	assert.deepEqual((await player.get('/session')).state, { windows: [{ x: 1.5, open: true }] });
	for (const bad of [[1], 'text', 5, null, { a: 'x'.repeat(16384) }]) assert.equal((await put(bad, 'VALIDATION')).body.field, 'state', JSON.stringify(bad).slice(0, 20));
	assert.deepEqual((await player.get('/session')).state, { windows: [{ x: 1.5, open: true }] }, 'what was refused changed nothing');
});

test('players see who plays', async () => {
	const { character_id: from } = await Player.enter();
	const ann = await Player.enter({ zone: yard.zone });
	const bob = await Player.enter({ zone: yard.zone });
	const first = await ann.get(`/session/active-players?limit=1&cursor=${from}`);
	assert.deepEqual(first.items, [{ character_id: ann.character_id, name: ann.name, level: 1, place_id: yard.zone_id, status: 'ACTIVE' }]);
	const second = await ann.get(`/session/active-players?limit=1&cursor=${first.next_cursor}`);
	assert.equal(second.items[0].character_id, bob.character_id);
	await bob.post('/auth/logout');
	assert.deepEqual((await ann.get(`/session/active-players?cursor=${ann.character_id}`)).items, []);
	await nobody.get('/session/active-players', { expect: 'UNAUTHENTICATED' });
	const idle = await Player.register();
	await idle.get('/session/active-players', { expect: 'NO_ACTIVE_CHARACTER' });
});

test('an account sees its sessions and ends them; its connections are told why', async () => {
	const player = await Player.register();
	const stranger = await Player.register();
	const former = player.session_id;
	const connection = await connect(player);
	await player.login();
	assert.equal((await connection.closed()).error, 'CONCURRENT_LOGIN');
	const { items } = await player.get('/account/sessions');
	assert.deepEqual(items.map((it) => [it.session_id, it.current, it.close_reason]), [[player.session_id, true, null], [former, false, 'CONCURRENT_LOGIN']]);
	const end = (session_id, options) => call('DELETE', `/account/sessions/${session_id}`, { token: player.token, ...options });
	await end(stranger.session_id, { expect: 'NOT_FOUND' });
	await end(former);
	await end('not-a-uuid', { expect: 'VALIDATION' });
	const mine = await connect(player);
	await end(player.session_id);
	assert.equal((await mine.closed()).error, 'REVOKED');
	await player.get('/session', { expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'UNAUTHENTICATED' });
	await stranger.get('/session');
});

test('a logout closes the connection and says so', async () => {
	const player = await Player.register();
	const connection = await connect(player);
	const topic = await connection.subscribe(sessionTopic(player));
	await player.post('/auth/logout');
	const { data } = await topic.find((it) => it.data.status === 'CLOSED', 'the end');
	assert.equal(data.reason, 'LOGOUT');
	assert.equal((await connection.closed()).error, 'LOGOUT');
	const other = await Player.register();
	const theirs = await connect(other);
	await assert.rejects(theirs.subscribe(sessionTopic(player)), /FORBIDDEN/);
});

test('a lost connection is missed at once and taken up by its token, over HTTP and STOMP', async () => {
	const player = await Player.enter({ zone: yard.zone });
	const connection = await connect(player);
	const token = connection.connected['reconnect-token'];
	assert.match(token, /^[A-Za-z0-9_-]{43}$/);
	assert.equal((await row`SELECT status, node IS NOT NULL AS node FROM live.online_sessions WHERE account_id = ${player.account_id}`).node, true);
	await reconnect(token, { expect: 'NOT_DISCONNECTED' });
	await connection.close();
	await becomes(player, 'DISCONNECTED');
	assert.equal((await player.where()).place_id ?? yard.zone_id, yard.zone_id, 'the character stays for as long');
	const answer = await reconnect(token);
	assert.equal(answer.session_id, player.session_id);
	assert.equal(answer.account_id, player.account_id);
	assert.equal(answer.token_type, 'Bearer');
	assert.equal((await stateOf(player)).status, 'ACTIVE');
	player.token = answer.access_token;
	await player.get('/session');
	const again = await connect(player);
	assert.equal(again.connected.session, player.session_id);
	assert.notEqual(again.connected['reconnect-token'], answer.reconnect_token);
	await again.close();
	await becomes(player, 'DISCONNECTED');
	await reconnect(answer.reconnect_token);
	assert.deepEqual(await historyOf(player), ['CREATED', 'RECONNECTED', 'RECONNECTED']);
});

test('the token of a login takes up a session that never had a connection', async () => {
	const player = await Player.register();
	const { reconnect_token } = await player.login();
	await reconnect(reconnect_token, { expect: 'NOT_DISCONNECTED' });
	await sql`SELECT necp.clock_advance('3 minutes 1 second')`;
	assert.equal((await reconnect(reconnect_token)).session_id, player.session_id);
	await sql`SELECT necp.clock_reset()`;
});

test('a replayed token ends the session and its refresh tokens', async () => {
	const { player, token } = await lost();
	const answer = await reconnect(token);
	player.token = answer.access_token;
	const connection = await connect(player);
	await reconnect(token, { expect: 'TOKEN_USED' });
	assert.equal((await connection.closed()).error, 'TOKEN_REPLAYED');
	await player.get('/session', { expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'UNAUTHENTICATED' });
	await reconnect(answer.reconnect_token, { expect: 'RECONNECT_WINDOW_EXPIRED' });
	await reconnect(token, { expect: 'TOKEN_USED' });
	await reconnect('no-such-token', { expect: 'SESSION_NOT_FOUND' });
	await reconnect('', { expect: 'VALIDATION' });
	assert.equal((await nobody.post('/auth/login', { email: player.email, password: PASSWORD })).account_id, player.account_id, 'a login works');
});

test('ten who come at once with one token: one is let in, and is thrown out for it', async () => {
	const { player, token } = await lost();
	const codes = (await Promise.all(Array.from({ length: 10 }, () => reconnect(token, { expect: null })))).map((it) => it.code ?? 'in');
	assert.deepEqual(codes.sort(), [...Array(9).fill('TOKEN_USED'), 'in'].sort());
	assert.equal((await stateOf(player)).close_reason, 'TOKEN_REPLAYED');
});

test('after five minutes it is too late, and the character is gone', async () => {
	const { player, token } = await lost();
	await sql`SELECT necp.clock_advance('5 minutes 1 second')`;
	await reconnect(token, { expect: 'RECONNECT_WINDOW_EXPIRED' });
	await player.get('/session', { expect: 'UNAUTHENTICATED' });
	await becomes(player, 'CLOSED');
	assert.equal((await stateOf(player)).close_reason, 'DISCONNECTED');
	assert.equal(await row`SELECT 1 FROM live.online_sessions WHERE account_id = ${player.account_id}`, undefined);
	await sql`SELECT necp.clock_reset()`;
});

test('who does nothing is IDLE, AFK, warned, and closed; who acts again in time is ACTIVE', async () => {
	await limits({ idle: 3, afk: 6, afk_warn: 12, afk_close: 18 });
	const player = await Player.register();
	const connection = await connect(player);
	const topic = await connection.subscribe(sessionTopic(player));
	const told = (status, reason = null) => topic.next((it) => it.data.status === status && it.data.reason === reason, `${status} ${reason}`, 20000);
	const idle = await told('IDLE');
	assert.match(idle.data.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/);
	assert.equal((await connection.send('/session/heartbeat')).status, 'IDLE', 'a heart-beat is no action');
	await told('AFK');
	await connection.send('/notifications/1/read').catch((error) => assert.equal(error.code, 'NOT_FOUND'));
	await told('ACTIVE');
	await told('AFK', 'AFK_WARNING');
	await told('CLOSED', 'AFK_TIMEOUT');
	assert.equal((await connection.closed()).error, 'AFK_TIMEOUT');
});

test('movement is an action, heart-beats keep a session, silence loses it', async () => {
	await limits({ idle: 4, afk: 1000, silence: 4 });
	const undo = await setConfig('realtime.touch_ms', 1000);
	const mover = await Player.enter({ zone: yard.zone });
	const listener = await Player.register();
	const silent = await Player.register();
	await connect(mover);
	await connect(listener);
	for (let i = 0; i < 18; i++) {
		mover.realtime.input(++mover.seq, { x: 0.1 * i, y: 0 });
		await pause(500);
	}
	await becomes(listener, 'IDLE');
	assert.equal((await stateOf(mover)).status, 'ACTIVE');
	await becomes(silent, 'DISCONNECTED');
	assert.equal((await silent.post('/session/heartbeat')).status, 'ACTIVE');
	await undo();
});

test('PostgreSQL crashes: sessions go on, from now', async () => {
	const player = await Player.enter({ zone: yard.zone });
	const connection = await connect(player);
	const { player: gone, token } = await lost();
	await sql`CHECKPOINT`; // throw-away clusters commit lazily
	const { pid } = await row`SELECT pid FROM pg_stat_activity WHERE usename = 'necp_edge' LIMIT 1`;
	process.kill(pid, 'SIGKILL');
	await until(() => row`SELECT 1 AS up`.catch(() => null), 'PostgreSQL', 60000);
	const online = (who) => row`SELECT status, last_seen, necp.now() - interval '1 minute' AS lately FROM live.online_sessions WHERE account_id = ${who.account_id}`.catch(() => null);
	const there = await until(() => online(player), 'the session in memory again', 30000);
	assert.equal(there.status, 'ACTIVE');
	assert.ok(there.last_seen > there.lately);
	assert.equal((await until(() => online(gone), 'the lost one too', 30000)).status, 'DISCONNECTED');
	assert.equal((await until(() => player.get('/session', { expect: 200 }).catch(() => null), 'an answer', 30000)).status, 'ACTIVE');
	assert.ok(await until(() => connection.send('/session/heartbeat').catch(() => null), 'its socket', 30000));
	assert.equal((await until(() => reconnect(token, { expect: 200 }).catch(() => null), 'coming back', 30000)).session_id, gone.session_id);
});

nothingIsLost();
