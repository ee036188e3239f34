// SPDX-License-Identifier: PostgreSQL
//
// Loot over HTTP and STOMP (DOMAIN §7): whose a kill is, rolls, the master's hand, own loot, crates, what
// is held for who is away, and what players try (§33, 17 to 21).
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { call } from './lib/api.mjs';
import { pause, row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { makeYard, Player, unique } from './lib/world.mjs';

const open = [];
after(() => Promise.all(open.map((it) => it.close().catch(() => {}))));

async function connect(player) {
	const connection = await player.connect();
	open.push(connection);
	return connection;
}

const put = (player, path, body, expect) => call('PUT', path, { token: player.token, body, expect }).then((it) => it.body);

// A party in a yard with an NPC that everybody can hit once before it falls.
async function gather(n, { mode = 'NEED_GREED', npcs = 1 } = {}) {
	const yard = await makeYard({ at: Array.from({ length: npcs }, (_, i) => 1 + i), max_hp: 400 });
	const players = await Promise.all(Array.from({ length: n }, () => Player.enter({ zone: yard.zone })));
	const [leader, ...others] = players;
	const { party_id } = await leader.post('/party');
	for (const other of others) await join(leader, other);
	await put(leader, '/party/loot', { mode });
	return { yard, players, party_id, topic: `/topic/party/${party_id}/loot` };
}

async function join(leader, other) {
	const { invite_id } = await leader.post('/party/invite', { character_id: other.character_id });
	return other.post(`/party/invites/${invite_id}/accept`);
}

// All of them hit it, the last one until it falls; its drop.
async function hunt(npc, ...hunters) {
	let combat_id;
	for (const hunter of hunters) {
		({ combat_id } = await hunter.post('/combat/start', { npc_id: npc }));
		await hunter.post(`/combat/${combat_id}/attack`, { target_id: -npc });
	}
	await pause(200);
	await hunters.at(-1).kill(combat_id, npc);
	const { id } = await row`SELECT id FROM game.world_drops WHERE source = 'NPC' AND source_id = ${npc} ORDER BY id DESC LIMIT 1`;
	return id;
}

const stars = async (player) => (await player.get('/inventory')).items.filter((it) => it.code === 'mourning_star').length;
const vote = (player, roll_id, word, options) => player.post(`/loot/rolls/${roll_id}/roll`, { vote: word }, options);
const pickup = (player, drop_id, options) => player.command('/loot/pickup', { drop_id }, options);

test('a party rolls for what it killed together, and hears of it', async () => {
	const { yard, players: [ann, bob, cat, dan], topic } = await gather(4);
	const [first, second, outside] = await Promise.all([ann, bob, await Player.enter({ zone: yard.zone })].map(connect));
	const [heard, also] = await Promise.all([first.subscribe(topic), second.subscribe(topic)]);
	await assert.rejects(outside.subscribe(topic), /FORBIDDEN/);
	const drop_id = await hunt(yard.npcs[0], ann, bob, cat);
	const started = await heard.find((it) => it.type === 'LOOT_ROLL_STARTED', 'LOOT_ROLL_STARTED');
	assert.equal(started.data.drop_id, drop_id);
	assert.equal(started.data.item, 'mourning_star');
	const { roll_id } = started.data;
	await also.find((it) => it.type === 'LOOT_ROLL_STARTED' && it.data.roll_id === roll_id, 'LOOT_ROLL_STARTED');
	assert.deepEqual((await ann.get('/loot/rolls/active')).items.map((it) => it.roll_id), [roll_id]);
	assert.equal((await ann.get(`/loot/drops/${drop_id}`)).claims[0].roll_id, roll_id);
	// the credits are shared by whoever comes first; what is rolled for stays
	const before = await Promise.all([ann, bob, cat].map((it) => it.get('/inventory/wallet')));
	assert.equal((await pickup(ann, drop_id)).status, 'ACTIVE');
	const now = await Promise.all([ann, bob, cat].map((it) => it.get('/inventory/wallet')));
	assert.equal(now.reduce((sum, it, i) => sum + it.credits - before[i].credits, 0), 10, 'all of them are paid');
	await pickup(bob, drop_id, { expect: 'ROLL_PENDING' });
	await pickup(dan, drop_id, { expect: 'NOT_ELIGIBLE' });
	await vote(dan, roll_id, 'NEED', { expect: 'NOT_ELIGIBLE' });
	await dan.get(`/loot/rolls/${roll_id}`, { expect: 'NOT_ELIGIBLE' });
	await vote(ann, roll_id, 'GREED');
	assert.equal((await heard.find((it) => it.type === 'LOOT_ROLL_VOTED', 'LOOT_ROLL_VOTED')).data.voter, ann.character_id);
	await vote(ann, roll_id, 'NEED', { expect: 'ALREADY_VOTED' });
	await second.send(`/loot/rolls/${roll_id}/roll`, { vote: 'PASS' });
	const decided = await vote(cat, roll_id, 'NEED');
	assert.deepEqual([decided.status, decided.winner_id], ['COMPLETED', cat.character_id]);
	assert.equal((await heard.find((it) => it.type === 'LOOT_ROLL_COMPLETED', 'LOOT_ROLL_COMPLETED')).data.winner, cat.character_id);
	await vote(bob, roll_id, 'GREED', { expect: 'ROLL_CLOSED' });
	assert.deepEqual(await Promise.all([ann, bob, cat].map(stars)), [0, 0, 1]);
	assert.equal((await cat.get('/loot/history')).items[0].method, 'NEED');
	assert.equal((await ann.get(`/loot/rolls/${roll_id}`)).votes.length, 3);
});

test('what is made for another class cannot be needed, but be taken apart', async () => {
	const { yard, players: [ann, bob] } = await gather(2);
	const code = unique('plate_');
	await sql`SELECT necp.content_import('items', ${[{ code, name: 'Plate', description: 'For others.', type: 'ARMOR', rarity: 'RARE', weight: 1, vendor_price: 1,
		attributes: { requires: { class: 'nobody' }, salvage: { item: 'copper_scrap', quantity: 4 } } }]})`;
	await sql`SELECT necp.content_import('loot', ${[{ code: `${code}_table`, min_items: 1, max_items: 1, entries: [{ item: code, weight: 1 }] }]})`;
	await sql`UPDATE game.npc_templates SET loot_table_code = ${`${code}_table`} WHERE code = ${`${yard.zone}_dummy`}`;
	const drop_id = await hunt(yard.npcs[0], ann, bob);
	const { roll_id } = await row`SELECT id AS roll_id FROM game.loot_rolls WHERE drop_id = ${drop_id}`;
	assert.equal((await vote(ann, roll_id, 'NEED', { expect: 'CANNOT_NEED' })).field, 'vote');
	await vote(ann, roll_id, 'SALVAGE');
	await vote(bob, roll_id, 'PASS');
	assert.equal((await ann.get('/inventory')).items.find((it) => it.code === 'copper_scrap').quantity, 4);
});

test('17: of many hands and votes at once, one has the item', async () => {
	const { yard, players } = await gather(4);
	const drop_id = await hunt(yard.npcs[0], ...players);
	await pickup(players[0], drop_id);
	const { roll_id } = await row`SELECT id AS roll_id FROM game.loot_rolls WHERE drop_id = ${drop_id}`;
	const answers = await Promise.all([
		...players.map((it) => call('POST', `/loot/rolls/${roll_id}/roll`, { token: it.token, body: { vote: 'GREED' }, expect: null })),
		...players.flatMap((it) => [1, 2, 3].map(() => call('POST', '/loot/pickup', { token: it.token, key: randomUUID(), body: { drop_id }, expect: null }))),
	]);
	for (const { status, body } of answers.slice(4)) assert.ok(['ROLL_PENDING', 'ALREADY_LOOTED'].includes(body.code), `${status} ${body.code}`);
	assert.equal((await Promise.all(players.map(stars))).reduce((a, b) => a + b), 1);
	assert.equal((await row`SELECT count(*)::int AS n FROM game.loot_history WHERE drop_id = ${drop_id}`).n, 1);
});

test('18: a winner who is offline, or full, gets it later', async () => {
	const { yard, players: [ann, bob] } = await gather(2, { npcs: 2 });
	const gone = await hunt(yard.npcs[0], ann, bob);
	const { roll_id } = await row`SELECT id AS roll_id FROM game.loot_rolls WHERE drop_id = ${gone}`;
	await vote(bob, roll_id, 'NEED');
	await ann.post('/party/kick', { character_id: bob.character_id });
	await bob.post('/auth/logout');
	assert.equal((await vote(ann, roll_id, 'PASS')).winner_id, bob.character_id, 'the vote of who was kicked and has left stands');
	await bob.login();
	await bob.select();
	await until(async () => (await stars(bob)) === 1, 'what was held arrives', 15000);
	await ann.post('/party'); // with one left, the first was disbanded
	await join(ann, bob);
	await sql`UPDATE game.containers SET capacity = (SELECT count(*) FROM game.character_items i WHERE i.container_id = containers.id) WHERE kind = 'BACKPACK' AND owner_id = ${ann.character_id}`;
	await bob.post(`/zones/${yard.zone_id}/enter`);
	const full = await hunt(yard.npcs[1], ann, bob);
	const next = await row`SELECT id FROM game.loot_rolls WHERE drop_id = ${full}`;
	await vote(bob, next.id, 'PASS');
	assert.equal((await vote(ann, next.id, 'NEED')).winner_id, ann.character_id);
	assert.equal(await stars(ann), 0, 'no room');
	await sql`UPDATE game.containers SET capacity = 50 WHERE kind = 'BACKPACK' AND owner_id = ${ann.character_id}`;
	await until(async () => (await stars(ann)) === 1, 'with room it arrives', 15000);
});

test('19, 20: mode and set are those of the death, whoever is kicked or joins afterwards', async () => {
	const { yard, players: [ann, bob, cat] } = await gather(3);
	const late = await Player.enter({ zone: yard.zone });
	const drop_id = await hunt(yard.npcs[0], ann, bob, cat);
	const { roll_id } = await row`SELECT id AS roll_id FROM game.loot_rolls WHERE drop_id = ${drop_id}`;
	await put(ann, '/party/loot', { mode: 'MASTER_LOOTER' });
	await ann.post('/party/kick', { character_id: bob.character_id });
	await join(ann, late);
	await vote(late, roll_id, 'NEED', { expect: 'NOT_ELIGIBLE' });
	await pickup(late, drop_id, { expect: 'NOT_ELIGIBLE' });
	const [item] = await rows`SELECT item_id FROM game.loot_rolls WHERE id = ${roll_id}`;
	await ann.command(`/loot/drops/${drop_id}/assign`, { item_id: item.item_id, character_id: ann.character_id }, { expect: 'FORBIDDEN' });
	await vote(bob, roll_id, 'NEED');
	await vote(ann, roll_id, 'GREED');
	assert.equal((await vote(cat, roll_id, 'PASS')).winner_id, bob.character_id);
});

test('21: nobody is kept in a roll by who has logged off', async () => {
	const { yard, players: [ann, bob] } = await gather(2);
	const drop_id = await hunt(yard.npcs[0], ann, bob);
	const { roll_id } = await row`SELECT id AS roll_id FROM game.loot_rolls WHERE drop_id = ${drop_id}`;
	await bob.post('/auth/logout');
	await ann.post('/party/kick', { character_id: bob.character_id });
	assert.equal((await vote(ann, roll_id, 'GREED')).winner_id, ann.character_id);
});

test('the master gives out, once per key; what it keeps is rolled for', async () => {
	const { yard, players: [ann, bob, cat], topic } = await gather(3, { mode: 'MASTER_LOOTER' });
	const heard = await (await connect(bob)).subscribe(topic);
	const drop_id = await hunt(yard.npcs[0], ann, bob);
	const drop = await ann.get(`/loot/drops/${drop_id}`);
	assert.deepEqual([drop.mode, drop.master_id, drop.claims[0].claim], ['MASTER_LOOTER', ann.character_id, 'MASTER']);
	const { item_id } = drop.claims[0];
	const assign = (player, target, options) => player.command(`/loot/drops/${drop_id}/assign`, { item_id, character_id: target.character_id }, options);
	await assign(bob, bob, { expect: 'FORBIDDEN' });
	await assign(cat, cat, { expect: 'NOT_FOUND' });
	await assign(ann, cat, { expect: 'NOT_ELIGIBLE' });
	await pickup(bob, drop_id);
	const key = randomUUID();
	const given = await ann.post(`/loot/drops/${drop_id}/assign`, { item_id, character_id: bob.character_id }, { key });
	assert.deepEqual(given, { drop_id, item_id, winner: bob.character_id, held: 0 });
	assert.deepEqual(await ann.post(`/loot/drops/${drop_id}/assign`, { item_id, character_id: bob.character_id }, { key }), given, 'a replay gives nothing more');
	assert.equal((await heard.find((it) => it.type === 'LOOT_ASSIGNED', 'LOOT_ASSIGNED')).data.winner, bob.character_id);
	assert.equal(await stars(bob), 1);
});

test('own loot is for its owner, and free loot for who comes first', async () => {
	const { yard, players: [ann, bob] } = await gather(2, { mode: 'PERSONAL', npcs: 2 });
	const own = await hunt(yard.npcs[0], ann, bob);
	assert.equal((await ann.get(`/loot/drops/${own}`)).items.length, 1);
	assert.equal((await pickup(ann, own)).status, 'ACTIVE');
	await pickup(ann, own, { expect: 'NOT_ELIGIBLE' });
	assert.equal((await pickup(bob, own)).status, 'LOOTED');
	assert.deepEqual(await Promise.all([ann, bob].map(stars)), [1, 1]);
	await put(ann, '/party/loot', { mode: 'FREE_FOR_ALL' });
	const free = await hunt(yard.npcs[1], ann, bob);
	const answers = await Promise.all([ann, bob].map((it) => call('POST', '/loot/pickup', { token: it.token, key: randomUUID(), body: { drop_id: free }, expect: null })));
	assert.deepEqual(answers.map((it) => it.body.code ?? it.body.status).sort(), ['ALREADY_LOOTED', 'LOOTED']);
});

test('crates are found, opened once, and fill again', async () => {
	const yard = await makeYard({ at: [50] });
	const player = await Player.enter({ zone: yard.zone });
	const code = unique('crate_');
	await sql`SELECT necp.content_import('containers', ${[{ code, name: 'Crate', zone: yard.zone, x: 2, y: 0, loot_table: 'proving_ground', refill_s: 3600 }]})`;
	const { items: [crate] } = await player.get('/loot/containers/nearby');
	assert.deepEqual([crate.code, crate.full, crate.full_at], [code, true, null]);
	const key = randomUUID();
	const opened = await player.post(`/loot/containers/${crate.container_id}/open`, undefined, { key });
	assert.deepEqual(await player.post(`/loot/containers/${crate.container_id}/open`, undefined, { key }), opened, 'a replay opens nothing');
	await player.command(`/loot/containers/${crate.container_id}/open`, undefined, { expect: 'ALREADY_LOOTED' });
	assert.equal((await pickup(player, opened.drop_id)).status, 'LOOTED');
	assert.equal(await stars(player), 1);
	const { items, next_cursor } = await player.get('/loot/history?limit=1');
	assert.equal(items.length, 1);
	assert.equal(next_cursor, null);
});

test('votes give themselves where a player says so', async () => {
	const { yard, players: [ann, bob] } = await gather(2);
	assert.deepEqual(await bob.get('/loot/settings'), { auto_vote: 'NONE', auto_rarity: 'UNCOMMON' });
	assert.deepEqual(await put(bob, '/loot/settings', { auto_vote: 'PASS', auto_rarity: 'UNIQUE' }), { auto_vote: 'PASS', auto_rarity: 'UNIQUE' });
	assert.equal((await put(bob, '/loot/settings', { auto_vote: 'NEED', auto_rarity: 'UNIQUE' }, 'VALIDATION')).field, 'auto_vote');
	const drop_id = await hunt(yard.npcs[0], ann, bob);
	const { roll_id } = await row`SELECT id AS roll_id FROM game.loot_rolls WHERE drop_id = ${drop_id}`;
	assert.equal((await vote(ann, roll_id, 'GREED')).winner_id, ann.character_id);
});

nothingIsLost();
