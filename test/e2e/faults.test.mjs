// SPDX-License-Identifier: PostgreSQL
//
// The database goes away, once politely and once not: the servers come back by themselves, and what
// was acknowledged is there. (test/fault does worse, and longer.)
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { nobody } from './lib/api.mjs';
import { checkProblem, api } from './lib/openapi.mjs';
import { noteCode } from './lib/coverage.mjs';
import { pause, row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { makeYard, Player } from './lib/world.mjs';

const players = [];
const zones = [];

// A commit that was answered is to survive a crash; throw-away clusters do without.
before(async () => {
	await sql`ALTER SYSTEM SET synchronous_commit = on`;
	await sql`SELECT pg_reload_conf()`;
	for (let i = 0; i < 2; i++) zones.push((await makeYard()).zone_id);
	for (let i = 0; i < 4; i++) players.push(await Player.enter());
});
after(async () => {
	await Promise.all(players.map((player) => player.realtime?.close()));
	await sql`ALTER SYSTEM RESET synchronous_commit`;
	await sql`SELECT pg_reload_conf()`;
});

/*
 * Everybody goes from zone to zone as fast as it is answered, until stop() is called. Returns what
 * was answered: acknowledged trace ids, and refusals.
 */
function traffic() {
	const done = [];
	const refused = [];
	let running = true;
	const travel = async (player) => {
		let certain = false; // where the player is: a move to where it stands already leaves no event
		for (let i = 0; running; i++) {
			const id = randomUUID();
			const started = Date.now();
			let response;
			try {
				response = await fetch(`${api}/zones/${zones[i % 2]}/enter`, { method: 'POST', headers: { authorization: `Bearer ${player.token}`, 'x-request-id': id } });
			} catch (error) {
				throw new Error(`the edge itself does not answer: ${error.cause ?? error}`);
			}
			const body = await response.json();
			if (response.ok && certain) done.push(id);
			certain = response.ok;
			if (!response.ok) {
				checkProblem(body, `refusal ${response.status}`);
				noteCode(body.code);
				refused.push({ status: response.status, code: body.code, retryAfter: response.headers.get('retry-after'), time: Date.now() - started, at: Date.now() });
				await pause(20);
			}
		}
	};
	const all = Promise.all(players.map(travel));
	return { done, refused, async stop() { running = false; await all; } };
}

async function allIsThere(done) {
	const known = new Set((await rows`SELECT DISTINCT correlation_id AS id FROM game.game_events WHERE type = 'ZONE_CHANGED'`).map((it) => it.id));
	assert.ok(done.length > 20, `only ${done.length} were acknowledged`);
	assert.deepEqual(done.filter((id) => !known.has(id)), [], 'acknowledged, but not there');
}

function refusedWell(refused) {
	for (const it of refused) {
		assert.equal(it.status, 503, JSON.stringify(it));
		assert.ok(['UNAVAILABLE', 'RETRY'].includes(it.code), it.code);
		assert.match(it.retryAfter ?? '', /^[1-9]\d*$/, 'Retry-After');
	}
}

test('settings and keys that are read again and again under traffic disturb nobody', async () => {
	const load = traffic();
	const logins = Promise.all(Array.from({ length: 40 }, () => nobody.post('/auth/login', { email: 'nobody@example.com', password: 'x' }, { expect: 'INVALID_CREDENTIALS' })));
	for (let i = 0; i < 30; i++) await sql`DO 'BEGIN NOTIFY necp_config; NOTIFY necp_keys; NOTIFY necp_routes; END'`;
	await logins;
	await load.stop();
	assert.deepEqual(load.refused, []);
});

test('all connections of the edge are ended under traffic: it makes new ones', async () => {
	const load = traffic();
	for (let i = 0; i < 3; i++) {
		await pause(500);
		await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'necp_edge' AND application_name LIKE 'necp-edge%'`;
	}
	await pause(1500);
	const before = load.done.length;
	await pause(500);
	await load.stop();
	assert.ok(load.done.length > before, 'it goes on');
	refusedWell(load.refused);
	await allIsThere(load.done);
});

test('all connections of the realtime server are ended: its clients stay, and are told', async () => {
	const [player] = players;
	const realtime = await player.connect();
	const topic = await realtime.subscribe(`/topic/player/${player.account_id}/notifications`);
	const resync = topic.next((it) => it.type === 'RESYNC', 'RESYNC', 15000);
	await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'necp_edge' AND application_name NOT LIKE 'necp-edge%'`;
	await resync;
	await until(() => realtime.send('/session/heartbeat').catch(() => null), 'a command', 15000);
	await sql`SELECT necp.push(${`/topic/player/${player.account_id}/notifications`}, 'AFTER', '{}')`;
	await topic.find((it) => it.type === 'AFTER', 'a message after it');
});

test('PostgreSQL crashes: 503 meanwhile, everybody recovers, nothing acknowledged is missing', async () => {
	const [player, other] = players;
	const topic = await player.realtime.subscribe(`/topic/player/${player.account_id}/notifications`);
	const resync = topic.next((it) => it.type === 'RESYNC', 'RESYNC', 60000);
	const load = traffic();
	await pause(700);
	const { pid } = await row`SELECT pid FROM pg_stat_activity WHERE usename = 'necp_edge' AND application_name LIKE 'necp-edge%' LIMIT 1`;
	const before = load.done.length;
	process.kill(pid, 'SIGKILL');
	await until(() => row`SELECT 1 AS up`.catch(() => null), 'PostgreSQL', 60000);
	await until(() => load.done.length > before + 20, 'traffic again', 60000);
	await load.stop();
	await resync;
	refusedWell(load.refused);
	await allIsThere(load.done);

	assert.equal((await fetch(`${api}/../../ready`)).status, 200);
	await player.get('/session');
	assert.ok(await until(() => player.realtime.send('/session/heartbeat').catch(() => null), 'a command', 15000));
	await sql`SELECT necp.push(${`/topic/player/${player.account_id}/notifications`}, 'AFTER', '{"crash":true}')`;
	await topic.find((it) => it.data.crash, 'a message after the crash');

	await until(() => player.get('/zones/current', { expect: 200 }).catch(() => null), 'the player in the rebuilt world', 15000);
	await player.post(`/zones/${zones[0]}/enter`);
	await other.post(`/zones/${zones[0]}/enter`);
	const position = await player.realtime.subscribe(`/topic/character/${player.character_id}/position`);
	await position.find((it) => it.data.entities.some((entity) => entity.id === other.character_id), 'the other one in a position frame');
});

nothingIsLost();
