// SPDX-License-Identifier: PostgreSQL
//
// What the rules refuse, room by room: each code at least once, through the real edge.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { call, nobody } from './lib/api.mjs';
import { holding, pause, row, rows, sql, sqlRefusal, until } from './lib/sql.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { makeDrop, makeYard, PASSWORD, Player, unique } from './lib/world.mjs';

const players = [];

async function enter(...where) {
	const player = await Player.enter(...where);
	players.push(player);
	return player;
}

after(() => Promise.all(players.map((player) => player.realtime?.close())));

// Characters ------------------------------------------------------------------------------------

test('names of characters are checked, unique, and held against the slots', async () => {
	const player = await Player.register();
	const make = (name, expect, rest = {}) => player.post('/characters', { name, class: 'breaker', origin: 'street', ...rest }, { expect });
	for (const name of ['ab', 'x'.repeat(21), ' ab', 'ab ', '-ab', 'a--b', 'a  b', 'a_b', 'zażółć', '<b>hi</b>', 'a\u200bb', '\u202eabc', ''])
		assert.equal((await make(name, 'INVALID_NAME')).field, 'name', name);
	assert.equal((await make('Fine Name', 'VALIDATION', { class: 'knight' })).field, 'class');
	assert.equal((await make('Fine Name', 'VALIDATION', { origin: 'moon' })).field, 'origin');
	const name = unique('c');
	await make(name, 201);
	assert.equal((await make(name.toUpperCase(), 'NAME_TAKEN')).field, 'name');
	await make(unique('c'), 201);
	await make(unique('c'), 201);
	await make(unique('c'), 'NO_FREE_SLOT');
	assert.deepEqual(await player.get('/characters/slots'), { slots: 3, used: 3, price: 500, premium: 0 });
});

test('more slots cost premium, once per key, up to five', async () => {
	const player = await Player.register();
	await player.command('/characters/slots/purchase', undefined, { expect: 'INSUFFICIENT_FUNDS' });
	await sql`SELECT necp.ledger_mint('PREMIUM', ${player.account_id}, 'premium', 1700, 'E2E')`;
	const key = randomUUID();
	const bought = await player.post('/characters/slots/purchase', undefined, { key });
	assert.deepEqual(bought, { slots: 4, used: 0, price: 500, premium: 1200 });
	assert.deepEqual(await player.post('/characters/slots/purchase', undefined, { key }), bought, 'a replay buys nothing');
	assert.equal((await player.command('/characters/slots/purchase')).slots, 5);
	await player.command('/characters/slots/purchase', undefined, { expect: 'CONFLICT' });
	assert.equal((await player.get('/characters/slots')).premium, 700);
});

test('characters of others do not exist', async () => {
	const [owner, stranger] = [await enter(), await enter()];
	await stranger.get(`/characters/${owner.character_id}`, { expect: 'NOT_FOUND' });
	await stranger.post(`/characters/${owner.character_id}/select`, undefined, { expect: 'NOT_FOUND' });
	await stranger.get('/characters/999999999', { expect: 'NOT_FOUND' });
	const { items: [quest] } = await owner.get('/quests/active');
	await stranger.get(`/quests/${quest.quest_id}`, { expect: 'NOT_FOUND' });
	const { items: [item] } = await owner.get('/inventory');
	await stranger.get(`/inventory/items/${item.item_id}`, { expect: 'NOT_FOUND' });
	const { items: [notice] } = await owner.get('/notifications');
	await stranger.post(`/notifications/${notice.notification_id}/read`, undefined, { expect: 'NOT_FOUND' });
});

test('without a character there is nothing to act with', async () => {
	const player = await Player.register();
	for (const path of ['/inventory', '/inventory/wallet', '/quests/active', '/loot/drops/nearby', '/zones', '/zones/current', '/combat/active', '/achievements/mine'])
		await player.get(path, { expect: 'NO_ACTIVE_CHARACTER' });
	await player.command('/loot/pickup', { drop_id: 1 }, { expect: 'NO_ACTIVE_CHARACTER' });
});

// Zones -----------------------------------------------------------------------------------------

