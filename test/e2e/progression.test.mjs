// SPDX-License-Identifier: PostgreSQL
//
// Levels, points, skills, perks and taking them back (DOMAIN §10, §36), through the real edge: each route, each
// refusal, and what the live world and the account are told.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { call } from './lib/api.mjs';
import { row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { makeYard, Player, unique } from './lib/world.mjs';

const players = [];
let sources = Date.now();

async function enter(...where) {
	const player = await Player.enter(...where);
	players.push(player);
	return player;
}

after(() => Promise.all(players.map((player) => player.realtime?.close())));

// Experience comes from rules and operators only.
const earn = async (player, xp) => (await row`SELECT necp.progression_gain(${player.character_id}, ${xp}, 'E2E', ${++sources}) AS xp`).xp;
const TO_LEVEL_10 = 133720; // 1000 + 3031 + … + 33634

async function makePerks(perks) {
	const codes = Object.fromEntries(Object.keys(perks).map((name) => [name, unique(`${name}_`)]));
	await sql`SELECT necp.content_import('perks', ${Object.entries(perks).map(([name, { requires = [], ...more }]) => ({
		code: codes[name], name, description: 'Of tests.', requires: requires.map((one) => codes[one]), ...more,
	}))})`;
	return codes;
}

const points = ({ attribute_points, skill_points, perk_points }) => [attribute_points, skill_points, perk_points];

test('the curve is served whole', async () => {
	const player = await enter();
	const { items, next_cursor } = await player.get('/progression/curve');
	assert.equal(items.length, 49);
	assert.equal(next_cursor, null);
	assert.deepEqual(items.slice(0, 3), [{ level: 1, xp: 1000, total_xp: 1000 }, { level: 2, xp: 3031, total_xp: 4031 }, { level: 3, xp: 5799, total_xp: 9830 }]);
	assert.equal(items[8].total_xp, TO_LEVEL_10);
});

test('levels come of kills and bring points, and everybody is told', async () => {
	const { zone, zone_id, npcs: [npc] } = await makeYard({ at: [5] });
	const player = await enter({ zone, x: 0 });
	await player.connect();
	const notices = await player.realtime.subscribe(`/topic/player/${player.account_id}/notifications`);
	const position = await player.realtime.subscribe(`/topic/character/${player.character_id}/position`);
	const before = await player.get('/progression');
	assert.deepEqual([before.level, before.xp, before.xp_to_next, ...points(before)], [1, 0, 1000, 0, 0, 0]);
	await earn(player, 999);
	const { combat_id } = await player.post('/combat/start', { npc_id: npc });
	const blow = await player.kill(combat_id, npc);
	assert.equal(blow.xp, 50);
	const level = await notices.find((one) => one.data.type === 'LEVEL_UP', 'the level');
	assert.deepEqual(level.data.data, { level: 2, attribute_points: 1, skill_points: 2, perk_points: 0 });
	const now = await player.get('/progression');
	assert.deepEqual([now.level, now.xp, now.max_hp - before.max_hp, ...points(now)], [2, 49, 10, 1, 2, 0]);
	const live = await row`SELECT level, max_hp FROM live.zone_players WHERE character_id = ${player.character_id} AND place_id = ${zone_id}`;
	assert.deepEqual({ ...live }, { level: 2, max_hp: now.max_hp });
	await position.find((one) => one.data.entities.some((it) => it.id === player.character_id && it.hp[1] === now.max_hp), 'the hit points');
	const { items } = await player.get('/progression/skills?limit=100');
	assert.deepEqual(items.filter((it) => it.xp > 0).map((it) => [it.code, it.level, it.xp, it.xp_to_next]), [['side_arms', 0, 5, 100]]);
	const gains = await rows`SELECT data FROM game.game_events WHERE type = 'XP_GAINED' AND character_id = ${player.character_id} AND data ->> 'cause' = 'KILL'`;
	assert.equal(gains.length, 1, 'a kill pays once');
});

test('attributes and skills are bought with points', async () => {
	const player = await enter();
	const spend = (body, options) => player.post('/progression/attributes/spend', body, options);
	const practise = (body, options) => player.post('/progression/skills/spend', body, options);
	assert.equal((await spend({ attribute: 'body' }, { expect: 'NO_POINTS' })).field, 'points');
	assert.equal((await practise({ skill: 'nerve' }, { expect: 'NO_POINTS' })).field, 'points');
	assert.equal(await earn(player, TO_LEVEL_10), TO_LEVEL_10);
	const { capacity } = await player.get('/inventory');
	const bare = await player.get('/progression');
	const strong = await spend({ attribute: 'body', points: 2 });
	assert.deepEqual([strong.attributes.body - bare.attributes.body, strong.spent.body, strong.max_hp - bare.max_hp, ...points(strong)], [2, 2, 20, 7, 18, 2]);
	assert.equal((await player.get('/inventory')).capacity, capacity + 30, '15 kg a point');
	assert.equal((await player.get(`/characters/${player.character_id}`)).max_hp, strong.max_hp);
	for (const body of [{ attribute: 'charm' }, {}, { attribute: 'body', points: 0 }, { attribute: 'body', points: 1.5 }, { attribute: 'body', points: '1' }, { attribute: 'body', xp: 5 }])
		await spend(body, { expect: 'VALIDATION' });
	await sql`UPDATE game.characters SET cool = 20 WHERE id = ${player.character_id}`;
	assert.equal((await spend({ attribute: 'cool' }, { expect: 'CAP_REACHED' })).field, 'attribute');
	await sql`UPDATE game.characters SET cool = 5 WHERE id = ${player.character_id}`;
	const nerve = await practise({ skill: 'nerve', points: 10 });
	assert.deepEqual([nerve.level, nerve.points, nerve.xp_to_next], [10, 10, 1100]);
	await until(async () => (await player.get('/notifications')).items.some((it) => it.type === 'SKILL_INCREASED' && it.data.level === 10), 'the notice');
	assert.equal((await practise({ skill: 'juggling' }, { expect: 'NOT_FOUND' })).field, 'skill');
	await sql`SELECT necp.progression_train(${player.character_id}, 'blades', 1000000000)`;
	assert.equal((await practise({ skill: 'blades' }, { expect: 'CAP_REACHED' })).field, 'skill');
	assert.deepEqual(points(await player.get('/progression')), [7, 8, 2]);
});

test('the last point is spent once, however many ask for it', async () => {
	const player = await enter();
	await earn(player, 1000);
	const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => call('POST', '/progression/attributes/spend',
		{ token: player.token, body: { attribute: i % 2 ? 'body' : 'cool' }, expect: null })));
	assert.deepEqual(answers.map((it) => it.status).sort(), [200, ...Array(7).fill(409)]);
	assert.ok(answers.filter((it) => it.status === 409).every((it) => it.body.code === 'NO_POINTS'));
	const { spent, attribute_points } = await player.get('/progression');
	assert.deepEqual([spent.body + spent.cool, attribute_points], [1, 0]);
});

