// SPDX-License-Identifier: PostgreSQL
//
// Parties over HTTP and STOMP (DOMAIN §17): every route and refusal, who hears what, and what becomes of
// who is gone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from './lib/api.mjs';
import { pause, row, sql, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { makeYard, Player } from './lib/world.mjs';

let yard;
const open = [];

before(async () => {
	yard = await makeYard();
});
after(async () => {
	await Promise.all(open.map((it) => it.close().catch(() => {})));
	await sql`SELECT necp.clock_reset()`;
	await sql`SELECT necp.partitions_keep()`;
});

async function connect(player) {
	const connection = await player.connect();
	open.push(connection);
	return connection;
}

const players = (n) => Promise.all(Array.from({ length: n }, () => Player.enter({ zone: yard.zone })));
const put = (player, path, body, expect) => call('PUT', path, { token: player.token, body, expect }).then((it) => it.body);
const disband = (player, expect) => call('DELETE', '/party', { token: player.token, expect }).then((it) => it.body);
const invite = (host, guest, options) => host.post('/party/invite', { character_id: guest.character_id }, options);
const accept = (guest, invite_id, options) => guest.post(`/party/invites/${invite_id}/accept`, undefined, options);
const ids = (party) => party.members.map((it) => it.character_id);
const topicOf = (party, name = 'state') => `/topic/party/${party.party_id}/${name}`;

async function form(leader, ...others) {
	let party = await leader.post('/party', undefined, { expect: 201 });
	for (const other of others) party = await accept(other, (await invite(leader, other, { expect: 201 })).invite_id);
	return party;
}

test('a party is formed, filled, led, made a raid and disbanded', async () => {
	const [ann, bob, cat, dan, eve, fay] = await players(6);
	await ann.get('/party', { expect: 'NOT_FOUND' });
	const party = await form(ann, bob, cat, dan);
	assert.equal(party.leader_id, ann.character_id);
	assert.deepEqual(ids(party), [ann, bob, cat, dan].map((it) => it.character_id).sort((a, b) => a - b));
	const me = party.members.find((it) => it.character_id === bob.character_id);
	assert.deepEqual([me.name, me.role, me.online, me.afk, me.ready, me.place_id], [bob.name, 'DPS', true, false, null, yard.zone_id]);
	assert.ok(me.hp > 0 && me.hp <= me.max_hp);
	await bob.post('/party', undefined, { expect: 'ALREADY_IN_PARTY' });
	await invite(bob, eve, { expect: 'NOT_LEADER' });
	await invite(ann, bob, { expect: 'TARGET_IN_PARTY' });
	const [forEve, forFay] = [await invite(ann, eve), await invite(ann, fay)];
	const { items } = await eve.get('/party/invites');
	assert.deepEqual(items, [forEve]);
	assert.equal(items[0].invited_by_name, ann.name);
	await accept(fay, forEve.invite_id, { expect: 'NOT_FOUND' });
	await accept(eve, forEve.invite_id);
	await accept(fay, forFay.invite_id, { expect: 'PARTY_FULL' });
	assert.equal((await ann.post('/party/convert-raid')).capacity, 15);
	assert.equal((await accept(fay, forFay.invite_id)).members.length, 6);
	await ann.post('/party/kick', { character_id: fay.character_id });
	await fay.get('/party', { expect: 'NOT_FOUND' });
	assert.equal((await ann.post('/party/leader', { character_id: cat.character_id })).leader_id, cat.character_id);
	await disband(ann, 'NOT_LEADER');
	await cat.post('/party/leave');
	assert.equal((await bob.get('/party')).leader_id, ann.character_id, 'the longest present');
	assert.deepEqual(await disband(ann), { done: true });
	await Promise.all([ann, bob, dan, eve].map((it) => it.get('/party', { expect: 'NOT_FOUND' })));
});

test('an invitation is declined, or expires', async () => {
	const [ann, bob] = await players(2);
	await form(ann);
	const first = await invite(ann, bob);
	await invite(ann, bob, { expect: 'CONFLICT' });
	assert.deepEqual(await bob.post(`/party/invites/${first.invite_id}/decline`), { done: true });
	await accept(bob, first.invite_id, { expect: 'CONFLICT' });
	const second = await invite(ann, bob);
	const { items } = await bob.get('/notifications');
	assert.deepEqual(items[0].data.invite_id, second.invite_id);
	await sql`SELECT necp.clock_advance('60 seconds')`;
	await accept(bob, second.invite_id, { expect: 'INVITE_EXPIRED' });
	assert.deepEqual((await bob.get('/party/invites')).items, []);
	await disband(ann);
	await sql`SELECT necp.clock_reset()`;
});

test('roles, loot and who is ready', async () => {
	const [ann, bob, cat] = await players(3);
	await form(ann, bob, cat);
	const roleOf = (party, who) => party.members.find((it) => it.character_id === who.character_id);
	assert.equal(roleOf(await put(bob, '/party/role', { role: 'HEALER' }), bob).role, 'HEALER');
	await put(bob, '/party/role', { role: 'TANK', character_id: cat.character_id }, 'NOT_LEADER');
	await put(bob, '/party/role', { role: 'JUGGLER' }, 'VALIDATION');
	assert.equal(roleOf(await put(ann, '/party/role', { character_id: bob.character_id, assistant: true }), bob).assistant, true);
	await put(bob, '/party/loot', { mode: 'PERSONAL' }, 'NOT_LEADER');
	const { loot } = await put(ann, '/party/loot', { mode: 'MASTER_LOOTER', threshold: 'RARE', master_looter_id: bob.character_id });
	assert.deepEqual(loot, { mode: 'MASTER_LOOTER', threshold: 'RARE', master_looter_id: bob.character_id });
	assert.equal((await bob.post('/party/ready-check')).ready_check.status, 'RUNNING');
	await ann.post('/party/ready-check/respond', { ready: true });
	assert.equal((await cat.post('/party/ready-check/respond', { ready: false })).ready_check.status, 'NOT_READY');
	await cat.post('/party/ready-check/respond', { ready: true }, { expect: 'CONFLICT' });
	await disband(ann);
});

test('while a party is frozen nobody comes or goes', async () => {
	const [ann, bob, cat] = await players(3);
	const { party_id } = await form(ann, bob);
	const { invite_id } = await invite(ann, cat);
	await sql`SELECT necp.party_freeze(${party_id}, 'MATCH')`;
	assert.equal((await bob.get('/party')).frozen, true);
	await accept(cat, invite_id, { expect: 'FROZEN' });
	await bob.post('/party/leave', undefined, { expect: 'FROZEN' });
	await ann.post('/party/kick', { character_id: bob.character_id }, { expect: 'FROZEN' });
	await disband(ann, 'FROZEN');
	await sql`SELECT necp.party_freeze(${party_id}, NULL)`;
	await accept(cat, invite_id);
	await disband(ann);
});

test('members hear what happens, strangers are refused, who was kicked hears no more', async () => {
	const [ann, bob, cat] = await players(3);
	const party = await form(ann, bob, cat);
	const [first, second, third] = [await connect(ann), await connect(bob), await connect(cat)];
	const stranger = await Player.enter({ zone: yard.zone });
	const outside = await connect(stranger);
	for (const name of ['state', 'loot']) await assert.rejects(outside.subscribe(topicOf(party, name)), /FORBIDDEN/);
	const heard = await first.subscribe(topicOf(party));
	const kicked = await second.subscribe(topicOf(party));
	await second.subscribe(topicOf(party, 'loot'));
	await third.subscribe(topicOf(party));
	const next = heard.next((it) => it.type === 'PARTY_STATE', 'a change');
	assert.equal((await second.send('/party/ready-check/respond', { ready: true }).catch((it) => it)).code, 'CONFLICT');
	await put(bob, '/party/role', { role: 'TANK' });
	const told = await next;
	assert.equal(told.data.members.find((it) => it.character_id === bob.character_id).role, 'TANK');
	assert.equal(told.version, told.data.version);
	await kicked.find((it) => it.version === told.version, 'the same for bob');
	const revoked = [second.refusals.next((it) => it.body.topic === topicOf(party), 'state is revoked'), second.refusals.next((it) => it.body.topic === topicOf(party, 'loot'), 'loot is revoked')];
	await first.send('/party/kick', { character_id: bob.character_id });
	await Promise.all(revoked);
	const left = await heard.find((it) => it.type === 'PARTY_STATE' && it.data.members.length === 2, 'who is left');
	await put(cat, '/party/role', { role: 'HEALER' });
	await heard.find((it) => it.version > left.version, 'what happens then');
	await pause(300);
	assert.equal(kicked.all.filter((it) => it.version >= left.version).length, 0, 'bob hears nothing of it');
	await assert.rejects(second.subscribe(topicOf(party)), /FORBIDDEN/);
	await first.send('/party/leave');
	await third.refusals.find((it) => it.body.topic === topicOf(party), 'cat is told that it is over');
	await cat.get('/party', { expect: 'NOT_FOUND' });
});

test('a lost connection is seen, and after five minutes the member is out and another leads', async () => {
	const [ann, bob, cat] = await players(3);
	const party = await form(ann, bob, cat);
	const lost = await connect(ann);
	const heard = await (await connect(bob)).subscribe(topicOf(party));
	await lost.close();
	await heard.find((it) => it.type === 'PARTY_STATE' && it.data.members.some((m) => m.character_id === ann.character_id && !m.online), 'that ann is gone');
	assert.equal((await bob.get('/party')).leader_id, ann.character_id);
	await sql`SELECT necp.clock_advance('5 minutes 1 second')`;
	const { data } = await heard.find((it) => it.type === 'PARTY_STATE' && it.data.members.length === 2, 'that ann is out', 15000);
	assert.equal(data.leader_id, bob.character_id);
	await sql`SELECT necp.clock_reset()`;
	await cat.post('/auth/logout');
	assert.equal((await bob.get('/party')).members.find((it) => it.character_id === cat.character_id).online, false);
	await cat.login();
	await cat.select();
	assert.equal((await cat.get('/party')).members.every((it) => it.online), true, 'who logs in again is back');
	await disband(bob);
});

test('many want the last seat, and one gets it', async () => {
	const [ann, bob, cat, dan, ...rest] = await players(10);
	const { party_id } = await form(ann, bob, cat, dan);
	const invitations = [];
	for (const guest of rest) invitations.push([guest, (await invite(ann, guest)).invite_id]);
	const answers = await Promise.all(invitations.map(([guest, id]) => accept(guest, id, { expect: null })));
	assert.deepEqual(answers.map((it) => it.code ?? 'in').sort(), [...Array(5).fill('PARTY_FULL'), 'in'].sort());
	assert.equal((await row`SELECT count(*) AS n FROM game.party_members WHERE party_id = ${party_id}`).n, 5);
	await disband(ann);
	await until(() => row`SELECT 1 AS gone FROM game.parties WHERE id = ${party_id} AND status = 'DISBANDED'`, 'the end');
});

nothingIsLost();