test('zones are listed, read, entered and left', async () => {
	const yard = await makeYard();
	const player = await enter();
	const seen = [];
	for (let cursor; ;) {
		const page = await player.get(`/zones?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
		seen.push(...page.items.map((it) => it.zone_id));
		if ((cursor = page.next_cursor) === null) break;
	}
	const { ids } = await row`SELECT json_agg(id ORDER BY id) AS ids FROM game.zones WHERE status <> 'OFFLINE'`;
	assert.deepEqual(seen, ids);
	assert.equal((await player.get(`/zones/${yard.zone_id}`)).players, 0);
	const entered = await player.post(`/zones/${yard.zone_id}/enter`);
	assert.deepEqual([entered.zone_id, entered.players, entered.x], [yard.zone_id, 1, 0]);
	assert.deepEqual((await player.get(`/zones/${yard.zone_id}/players`)).items.map((it) => it.character_id), [player.character_id]);
	assert.equal((await player.post(`/zones/${yard.zone_id}/enter`)).players, 1, 'who is there already stays');
	await player.get('/zones/999999999', { expect: 'NOT_FOUND' });
	await player.get('/zones/999999999/players', { expect: 'NOT_FOUND' });
	await player.post('/zones/999999999/enter', undefined, { expect: 'NOT_FOUND' });
});

test('a full zone and a closed zone admit nobody', async () => {
	const yard = await makeYard({ capacity: 1 });
	const [first, second] = [await enter(), await enter()];
	await first.post(`/zones/${yard.zone_id}/enter`);
	await second.post(`/zones/${yard.zone_id}/enter`, undefined, { expect: 'ZONE_FULL' });
	assert.equal((await second.where()).code, 'lantern_ward', 'who is refused stays where he was');
	await sql`UPDATE game.zones SET status = 'MAINTENANCE' WHERE id = ${yard.zone_id}`;
	const { headers } = await call('POST', `/zones/${yard.zone_id}/enter`, { token: second.token, expect: 'MAINTENANCE' });
	assert.ok(headers.get('retry-after'));
});

test('the dead neither travel nor fight', async () => {
	const yard = await makeYard({ at: [5] });
	const player = await Player.register();
	players.push(player);
	await player.create();
	await sql`UPDATE game.characters SET hp = 0 WHERE id = ${player.character_id}`;
	await player.select();
	await player.get('/zones/current', { expect: 'NOT_FOUND' });
	await player.post(`/zones/${yard.zone_id}/enter`, undefined, { expect: 'YOU_ARE_DEAD' });
	await player.get('/loot/drops/nearby', { expect: 'CONFLICT' });
	await player.get('/loot/drops/1', { expect: 'CONFLICT' });
	await player.post('/combat/start', { npc_id: yard.npcs[0] }, { expect: 'OUT_OF_RANGE' });
});

// Combat ----------------------------------------------------------------------------------------

test('fights: who, where, how fast', async () => {
	const yard = await makeYard({ at: [5, 8, 40, 120], max_hp: 1000 });
	const [near, middle, far, away] = yard.npcs;
	const player = await enter({ zone: yard.zone, x: 0 });
	const other = await enter({ zone: yard.zone, x: 1 });
	await player.get('/combat/active', { expect: 'NOT_FOUND' });
	await player.post('/combat/start', { npc_id: 999999999 }, { expect: 'NOT_FOUND' });
	await player.post('/combat/start', { npc_id: away }, { expect: 'OUT_OF_RANGE' });
	await player.get('/npcs/999999999', { expect: 'NOT_FOUND' });

	const { combat_id } = await player.post('/combat/start', { npc_id: near });
	assert.equal((await player.post('/combat/start', { npc_id: near })).combat_id, combat_id, 'it is the same fight');
	assert.equal((await player.post('/combat/start', { npc_id: far })).combat_id, combat_id, 'another joins it');
	await player.post(`/combat/${combat_id}/attack`, { target_id: -far }, { expect: 'OUT_OF_RANGE' });
	await other.post(`/combat/${combat_id}/attack`, { target_id: -near }, { expect: 'NOT_PARTICIPANT' });
	await other.get(`/combat/${combat_id}/state`, { expect: 'NOT_PARTICIPANT' });
	await other.get('/combat/999999999/state', { expect: 'NOT_FOUND' });
	await other.post('/combat/999999999/attack', { target_id: -near }, { expect: 'NOT_FOUND' });
	await player.post(`/combat/${combat_id}/attack`, { target_id: -middle }, { expect: 'NOT_PARTICIPANT' });
	for (const target_id of [0, 1.5, '5', 2 ** 53, -(2 ** 53)])
		assert.equal((await player.post(`/combat/${combat_id}/attack`, { target_id }, { expect: target_id === 0 ? 'NOT_PARTICIPANT' : 'VALIDATION' })).field, 'target_id');
	assert.equal((await player.post(`/combat/${combat_id}/attack`, { target_id: -near, aimed_part: 'TAIL' }, { expect: 'VALIDATION' })).field, 'aimed_part');

	const fight = await other.post('/combat/start', { npc_id: middle });
	await other.post('/combat/start', { npc_id: near }, { expect: 'IN_COMBAT' });
	await player.post(`/combat/${combat_id}/attack`, { target_id: other.character_id }, { expect: 'NOT_PARTICIPANT' });
	const helper = await enter({ zone: yard.zone, x: 2 });
	await helper.post('/combat/start', { npc_id: near });
	await helper.post(`/combat/${combat_id}/attack`, { target_id: player.character_id }, { expect: 'FORBIDDEN' });

	await player.post(`/characters/${player.character_id}/select`); // its own: nothing changes
	const { zone_id: home } = await row`SELECT id AS zone_id FROM game.zones WHERE code = 'lantern_ward'`;
	await player.post(`/zones/${home}/enter`, undefined, { expect: 'IN_COMBAT' });
	const second = await player.post('/characters', { name: unique('c'), class: 'ghost', origin: 'tower' });
	await player.post(`/characters/${second.character_id}/select`, undefined, { expect: 'BUSY' });

	const blow = await player.post(`/combat/${combat_id}/attack`, { target_id: -near, aimed_part: 'TORSO' });
	assert.equal(blow.part, 'TORSO');
	assert.ok(blow.damage >= 60);
	const burst = () => Promise.all([1, 2, 3, 4].map(() => call('POST', `/combat/${combat_id}/attack`, { token: player.token, body: { target_id: -near }, expect: undefined }).catch((error) => error.message)));
	const soon = [...await burst(), ...await burst()];
	assert.ok(soon.some((it) => String(it).includes('COOLDOWN')), JSON.stringify(soon));
	await pause(150);
	await player.kill(combat_id, near);
	await player.post(`/combat/${combat_id}/attack`, { target_id: -near }, { expect: 'TARGET_DEAD' });
	await other.post('/combat/start', { npc_id: near }, { expect: 'TARGET_DEAD' });
	const died = await rows`SELECT 1 FROM game.npc_deaths WHERE npc_id = ${near}`;
	assert.equal(died.length, 1);
	await other.kill(fight.combat_id, middle);
	await other.post(`/combat/${fight.combat_id}/attack`, { target_id: -middle }, { expect: 'CONFLICT' });
});

// Loot ------------------------------------------------------------------------------------------

test('drops: full bags, locked items, full purses, and time', async () => {
	const yard = await makeYard({ at: [1, 2, 3, 0, 4] });
	const player = await enter({ zone: yard.zone, x: 2 });
	const drops = [];
	for (const npc of yard.npcs) drops.push(await makeDrop(player, npc));
	const [full, locked, rich, late, excess] = drops;
	const pickup = (drop_id, expect) => player.command('/loot/pickup', { drop_id }, { expect });

	await sql`UPDATE game.world_drops SET credits = 0 WHERE id = ${full}`;
	const { id: backpack, capacity } = await row`SELECT c.id, c.capacity FROM game.containers c WHERE c.kind = 'BACKPACK' AND c.owner_id = ${player.character_id}`;
	await sql`UPDATE game.containers SET capacity = 3 WHERE id = ${backpack}`;
	await pickup(full, 'INVENTORY_FULL');
	await sql`UPDATE game.containers SET capacity = ${capacity} WHERE id = ${backpack}`;
	assert.equal((await pickup(full)).status, 'LOOTED');

	await sql`UPDATE game.character_items SET lock_ref = 1 WHERE container_id = (SELECT container_id FROM game.world_drops WHERE id = ${locked})`;
	await pickup(locked, 'ITEM_LOCKED');
	await sql`UPDATE game.character_items SET lock_ref = NULL WHERE container_id = (SELECT container_id FROM game.world_drops WHERE id = ${locked})`;

	await sql`UPDATE game.world_drops SET credits = 1000000000000 WHERE id = ${rich}`;
	await pickup(rich, 'WALLET_FULL');
	await sql`UPDATE game.world_drops SET credits = 9223372036854775807 WHERE id = ${excess}`;
	assert.ok((await player.command('/loot/pickup', { drop_id: excess }, { expect: 400 })).code);
	await sql`UPDATE game.world_drops SET credits = 0 WHERE id IN (${rich}, ${excess})`;

	await sql`UPDATE game.world_drops SET expires_at = created_at WHERE id = ${late}`;
	await pickup(late, 'DROP_EXPIRED');
	await until(() => row`SELECT 1 FROM game.world_drops WHERE id = ${late} AND status = 'EXPIRED'`, 'the sweeper', 15000);
	await pickup(late, 'DROP_EXPIRED');
	await pickup(999999999, 'NOT_FOUND');
	assert.equal((await player.get(`/loot/drops/${locked}`)).drop_id, locked);

	const stranger = await enter();
	await stranger.get(`/loot/drops/${locked}`, { expect: 'NOT_FOUND' });
	await stranger.command('/loot/pickup', { drop_id: locked }, { expect: 'NOT_FOUND' });
	assert.equal((await pickup(locked)).items.length, 1);
});

test('of many hands at one drop, one takes it', async () => {
	const yard = await makeYard({ at: [1] });
	const player = await enter({ zone: yard.zone, x: 0 });
	const drop_id = await makeDrop(player, yard.npcs[0]);
	await sql`UPDATE game.world_drops SET mode = 'FREE_FOR_ALL' WHERE id = ${drop_id}`;
	const hands = [player];
	for (let i = 0; i < 3; i++) hands.push(await enter({ zone: yard.zone, x: i }));
	const answers = await Promise.all(hands.flatMap((hand) => [1, 2, 3].map(() =>
		call('POST', '/loot/pickup', { token: hand.token, body: { drop_id }, key: randomUUID(), expect: undefined }).catch((error) => error))));
	assert.equal(answers.filter((it) => it.status === 200).length, 1);
	for (const refused of answers.filter((it) => it.status !== 200)) assert.match(refused.message, /ALREADY_LOOTED/);
	const moves = await rows`SELECT kind, count(*) AS times FROM game.item_moves WHERE cause = 'PICKUP' AND cause_id = ${drop_id} GROUP BY kind`;
	assert.deepEqual(moves, [{ kind: 'MOVE', times: 1 }]);
});

// Quests ----------------------------------------------------------------------------------------

test('quests: conditions, one at a time, a bounded log', async () => {
	const player = await enter();
	const { items } = await player.get('/quests?limit=100');
	const quest = (code) => items.find((it) => it.code === code).template_id;
	await player.post('/quests/start', { template_id: quest('harbour_lights') }, { expect: 'CONDITIONS_NOT_MET' });
	await player.post('/quests/start', { template_id: 999999 }, { expect: 'NOT_FOUND' });
	await player.post('/quests/start', { template_id: quest('ten_for_the_wall') }, { expect: 'ALREADY_ACTIVE' });
	await player.get('/quests/999999999', { expect: 'NOT_FOUND' });
	const restore = await setConfig('quest.active_max', 1);
	await player.post('/quests/start', { template_id: quest('quiet_streets') }, { expect: 'QUEST_LOG_FULL' });
	await restore();
	const started = await player.post('/quests/start', { template_id: quest('quiet_streets') });
	assert.deepEqual(started.objectives.map((it) => it.progress), [0]);
	assert.equal((await player.get('/quests/active')).items.length, 2);
	await player.get('/inventory/templates/999999', { expect: 'NOT_FOUND' });
});

// Idempotency -----------------------------------------------------------------------------------

test('an Idempotency-Key belongs to one request of one account', async () => {
	const yard = await makeYard({ at: [1, 2] });
	const player = await enter({ zone: yard.zone, x: 0 });
	const other = await enter({ zone: yard.zone, x: 0 });
	const drop_id = await makeDrop(player, yard.npcs[0]);
	const key = randomUUID();
	const pickup = (who, body, options) => call('POST', '/loot/pickup', { token: who.token, body, key, ...options });
	assert.equal((await pickup(player, { drop_id: 999999999 }, { expect: 'NOT_FOUND' })).body.field, 'drop_id', 'a refusal is not stored');
	const first = await pickup(player, { drop_id });
	const again = await pickup(player, undefined, { raw: `{ "drop_id" :\n ${drop_id} }` });
	assert.deepEqual([again.status, again.body], [first.status, first.body], 'white space does not make another request');
	assert.equal((await pickup(player, { drop_id: drop_id + 1 }, { expect: 'IDEMPOTENCY_KEY_REUSED' })).body.field, 'Idempotency-Key');
	await call('POST', '/characters/slots/purchase', { token: player.token, key, expect: 'IDEMPOTENCY_KEY_REUSED' });
	await pickup(other, { drop_id }, { expect: 'ALREADY_LOOTED' });
	for (const bad of [undefined, '', 'not-a-uuid', `${key}0`, `{${key}}`])
		assert.equal((await call('POST', '/loot/pickup', { token: player.token, body: { drop_id }, key: bad, expect: 'VALIDATION' })).body.field, 'Idempotency-Key', String(bad));
	const upper = await call('POST', '/loot/pickup', { token: player.token, body: { drop_id }, key: key.toUpperCase() });
	assert.deepEqual(upper.body, first.body);
});

test('a key hammered from all sides has one effect', async () => {
	const player = await Player.register();
	await sql`SELECT necp.ledger_mint('PREMIUM', ${player.account_id}, 'premium', 5000, 'E2E')`;
	const key = randomUUID();
	const buy = () => call('POST', '/characters/slots/purchase', { token: player.token, key, expect: undefined }).catch((error) => error);
	const answers = await Promise.all(Array.from({ length: 20 }, buy));
	for (const answer of answers) assert.ok(answer.status === 200 ? answer.body.premium === 4500 : /IN_PROGRESS/.test(answer.message), answer.message);
	assert.ok(answers.some((answer) => answer.status === 200));
	assert.deepEqual(await player.get('/characters/slots'), { slots: 4, used: 0, price: 500, premium: 4500 });
});

test('a twin of a running request waits for its turn', async () => {
	const yard = await makeYard({ at: [1] });
	const player = await enter({ zone: yard.zone, x: 0 });
	const drop_id = await makeDrop(player, yard.npcs[0]);
	const release = await holding`SELECT 1 FROM game.world_drops WHERE id = ${drop_id} FOR UPDATE`;
	const key = randomUUID();
	const first = player.post('/loot/pickup', { drop_id }, { key });
	await pause(300);
	const { headers } = await call('POST', '/loot/pickup', { token: player.token, body: { drop_id }, key, expect: 'IN_PROGRESS' });
	assert.ok(headers);
	await release();
	assert.equal((await first).status, 'LOOTED');
	assert.deepEqual(await player.post('/loot/pickup', { drop_id }, { key }), await first);
});

test('operators are refused by the same codes', async () => {
	const player = await enter();
	for (const amount of [0, -1, 1000000001])
		assert.equal(await sqlRefusal`SELECT necp.ledger_mint('WALLET', ${player.character_id}, 'credits', ${amount}, 'E2E')`, 'AMOUNT_OUT_OF_RANGE');
	assert.equal(await sqlRefusal`SELECT necp.ledger_mint('POCKET', ${player.character_id}, 'credits', 1, 'E2E')`, 'VALIDATION');
	assert.equal((await player.get('/inventory/wallet')).credits, 500);
});

// What the database cannot do -------------------------------------------------------------------

test('a lock that is not given up: three tries, then RETRY', async () => {
	const player = await enter();
	const release = await holding`LOCK TABLE game.character_slots IN ACCESS EXCLUSIVE MODE`;
	try {
		const { headers } = await call('POST', '/characters', { token: player.token, body: { name: unique('c'), class: 'ghost', origin: 'tower' }, expect: 'RETRY' });
		assert.ok(headers.get('retry-after'));
		await player.get('/session'); // others go on
	} finally {
		await release();
	}
});

test('a rule that takes too long: TIMEOUT', async () => {
	const player = await enter();
	await sql`CREATE FUNCTION game.e2e_sleep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN new; END'`;
	await sql`CREATE TRIGGER e2e_sleep BEFORE INSERT ON game.quest_instances FOR EACH ROW EXECUTE FUNCTION game.e2e_sleep()`;
	try {
		const { items } = await player.get('/quests');
		await player.post('/quests/start', { template_id: items.find((it) => it.code === 'quiet_streets').template_id }, { expect: 'TIMEOUT' });
	} finally {
		await sql`DROP FUNCTION game.e2e_sleep CASCADE`;
	}
});

test('what nobody foresaw: INTERNAL, and the client is told no more', async () => {
	const player = await enter();
	await sql`ALTER TABLE game.achievements RENAME TO achievements_gone`;
	let problem;
	try {
		problem = await player.get('/achievements', { expect: 'INTERNAL' });
	} finally {
		await sql`ALTER TABLE game.achievements_gone RENAME TO achievements`;
	}
	assert.equal(problem.detail, undefined);
	assert.doesNotMatch(JSON.stringify(problem), /relation|game\.|SELECT/);
	await player.get('/achievements');
});

nothingIsLost();