test('perks ask for something, do something and are given back', async () => {
	const perks = await makePerks({
		lucky: { effects: { luck: 4, capacity_kg: 10, max_hp: 15 } }, after: { requires: ['lucky'], effects: { armor: 3 } },
		old: { min_level: 11, effects: { luck: 1 } }, able: { attributes: { technical_ability: 19 }, effects: { luck: 1 } },
	});
	const player = await enter();
	const learn = (perk, options) => player.post('/progression/perks/learn', { perk }, options);
	assert.equal((await learn(perks.lucky, { expect: 'NO_POINTS' })).field, 'perk');
	await earn(player, TO_LEVEL_10);
	for (const perk of ['after', 'old', 'able']) assert.equal((await learn(perks[perk], { expect: 'REQUIREMENTS_NOT_MET' })).field, 'perk', perk);
	assert.equal((await learn('no_such_perk', { expect: 'NOT_FOUND' })).field, 'perk');
	const [{ capacity }, { max_hp }] = [await player.get('/inventory'), await player.get('/progression')];
	const learned = await learn(perks.lucky);
	assert.deepEqual([learned.learned, learned.effects.length], [true, 3]);
	await learn(perks.lucky, { expect: 'CONFLICT' });
	const of = async (code) => (await player.get('/progression/perks?limit=100')).items.find((it) => it.code === code);
	assert.deepEqual([(await of(perks.after)).requires, (await of(perks.able)).attributes], [[perks.lucky], [{ attribute: 'technical_ability', min_value: 19 }]]);
	assert.equal((await player.get('/inventory/equipment')).stats.luck, 14);
	assert.equal((await player.get('/inventory')).capacity, capacity + 10);
	assert.equal((await player.get('/progression')).max_hp, max_hp + 15);
	await learn(perks.after);
	assert.equal((await player.get('/inventory/equipment')).stats.armor, 3);

	const key = randomUUID();
	await player.post('/progression/respec', undefined, { key, expect: 'INSUFFICIENT_FUNDS' });
	const { credits } = await player.get('/inventory/wallet');
	await sql`SELECT necp.ledger_mint('WALLET', ${player.character_id}, 'credits', ${30000 - credits}, 'E2E')`;
	const done = await player.post('/progression/respec', undefined, { key });
	assert.deepEqual([done.price, done.credits, ...points(done.progression), done.progression.max_hp], [10000, 20000, 9, 18, 2, max_hp]);
	assert.ok(Date.parse(done.progression.respec_from) > Date.now());
	assert.deepEqual(await player.post('/progression/respec', undefined, { key }), done, 'a replay takes nothing');
	await learn(perks.lucky);
	await player.command('/progression/respec', undefined, { expect: 'RESPEC_COOLDOWN' });
	assert.equal((await player.get('/inventory/wallet')).credits, 20000);
	assert.deepEqual([(await of(perks.lucky)).learned, (await of(perks.after)).learned], [true, false]);
	await sql`UPDATE game.character_progression SET respec_at = respec_at - interval '1 day' WHERE character_id = ${player.character_id}`;
	await player.command('/progression/respec');
	await sql`UPDATE game.character_progression SET respec_at = respec_at - interval '1 day' WHERE character_id = ${player.character_id}`;
	await player.command('/progression/respec', undefined, { expect: 'NO_POINTS' });
});

test('nobody gives itself experience', async () => {
	const player = await enter();
	for (const path of ['/progression/xp', '/progression/gain', '/progression'])
		await call('POST', path, { token: player.token, body: { xp: 1000 }, expect: path === '/progression' ? 'METHOD_NOT_ALLOWED' : 'NOT_FOUND' });
	assert.equal((await player.get('/progression')).xp, 0);
});

nothingIsLost();
