// SPDX-License-Identifier: PostgreSQL
//
// The realtime server: STOMP as it should be, and as it should not.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { checkProblem } from './lib/openapi.mjs';
import { frame, RawStomp } from './lib/raw.mjs';
import { Realtime, realtime } from './lib/stomp.mjs';
import { pause, row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { makeDrop, makeYard, Player } from './lib/world.mjs';

let player;
let yard;
const open = [];

before(async () => {
	yard = await makeYard({ at: [4] });
	player = await Player.enter({ zone: yard.zone });
});
after(() => Promise.all(open.map((it) => it.close?.() ?? it.end?.())));

async function connect(who = player, options = {}) {
	const connection = await who.connect(options);
	open.push(connection);
	return connection;
}

async function raw(options) {
	const connection = await RawStomp.open(options);
	open.push(connection);
	return connection;
}

// A connected raw connection that hears its own queues.
async function rawPlayer(who = player, headers = {}) {
	const it = await raw();
	await it.connect(who.token, headers);
	it.frame('SUBSCRIBE', { id: 'r', destination: '/user/queue/replies', receipt: 'r' });
	it.frame('SUBSCRIBE', { id: 'e', destination: '/user/queue/errors', receipt: 'e' });
	await it.next('RECEIPT');
	await it.next('RECEIPT');
	return it;
}

// Sends something that violates the protocol and expects ERROR and the end.
async function violate(send, message, code, { connected = true } = {}) {
	const it = await raw();
	if (connected) await it.connect(player.token);
	await send(it);
	const error = await it.next('ERROR');
	assert.match(error.headers.message, message);
	assert.equal((await it.closed).code, code);
}

// CONNECT ---------------------------------------------------------------------------------------

test('CONNECT with a token', async () => {
	const it = await connect();
	assert.equal(it.connected.version, '1.2');
	assert.equal(it.connected.session, player.session_id);
	assert.equal(it.connected['user-name'], String(player.account_id));
	assert.ok(await row`SELECT 1 FROM game.player_sessions WHERE id = ${player.session_id} AND node IS NOT NULL AND status = 'ACTIVE'`);
	await it.close();
});

test('CONNECT with a ticket, once', async () => {
	const { ticket } = await player.post('/session/ws-ticket');
	const it = await Realtime.connect({ ticket });
	assert.equal(it.connected.session, player.session_id);
	await it.close();
	await assert.rejects(Realtime.connect({ ticket }), /UNAUTHENTICATED/);
	const { ticket: header } = await player.post('/session/ws-ticket');
	await (await Realtime.connect({ headers: { ticket: header } })).close();
	const { ticket: voided } = await player.post('/session/ws-ticket');
	await player.post('/session/ws-ticket');
	await assert.rejects(Realtime.connect({ ticket: voided }), /UNAUTHENTICATED/, 'a newer ticket voids an unused one');
	const { ticket: late } = await player.post('/session/ws-ticket');
	await sql`UPDATE game.player_sessions SET ticket_expires_at = clock_timestamp() WHERE id = ${player.session_id}`;
	await assert.rejects(Realtime.connect({ ticket: late }), /UNAUTHENTICATED/);
});

test('CONNECT without a good token', async () => {
	for (const headers of [{}, { Authorization: 'Bearer x.y.z' }, { Authorization: '' }, { passcode: 'guess' }, { Authorization: `Bearer ${player.token}x` }, { ticket: 'no-such-ticket' }, { login: 'a', passcode: 'b' }])
		await violate((it) => it.frame('CONNECT', { 'accept-version': '1.2', ...headers }), /^UNAUTHENTICATED$/, 1008, { connected: false });
	const gone = await Player.register();
	await gone.post('/auth/logout');
	await violate((it) => it.frame('CONNECT', { 'accept-version': '1.2', Authorization: `Bearer ${gone.token}` }), /^UNAUTHENTICATED$/, 1008, { connected: false });
});

test('versions are negotiated', async () => {
	for (const [accept, version] of [['1.2', '1.2'], ['1.1', '1.1'], ['1.0', '1.0'], ['1.0,1.1,1.2', '1.2'], ['1.0,1.1', '1.1'], ['1.1,2.0', '1.1']]) {
		const it = await raw();
		it.frame('CONNECT', { 'accept-version': accept, Authorization: `Bearer ${player.token}` });
		assert.equal((await it.next('CONNECTED')).headers.version, version, accept);
		await it.end();
	}
	const old = await raw();
	old.frame('CONNECT', { login: 'x', passcode: player.token });
	assert.equal((await old.next('CONNECTED')).headers.version, '1.0');
	old.frame('SUBSCRIBE', { destination: '/user/queue/replies', receipt: '1' });
	assert.equal((await old.next('RECEIPT')).headers['receipt-id'], '1', '1.0 subscribes without an id');
	await violate((it) => it.frame('CONNECT', { 'accept-version': '2.0', Authorization: `Bearer ${player.token}` }), /version/, 1008, { connected: false });
	const stomp = await raw();
	stomp.frame('STOMP', { 'accept-version': '1.2', Authorization: `Bearer ${player.token}` });
	await stomp.next('CONNECTED');
});

test('WebSocket: one path, the subprotocols of STOMP', async () => {
	const refused = (url, protocols) => new Promise((resolve) => {
		const socket = new WebSocket(url, protocols);
		socket.on('open', () => resolve(false));
		socket.on('error', () => resolve(true));
	});
	assert.ok(await refused(realtime.replace('/ws', '/other'), ['v12.stomp']));
	assert.ok(await refused(realtime, ['mqtt']));
	assert.ok(await refused(realtime, ['http']));
	for (const protocol of ['v12.stomp', 'v11.stomp', 'v10.stomp']) {
		const it = await raw({ protocols: [protocol] });
		assert.equal(it.socket.protocol, protocol);
		await it.end();
	}
});

test('who does not CONNECT in time has to go', async () => {
	const restore = await setConfig('realtime.connect_ms', 500);
	const it = await raw();
	assert.match((await it.next('ERROR')).headers.message, /CONNECT/);
	assert.equal((await it.closed).code, 1008);
	await restore();
});

// Frames ----------------------------------------------------------------------------------------

test('violations of the protocol end the connection', async () => {
	const early = { connected: false };
	await violate((it) => it.frame('SEND', { destination: '/app/input' }, '{}'), /not connected/, 1002, early);
	await violate((it) => it.frame('SUBSCRIBE', { id: '1', destination: '/user/queue/errors' }), /not connected/, 1002, early);
	await violate((it) => it.send('GET / HTTP/1.1\r\n\r\n'), /unknown command/, 1002, early);
	await violate((it) => it.frame('DANCE'), /unknown command/, 1002);
	await violate((it) => it.frame('connect'), /unknown command/, 1002);
	await violate((it) => it.frame('CONNECT', { 'accept-version': '1.2' }), /already connected/, 1002);
	await violate((it) => it.frame('MESSAGE', { destination: '/topic/x' }, 'x'), /not a client/, 1002);
	await violate((it) => it.frame('CONNECTED'), /not a client/, 1002);
	await violate((it) => it.send('SEND\ndestination:/app\\x/input\n\n{}\0'), /escape/, 1002);
	await violate((it) => it.send('SEND\ndestination:/app/input\\\n\n{}\0'), /escape/, 1002);
	await violate((it) => it.send('SEND\ndestination\n\n{}\0'), /colon/, 1002);
	await violate((it) => it.send('SEND\n:value\n\n{}\0'), /header name/, 1002);
	await violate((it) => it.send('SEND\nx:a\rb\n\n\0'), /carriage return/, 1002);
	await violate((it) => it.send('SEND\nx:a\0'), /NUL/, 1002);
	await violate((it) => it.send('SEND\ndestination:/app/input\ncontent-length:1\n\n{}\0'), /content-length/, 1002);
	await violate((it) => it.send('SEND\ndestination:/app/input\ncontent-length:x\n\n{}\0'), /content-length/, 1002);
	await violate((it) => it.send('SEND\ndestination:/app/input\ncontent-length:-1\n\n{}\0'), /content-length/, 1002);
	await violate((it) => it.send('SUBSCRIBE\nid:1\ndestination:/user/queue/errors\n\nbody\0'), /body/, 1002);
	await violate((it) => it.send(`SEND\n${'h:v\n'.repeat(100)}\n\0`), /too many headers/, 1002);
	await violate((it) => it.frame('SEND', {}, '{}'), /destination/, 1002);
	await violate((it) => it.frame('SUBSCRIBE', { destination: '/user/queue/errors' }), /id/, 1002);
	await violate((it) => it.frame('SUBSCRIBE', { id: '1' }), /destination/, 1002);
	await violate((it) => it.frame('UNSUBSCRIBE', {}), /id/, 1002);
	await violate((it) => it.frame('BEGIN', { transaction: '1' }), /transactions/, 1002);
	await violate((it) => it.frame('SEND', { destination: '/app/input', transaction: '1' }, '{}'), /transactions/, 1002);
	await violate((it) => it.send(frame('SUBSCRIBE', { id: '1', destination: '/user/queue/errors' }).repeat(2)), /in use/, 1002);
});

test('frames too large are refused before they are read', async () => {
	await violate((it) => it.frame('SEND', { destination: '/app/input' }, 'x'.repeat(10000)), /too large/, 1009);
	await violate((it) => it.frame('SEND', { destination: '/app/input', 'content-length': '10485760' }, ''), /too large/, 1009);
	const it = await raw();
	await it.connect(player.token);
	it.socket.on('error', () => {}); // the server does not read to the end
	it.send(Buffer.alloc(10 << 20, 'x'));
	const { code } = await it.closed;
	assert.ok([1002, 1006, 1009].includes(code), `closed with ${code}`);
	await violate((other) => other.send(`SEND\nx:${'y'.repeat(20000)}`), /too large/, 1009);
});

test('where frames are cut makes no difference', async () => {
	const it = await rawPlayer();
	const one = (n) => frame('SEND', { destination: '/app/session/heartbeat', 'correlation-id': `c${n}` });
	for (const byte of one(1)) it.send(byte);
	assert.equal((await it.next('MESSAGE')).headers['correlation-id'], 'c1');
	it.send(`${one(2)}\n\n\r\n${one(3)}${one(4)}`);
	for (const n of [2, 3, 4]) assert.equal((await it.next('MESSAGE')).headers['correlation-id'], `c${n}`, 'in order');
	it.send(Buffer.from(one(5)));
	assert.equal((await it.next('MESSAGE')).headers['correlation-id'], 'c5', 'as a binary message');
	it.socket.send(one(6).slice(0, 10), { fin: false });
	it.socket.send(one(6).slice(10), { fin: true });
	assert.equal((await it.next('MESSAGE')).headers['correlation-id'], 'c6', 'in WebSocket fragments');
	it.send(one(7).replaceAll('\n', '\r\n'));
	assert.equal((await it.next('MESSAGE')).headers['correlation-id'], 'c7', 'with CR LF');
	it.send('SEND\ndestination:/app/session/heartbeat\ncorrelation-id:a\\cb\\\\c\\nd\ncorrelation-id:second\n\n\0');
	assert.equal((await it.next('MESSAGE')).headers['correlation-id'], 'a\\cb\\\\c\\nd', 'escaped as it was, the first of two');
});

test('heart-beats go both ways', async () => {
	const restore = await setConfig('realtime.heartbeat_ms', 1000);
	try {
		const it = await raw();
		const { headers } = await it.connect(player.token, { 'heart-beat': '0,1000' });
		assert.equal(headers['heart-beat'], '1000,1000');
		await until(() => it.beats >= 2, 'two heart-beats');
		await it.end();
		const silent = await raw();
		await silent.connect(player.token, { 'heart-beat': '1000,0' });
		assert.match((await silent.next('ERROR', 8000)).headers.message, /heart-beat/);
		const alive = await raw();
		await alive.connect(player.token, { 'heart-beat': '1000,0' });
		for (let i = 0; i < 8; i++) {
			alive.send('\n');
			await pause(500);
		}
		assert.equal(alive.socket.readyState, WebSocket.OPEN);
		await violate((other) => other.frame('CONNECT', { 'accept-version': '1.2', Authorization: `Bearer ${player.token}`, 'heart-beat': 'often' }), /heart-beat/, 1008, { connected: false });
	} finally {
		await restore();
	}
});

test('DISCONNECT is answered when all before it is done', async () => {
	const it = await rawPlayer();
	it.frame('SEND', { destination: '/app/session/heartbeat', 'correlation-id': 'last' });
	it.frame('DISCONNECT', { receipt: 'bye' });
	assert.equal((await it.next('MESSAGE')).headers['correlation-id'], 'last');
	assert.equal((await it.next('RECEIPT')).headers['receipt-id'], 'bye');
	assert.equal((await it.closed).code, 1000);
});

// Topics ----------------------------------------------------------------------------------------

test('topics of others are not for us', async () => {
	const it = await connect();
	const other = await Player.enter();
	const foreign = [`/topic/player/${other.account_id}/notifications`, `/topic/character/${other.character_id}/position`, `/topic/character/${other.character_id}/inventory`,
		`/topic/character/${other.character_id}/quests`, `/topic/character/${other.character_id}/combat`, `/topic/zone/${(await other.where()).zone_id}/events`, '/topic/player/999999999/notifications'];
	for (const topic of foreign)
		await assert.rejects(it.subscribe(topic), { code: 'FORBIDDEN', topic }, topic);
	for (const topic of ['/topic/nothing', '/topic/player/abc/notifications', '/topic/player/0/notifications', '/topic/player/-1/notifications', `/topic/player/${player.account_id}/notifications/x`, '/topic/zone/99999999999999999999/events', '/queue/x', '/user/queue/other', '/topic/', '/topic/*', '/exchange/x'])
		await assert.rejects(it.subscribe(topic), { code: 'NOT_SUBSCRIBABLE' }, topic);
	await (await it.subscribe(`/topic/player/${player.account_id}/notifications`)).unsubscribe();
	await it.close();
});

test('who leaves a zone no longer hears of it', async () => {
	const walker = await Player.enter({ zone: yard.zone, x: 20 });
	const it = await connect(walker);
	const events = await it.subscribe(`/topic/zone/${yard.zone_id}/events`);
	const { zone_id: home } = await row`SELECT id AS zone_id FROM game.zones WHERE code = 'lantern_ward'`;
	const revoked = it.refusals.next(({ body }) => body.topic === `/topic/zone/${yard.zone_id}/events`, 'the end of the subscription');
	await walker.post(`/zones/${home}/enter`);
	assert.equal((await revoked).body.code, 'FORBIDDEN');
	const before = events.all.length;
	await sql`SELECT necp.push(${`/topic/zone/${yard.zone_id}/events`}, 'E2E', '{}')`;
	await pause(300);
	assert.equal(events.all.length, before);
	await assert.rejects(it.subscribe(`/topic/zone/${yard.zone_id}/events`), { code: 'FORBIDDEN' });
	await it.subscribe(`/topic/zone/${home}/events`);
});

test('what was missed comes again, or RESYNC', async () => {
	const it = await connect();
	const topic = `/topic/player/${player.account_id}/notifications`;
	const tell = (n) => sql`SELECT necp.push(${topic}, 'E2E', ${{ n }})`;
	const first = await it.subscribe(topic);
	await tell(1);
	const { seq } = await first.find((message) => message.data.n === 1, 'message 1');
	await first.unsubscribe();
	await tell(2);
	await tell(3);
	await pause(300);
	assert.equal(first.all.length, 1, 'nothing comes without a subscription');
	const second = await it.subscribe(topic, { 'last-seq': String(seq) });
	await second.find((message) => message.data.n === 3, 'message 3');
	assert.deepEqual(second.all.map((message) => [message.type, message.data.n]), [['E2E', 2], ['E2E', 3]]);
	assert.deepEqual(second.all.map((message) => message.seq), [seq + 1, seq + 2]);
	await second.unsubscribe();
	for (const unknown of ['0', '999999', 'abc']) {
		const third = await it.subscribe(topic, { 'last-seq': unknown });
		const resync = await third.find((message) => message.type === 'RESYNC', `RESYNC after ${unknown}`);
		assert.deepEqual(resync.data, {});
		await third.unsubscribe();
	}
	await it.close();
});

test('operators announce to everybody', async () => {
	const it = await connect();
	const news = await it.subscribe('/topic/server/announcements');
	await sql`SELECT necp.push('/topic/server/announcements', 'ANNOUNCEMENT', ${{ id: 1, text: 'zażółć ☃ 𝄞' }})`;
	assert.equal((await news.find((message) => message.type === 'ANNOUNCEMENT', 'the announcement')).data.text, 'zażółć ☃ 𝄞');
	await it.close();
});

test('subscriptions are limited', async () => {
	const restore = await setConfig('realtime.max_subscriptions', 3);
	const it = await rawPlayer();
	it.frame('SUBSCRIBE', { id: '3', destination: '/topic/server/announcements', receipt: '3' });
	assert.equal((await it.next('RECEIPT')).headers['receipt-id'], '3');
	it.frame('SUBSCRIBE', { id: '4', destination: '/topic/world/events', receipt: '4' });
	assert.equal(JSON.parse((await it.next('MESSAGE')).body).code, 'RATE_LIMITED');
	await restore();
	await it.end();
});

// Commands --------------------------------------------------------------------------------------

test('a command over STOMP is the same command', async () => {
	const it = await connect();
	const events = await it.subscribe(`/topic/zone/${yard.zone_id}/events`);
	const drop_id = await makeDrop(player, yard.npcs[0]);
	await events.find((message) => message.data.drop_id === drop_id, 'LOOT_DROPPED');
	await assert.rejects(it.send('/loot/pickup', { drop_id }), { code: 'VALIDATION', field: 'Idempotency-Key' });
	await assert.rejects(it.send('/loot/pickup', { drop_id }, { key: 'x' }), { code: 'VALIDATION', field: 'Idempotency-Key' });
	await assert.rejects(it.send('/loot/pickup', { drop_id: 0 }, { key: randomUUID() }), { code: 'VALIDATION', field: 'drop_id' });
	await assert.rejects(it.send('/loot/pickup', { drop_id: 999999999 }, { key: randomUUID() }), { code: 'NOT_FOUND' });
	const key = randomUUID();
	const answer = await it.send('/loot/pickup', { drop_id }, { key });
	assert.equal(answer.status, 'LOOTED');
	assert.deepEqual(await it.send('/loot/pickup', { drop_id }, { key }), answer, 'a replay');
	assert.deepEqual(await player.post('/loot/pickup', { drop_id }, { key }), answer, 'also over HTTP');
	await assert.rejects(it.send('/loot/pickup', { drop_id }, { key: randomUUID() }), { code: 'ALREADY_LOOTED' });
	await events.find((message) => message.type === 'LOOT_TAKEN', 'LOOT_TAKEN');
	await it.close();
});

test('what is no command is refused, and the connection stays', async () => {
	const it = await connect();
	for (const path of ['/nothing', '/characters/catalog', '/zones/current', '/', '/../api'])
		await assert.rejects(it.send(path, {}), { code: 'NOT_FOUND' }, path);
	for (const [path, body] of [['/auth/login', { email: 'a@b', password: 'x' }], ['/auth/refresh', { refresh_token: 'x' }], ['/auth/register', { email: 'a@b', username: 'abc', password: 'x' }]])
		await assert.rejects(it.send(path, body), { code: 'FORBIDDEN' }, path);
	const refusal = it.refusals.next(() => true, 'a refusal');
	it.publish({ destination: '/topic/server/announcements', body: '{}', headers: { 'correlation-id': 'shout' } });
	const { body, correlation } = await refusal;
	assert.deepEqual([body.code, correlation], ['FORBIDDEN', 'shout'], 'clients do not send to topics');
	for (const bad of ['{', 'x', '[]', '{"drop_id":1,"drop_id":2}', '{"drop_id":1}x', '{"drop_id":"\\ud800"}']) {
		const refused = it.refusals.next(() => true, 'a refusal');
		it.publish({ destination: '/app/loot/pickup', body: bad, headers: { 'idempotency-key': randomUUID() } });
		assert.equal((await refused).body.code, 'VALIDATION', bad);
	}
	assert.equal((await it.send('/session/heartbeat')).session_id, player.session_id);
	await it.close();
});

test('receipts come after the commit', async () => {
	const it = await rawPlayer();
	it.frame('SEND', { destination: '/app/session/heartbeat', receipt: 'done' });
	assert.equal((await it.next('MESSAGE')).headers['correlation-id'], 'done', 'a receipt serves as correlation-id');
	assert.equal((await it.next('RECEIPT')).headers['receipt-id'], 'done');
	it.frame('SEND', { destination: '/app/nothing', receipt: 'refused' });
	const { headers, body } = await it.next('MESSAGE');
	assert.deepEqual([headers.destination, headers['correlation-id'], headers.status], ['/user/queue/errors', 'refused', '404']);
	assert.equal(headers['content-type'], 'application/problem+json');
	checkProblem(JSON.parse(body), 'the refusal');
	it.frame('UNSUBSCRIBE', { id: 'no-such', receipt: 'u' });
	assert.equal((await it.next('RECEIPT')).headers['receipt-id'], 'u');
	it.frame('ACK', { id: '1', receipt: 'a' });
	assert.equal((await it.next('RECEIPT')).headers['receipt-id'], 'a');
	await it.end();
});

test('who sends too much is told so', async () => {
	const restore = await setConfig('realtime.frames_per_second', 5);
	try {
		const it = await rawPlayer();
		for (let i = 0; i < 20; i++) it.frame('SEND', { destination: '/app/session/heartbeat', 'correlation-id': String(i) });
		await it.frames.find(({ headers, body }) => headers.status === '429' && JSON.parse(body).code === 'RATE_LIMITED', 'RATE_LIMITED');
		await pause(1500);
		it.frame('SEND', { destination: '/app/session/heartbeat', 'correlation-id': 'later' });
		await it.frames.find(({ headers }) => headers['correlation-id'] === 'later' && headers.status === '200', 'the answer when it is quiet again');
		await it.end();
	} finally {
		await restore();
	}
});

// Movement --------------------------------------------------------------------------------------

test('moves are checked: frames, order, speed, bounds', async () => {
	const mover = await Player.enter({ zone: yard.zone, x: -50 });
	const it = await connect(mover);
	const position = await it.subscribe(`/topic/character/${mover.character_id}/position`);
	const own = (message) => message.data.entities.find((entity) => entity.id === mover.character_id);
	assert.deepEqual(own(await position.find(own, 'the first frame')).p, [-50, 0, 0]);
	const bad = async (body, code) => {
		const refused = it.refusals.next(() => true, `refusal of ${body}`);
		it.publish({ destination: '/app/input', body });
		assert.equal((await refused).body.code, code, body);
	};
	for (const body of ['', '{}', '[]', '{"seq":1}', '{"seq":1,"x":NaN,"y":0,"z":0,"yaw":0}', '{"seq":1,"x":1e999,"y":0,"z":0,"yaw":0}', '{"seq":-1,"x":0,"y":0,"z":0,"yaw":0}', '{"seq":4294967296,"x":0,"y":0,"z":0,"yaw":0}',
		'{"seq":1,"x":"0","y":0,"z":0,"yaw":0}', '{"seq":1.5,"x":0,"y":0,"z":0,"yaw":0}', '{"seq":1,"x":0,"y":0,"z":0'])
		await bad(body, 'BAD_FRAME');
	it.input(1, { x: -49.5, y: 0 });
	await position.find((message) => message.data.last_seq === 1, 'input 1');
	await bad('{"seq":1,"x":-49,"y":0,"z":0,"yaw":0}', 'STALE_SEQ');
	await bad('{"seq":0,"x":-49,"y":0,"z":0,"yaw":0}', 'STALE_SEQ');
	it.input(2, { x: 100, y: 0 }); // a leap
	const leap = await position.find((message) => message.data.last_seq === 2, 'input 2');
	assert.deepEqual((own(leap) ?? { p: [-49.5, 0, 0] }).p, [-49.5, 0, 0]);
	it.input(3, { x: 1000000, y: 0 }); // out of the zone
	await position.find((message) => message.data.last_seq === 3, 'input 3');
	assert.equal((await mover.where()).x, -49.5);
	assert.equal((await row`SELECT violations FROM live.zone_players WHERE character_id = ${mover.character_id}`).violations, 2);
	const started = Date.now();
	for (let i = 0; i < 20; i++) { // three times as fast as anybody runs
		it.input(4 + i, { x: -49.5 + (i + 1) * 3, y: 0 });
		await pause(100);
	}
	await position.find((message) => message.data.last_seq === 23, 'input 23');
	const { x } = await mover.where();
	assert.ok(x + 49.5 <= (10 * 1.3 * (Date.now() - started)) / 1000 + 14, `went ${x + 49.5} m in ${Date.now() - started} ms`);
});

test('movement and positions in binary', async () => {
	const mover = await Player.enter({ zone: yard.zone, x: 60 });
	const it = await rawPlayer(mover);
	it.frame('SUBSCRIBE', { id: 'p', destination: `/topic/character/${mover.character_id}/position`, 'content-type': 'application/x-necp-position', receipt: 'p' });
	await it.next('RECEIPT');
	const input = Buffer.alloc(24);
	input.writeUInt32LE(7, 0);
	input.writeFloatLE(60.5, 4);
	await pause(200); // to have earned the way
	it.send(Buffer.concat([Buffer.from('SEND\ndestination:/app/input\ncontent-type:application/x-necp-input\ncontent-length:24\n\n'), input, Buffer.from('\0')]));
	const entities = ({ body }) => Array.from({ length: body.readUInt16LE(8) }, (_, i) => {
		const at = 12 + 36 * i;
		return { id: body.readBigInt64LE(at), x: body.readFloatLE(at + 8), hp: body.readUInt16LE(at + 32), activity: body[at + 34] };
	});
	const moved = await it.frames.find((item) => item.headers.subscription === 'p' && item.body.readUInt32LE(4) === 7, 'the frame with input 7');
	assert.equal(moved.headers['content-type'], 'application/x-necp-position');
	assert.equal(moved.body.length, 12 + 36 * moved.body.readUInt16LE(8) + 8 * moved.body.readUInt16LE(10));
	const self = entities(moved).find((entity) => entity.id === BigInt(mover.character_id));
	assert.deepEqual([self.x, self.hp], [60.5, 1000]);
	await it.end();
});

test('without a character there is nobody to move', async () => {
	const ghost = await Player.register();
	const it = await connect(ghost);
	const refused = it.refusals.next(() => true, 'a refusal');
	it.input(1, { x: 0, y: 0 });
	assert.equal((await refused).body.code, 'NO_ACTIVE_CHARACTER');
	await assert.rejects(it.send('/combat/start', { npc_id: 1 }), { code: 'NO_ACTIVE_CHARACTER' });
});

// Ends ------------------------------------------------------------------------------------------

test('logging out closes the connection', async () => {
	const leaver = await Player.enter();
	const it = await connect(leaver);
	await leaver.post('/auth/logout');
	const { code, error } = await it.closed();
	assert.deepEqual([code, error], [1008, 'LOGOUT']);
});

test('a second login closes the first one\'s connection', async () => {
	const twin = await Player.enter();
	const it = await connect(twin);
	await twin.login();
	const { code, error } = await it.closed();
	assert.deepEqual([code, error], [1008, 'CONCURRENT_LOGIN']);
	await connect(twin);
});

test('two connections of one session hear the same', async () => {
	const [one, two] = [await connect(), await Realtime.connect({ token: player.token })];
	open.push(two);
	const topic = `/topic/player/${player.account_id}/notifications`;
	const [left, right] = [await one.subscribe(topic), await two.subscribe(topic)];
	await sql`SELECT necp.push(${topic}, 'E2E', '{"both":true}')`;
	const fits = (message) => message.data.both === true;
	assert.deepEqual(await left.find(fits, 'left'), await right.find(fits, 'right'));
});

test('who vanishes is disconnected, and may come back', async () => {
	const lost = await Player.enter();
	const it = await raw();
	await it.connect(lost.token);
	it.socket.terminate();
	await until(() => row`SELECT 1 FROM game.player_sessions WHERE id = ${lost.session_id} AND status = 'DISCONNECTED'`, 'DISCONNECTED');
	await connect(lost);
	assert.deepEqual(await rows`SELECT status FROM game.player_sessions WHERE id = ${lost.session_id}`, [{ status: 'ACTIVE' }]);
});

nothingIsLost();
