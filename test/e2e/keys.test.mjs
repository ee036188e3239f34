// SPDX-License-Identifier: PostgreSQL
//
// Signing keys: rotated while two edges serve, and met by servers that have not heard of them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { call } from './lib/api.mjs';
import { api } from './lib/openapi.mjs';
import { pause, row, sql, until } from './lib/sql.mjs';
import { Realtime } from './lib/stomp.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { Player } from './lib/world.mjs';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const part = (token, n) => JSON.parse(Buffer.from(token.split('.')[n], 'base64url'));

function sign(kid, secret, claims) {
	const text = `${encode({ alg: 'HS256', typ: 'JWT', kid })}.${encode(claims)}`;
	return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

let second;
after(() => second?.kill('SIGKILL'));

async function freePort() {
	const server = net.createServer().listen(0, '127.0.0.1');
	await new Promise((resolve) => server.on('listening', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

// Another edge of the same build on the same database; its base address, once it is ready.
async function anotherEdge() {
	const run = join(process.env.NECP_DIR, 'run');
	const program = readlinkSync(`/proc/${readFileSync(join(run, 'edge.pid'), 'utf8').trim()}/exe`);
	const port = await freePort();
	second = spawn(program, ['--db', `host=${run} port=${process.env.PGPORT} dbname=necpgame user=necp_edge`, '--listen', `127.0.0.1:${port}`, '--threads', '1'],
		{ stdio: 'ignore' });
	const base = `http://127.0.0.1:${port}`;
	await until(() => fetch(`${base}/ready`).then((answer) => answer.ok, () => false), 'another edge', 20000);
	return `${base}/api/v1`;
}

test('a rotation under load invalidates no live token, on either of two edges', { skip: !process.env.NECP_DIR && 'no cluster of its own' }, async () => {
	const edges = [api, await anotherEdge()];
	const restore = await setConfig('auth.key_lead_s', 2);
	const kids = new Set();
	let stop = false;
	let requests = 0;
	const me = async (edge, token) => {
		const answer = await fetch(`${edge}/auth/me`, { headers: { authorization: `Bearer ${token}` } });
		assert.equal(answer.status, 200, `${part(token, 0).kid}: ${await answer.text()}`);
		requests++;
	};
	const work = async (player, n) => {
		const tokens = [player.token];
		for (let i = n; !stop; i++) {
			const answer = await fetch(`${edges[i % 2]}/auth/refresh`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ refresh_token: player.refresh_token }) });
			const body = await answer.json();
			assert.equal(answer.status, 200, JSON.stringify(body));
			player.refresh_token = body.refresh_token;
			tokens.push(body.access_token);
			kids.add(part(body.access_token, 0).kid);
			// at once where it was not signed, and the oldest everywhere
			await me(edges[(i + 1) % 2], body.access_token);
			for (const edge of edges) await me(edge, tokens[0]);
			await me(edges[i % 2], tokens[Math.floor(Math.random() * tokens.length)]);
			await pause(20);
		}
	};
	try {
		const players = await Promise.all([1, 2, 3].map(() => Player.register()));
		const workers = Promise.all(players.map(work));
		for (let i = 0; i < 3; i++) {
			const { kid } = await row`SELECT necp.keys_rotate() AS kid`;
			await pause(1000);
			assert.ok(!kids.has(kid), 'a key does not sign before its time');
			await until(() => kids.has(kid), 'a token of the new key');
		}
		stop = true;
		await workers;
	} finally {
		stop = true;
		await restore();
	}
	assert.ok(kids.size >= 4, [...kids].join());
	const ended = new Promise((resolve) => second.on('exit', resolve));
	second.kill('SIGTERM');
	assert.equal(await ended, 0, 'the second edge ends well');
	assert.ok(requests > 100, String(requests));
});

test('a key that no server has heard of is asked for before its token is refused', async () => {
	const player = await Player.register();
	const secret = Buffer.from(randomUUID() + randomUUID());
	const kid = `quiet-${randomUUID()}`;
	const token = sign(kid, secret, part(player.token, 1));
	await call('GET', '/auth/me', { token, expect: 'UNAUTHENTICATED' });
	await assert.rejects(Realtime.connect({ token }), /UNAUTHENTICATED/);
	await sql`INSERT INTO game.signing_keys (kid, secret, created_at, signs_from, retire_at) SELECT ${kid}, decode(${secret.toString('hex')}, 'hex'),
		t, t - interval '1 day', t + interval '1 hour' FROM clock_timestamp() t`;
	await until(async () => (await fetch(`${api}/auth/me`, { headers: { authorization: `Bearer ${token}` } })).status === 200, 'the edge to ask', 8000);
	const realtime = await until(() => Realtime.connect({ token }).catch(() => false), 'the realtime server to ask', 8000);
	assert.equal(realtime.connected.session, player.session_id);
	await realtime.close();
	await player.get('/auth/me');
	await call('GET', '/auth/me', { token: sign(kid, Buffer.alloc(32), part(player.token, 1)), expect: 'UNAUTHENTICATED' });
	await sql`DELETE FROM game.signing_keys WHERE kid = ${kid}`;
	await sql`NOTIFY necp_keys`;
	await until(async () => (await fetch(`${api}/auth/me`, { headers: { authorization: `Bearer ${token}` } })).status === 401, 'the edge to forget it', 8000);
});

test('where the database cannot be asked, an unknown key is not refused for good', async () => {
	const player = await Player.register();
	const token = sign(`lost-${randomUUID()}`, Buffer.alloc(32), part(player.token, 1));
	await pause(3200); // what was asked before is too old now
	await sql`ALTER FUNCTION necp.edge_keys() RENAME TO edge_keys_gone`;
	try {
		const { headers } = await call('GET', '/auth/me', { token, expect: 'UNAVAILABLE' });
		assert.ok(headers.get('retry-after'));
	} finally {
		await sql`ALTER FUNCTION necp.edge_keys_gone() RENAME TO edge_keys`;
	}
	await call('GET', '/auth/me', { token, expect: 'UNAUTHENTICATED' });
	await player.get('/auth/me');
});

nothingIsLost();
