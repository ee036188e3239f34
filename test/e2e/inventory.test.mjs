// SPDX-License-Identifier: PostgreSQL
//
// What players do with what they own (DOMAIN §6), through the real edge: each route, each refusal, and
// what its owner is told.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { row, rows, sql } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { makeYard, Player, unique } from './lib/world.mjs';

const players = [];

async function enter(...where) {
	const player = await Player.enter(...where);
	players.push(player);
	return player;
}

after(() => Promise.all(players.map((player) => player.realtime?.close())));

// Templates of this file's own: {name: code}.
async function makeTemplates(templates) {
	const codes = Object.fromEntries(Object.keys(templates).map((name) => [name, unique(`${name}_`)]));
	await sql`SELECT necp.content_import('items', ${Object.entries(templates).map(([name, more]) => ({
		code: codes[name], name, description: 'Of tests.', type: 'MATERIAL', rarity: 'COMMON', weight: 0.5, vendor_price: 100, ...more,
	}))})`;
	return codes;
}

// Gives a character items of a kind; resolves to the newest of them.
async function give(player, code, quantity = 1) {
	await sql`SELECT necp.inventory_grant(${player.character_id}, ${code}, ${quantity}, 'E2E')`;
	return (await player.get('/inventory')).items.filter((it) => it.code === code).at(-1);
}

const held = async (player) => (await player.get('/inventory')).items;
const total = async (player, code) => (await held(player)).filter((it) => it.code === code).reduce((sum, it) => sum + it.quantity, 0);

test('stacks are split, joined, arranged and destroyed', async () => {
	const { ore, pass, gem } = await makeTemplates({ ore: { max_stack: 20 }, pass: { type: 'QUEST_ITEM' }, gem: { max_stack: 20 } });
	const player = await enter();
	const stack = await give(player, ore, 15);
	const path = `/inventory/items/${stack.item_id}`;
	const part = await player.command(`${path}/split`, { quantity: 4 }, { expect: 201 });
	assert.deepEqual([part.quantity, part.code], [4, ore]);
	const other = await player.command(`${path}/split`, { quantity: 1, slot: 30 });
	assert.equal(other.slot, 30);
	for (const quantity of [10, 11]) await player.command(`${path}/split`, { quantity }, { expect: 'INSUFFICIENT_QUANTITY' });
	await player.command(`${path}/split`, { quantity: 1, slot: 30 }, { expect: 'SLOT_OCCUPIED' });
	await player.command(`${path}/split`, { quantity: 0 }, { expect: 'AMOUNT_OUT_OF_RANGE' });

	assert.equal((await player.command(`/inventory/items/${part.item_id}/merge`, { into_item_id: stack.item_id, quantity: 3 })).quantity, 13);
	await player.command(`${path}/merge`, { into_item_id: stack.item_id }, { expect: 'VALIDATION' });
	await player.command(`${path}/merge`, { into_item_id: (await give(player, gem)).item_id }, { expect: 'CONFLICT' });
	await player.command(`${path}/merge`, { into_item_id: other.item_id, quantity: 14 }, { expect: 'INSUFFICIENT_QUANTITY' });

	assert.equal((await player.post(`${path}/move`, { slot: 40 })).slot, 40);
	await player.post(`${path}/move`, { slot: 30 }, { expect: 'SLOT_OCCUPIED' });
	assert.equal((await player.post(`${path}/move`, { slot: 30, swap: true })).slot, 30);
	assert.equal((await player.get(`/inventory/items/${other.item_id}`)).slot, 40);
	assert.equal((await player.post(`${path}/move`, { slot: 50 }, { expect: 'VALIDATION' })).field, 'slot');

	assert.deepEqual(await player.command(`${path}/destroy`, { quantity: 3 }), { item_id: stack.item_id, quantity: 10, destroyed: 3 });
	await player.command(`${path}/destroy`, { quantity: 11 }, { expect: 'INSUFFICIENT_QUANTITY' });
	await player.command(`/inventory/items/${(await give(player, pass)).item_id}/destroy`, {}, { expect: 'NOT_DELETABLE' });
	assert.equal(await total(player, ore), 12, 'what was there but for what was destroyed');
	await sql`UPDATE game.character_items SET lock_ref = 1 WHERE id = ${stack.item_id}`;
	for (const [what, body] of [['split', { quantity: 1 }], ['merge', { into_item_id: other.item_id }], ['destroy', {}]])
		await player.command(`${path}/${what}`, body, { expect: 'ITEM_LOCKED' });
	await player.post(`${path}/move`, { slot: 1 }, { expect: 'ITEM_LOCKED' });
	await sql`UPDATE game.character_items SET lock_ref = NULL WHERE id = ${stack.item_id}`;
});

test('things are worn, wear out and are repaired', async () => {
	const { vest, hat, crown, blade } = await makeTemplates({
		vest: { type: 'ARMOR', binding: 'ON_EQUIP', attributes: { armor: 40, bonus: { body: 1 } } },
		hat: { type: 'ARMOR', attributes: { armor: 5, slot: 'head', capacity_kg: 10 } },
		crown: { type: 'ARMOR', attributes: { slot: 'head', requires: { level: 40 } } },
		blade: { type: 'WEAPON', attributes: { damage: 77, rpm: 100, range_m: 3 } },
	});
	const player = await enter();
	await player.connect();
	const changes = await player.realtime.subscribe(`/topic/character/${player.character_id}/inventory`);
	const it = Object.fromEntries(await Promise.all(Object.entries({ vest, hat, crown, blade }).map(async ([name, code]) => [name, await give(player, code)])));
	const bare = await player.get('/inventory/equipment');
	assert.equal(bare.slots.length, 20);
	assert.deepEqual(bare.slots.filter((slot) => !slot.open).map((slot) => slot.slot), ['weapon_3']);
	const { capacity } = await player.get('/inventory');

	const dressed = await player.post('/inventory/equip', { item_id: it.vest.item_id });
	assert.deepEqual([dressed.stats.armor, dressed.stats.body - bare.stats.body, dressed.damage], [40, 1, null]);
	const worn = dressed.slots.find((slot) => slot.slot === 'chest').item;
	assert.deepEqual([worn.item_id, worn.binding], [it.vest.item_id, 'CHARACTER']);
	const told = await changes.find((one) => one.data.changes?.some((change) => change.op === 'MOVE'), 'that it is worn');
	assert.deepEqual(told.data.changes, [{ item_id: it.vest.item_id, op: 'MOVE', container: 'EQUIPPED', slot: 4, qty: 1, template_id: it.vest.template_id, durability: 100 }]);
	assert.equal((await player.post('/inventory/equip', { item_id: it.blade.item_id, slot: 'weapon_2' })).damage, 77);
	await player.post('/inventory/equip', { item_id: it.hat.item_id });
	assert.equal((await player.get('/inventory')).capacity, capacity + 10);
	await player.post('/inventory/equip', { item_id: it.crown.item_id }, { expect: 'REQUIREMENTS_NOT_MET' });
	const pistol = (await held(player)).find((one) => one.code === 'rust_pistol');
	await player.post('/inventory/equip', { item_id: pistol.item_id, slot: 'weapon_3' }, { expect: 'REQUIREMENTS_NOT_MET' });
	await player.post('/inventory/equip', { item_id: pistol.item_id, slot: 'head' }, { expect: 'VALIDATION' });
	await player.post('/inventory/equip', { item_id: (await held(player)).find((one) => one.code === 'pistol_rounds').item_id }, { expect: 'NOT_USABLE' });

	assert.equal((await player.post('/inventory/unequip', { item_id: it.hat.item_id })).stats.armor, 40);
	await player.post('/inventory/unequip', { item_id: it.hat.item_id }, { expect: 'NOT_FOUND' });
	await sql`UPDATE game.character_items SET durability = 0 WHERE id IN (${it.vest.item_id}, ${it.hat.item_id})`;
	assert.equal((await player.get('/inventory/equipment')).stats.armor, 0, 'what is broken protects nobody');
	await player.post('/inventory/equip', { item_id: it.hat.item_id }, { expect: 'ITEM_BROKEN' });
	assert.deepEqual(await player.command(`/inventory/items/${it.hat.item_id}/repair`), { item_id: it.hat.item_id, durability: 100, price: 50, credits: 450 });
	await player.command(`/inventory/items/${it.hat.item_id}/repair`, undefined, { expect: 'CONFLICT' });
	await player.command(`/inventory/items/${it.vest.item_id}/repair`);
	await sql`UPDATE game.item_templates SET vendor_price = 1000000 WHERE code = ${hat}`;
	await sql`UPDATE game.character_items SET durability = 25 WHERE id IN (${it.vest.item_id}, ${it.hat.item_id})`;
	await player.command(`/inventory/items/${it.hat.item_id}/repair`, undefined, { expect: 'INSUFFICIENT_FUNDS' });

	await sql`SELECT necp.character_kill(${player.character_id}, 'for the tests')`;
	const low = await changes.find((one) => one.type === 'DURABILITY_LOW', 'the warning');
	assert.deepEqual(low.data.items, [{ item_id: it.vest.item_id, durability: 15 }]);
	assert.equal((await player.get(`/inventory/items/${it.vest.item_id}`)).durability, 15, 'death wears out what is worn');
	assert.equal((await player.get(`/inventory/items/${it.hat.item_id}`)).durability, 25, 'and nothing else');
});

test('a consumable is used up with its effect', async () => {
	const yard = await makeYard();
	const player = await enter({ zone: yard.zone });
	const dressing = (await held(player)).find((it) => it.code === 'field_dressing');
	const most = (await player.get(`/characters/${player.character_id}`)).max_hp;
	assert.deepEqual(await player.command('/inventory/use', { item_id: dressing.item_id }), { item_id: dressing.item_id, quantity: 2, hp: most });
	await player.command('/inventory/use', { item_id: dressing.item_id }, { expect: 'COOLDOWN' });
	await player.command('/inventory/use', { item_id: (await held(player))[0].item_id }, { expect: 'NOT_USABLE' });
	await sql`DELETE FROM game.item_cooldowns WHERE character_id = ${player.character_id}`;
	await sql`SELECT necp.character_kill(${player.character_id}, 'for the tests')`;
	await player.command('/inventory/use', { item_id: dressing.item_id }, { expect: 'YOU_ARE_DEAD' });
	await player.command('/inventory/drop', { item_id: dressing.item_id }, { expect: 'YOU_ARE_DEAD' });
	assert.equal(await total(player, 'field_dressing'), 2, 'what is refused is not used up');
});

test('what is dropped is for everybody', async () => {
	const { ore, relic, deed } = await makeTemplates({ ore: { max_stack: 20 }, relic: { binding: 'ON_PICKUP' }, deed: { type: 'QUEST_ITEM' } });
	const yard = await makeYard();
	const [giver, taker] = [await enter({ zone: yard.zone, x: 1 }), await enter({ zone: yard.zone, x: 2 })];
	const stack = await give(giver, ore, 9);
	await taker.connect();
	const seen = (await taker.realtime.subscribe(`/topic/zone/${yard.zone_id}/events`)).find((it) => it.type === 'LOOT_DROPPED', 'LOOT_DROPPED');
	const { drop_id, quantity } = await giver.command('/inventory/drop', { item_id: stack.item_id, quantity: 4 });
	assert.equal(quantity, 5);
	assert.equal((await seen).data.drop_id, drop_id);
	const drop = await taker.get(`/loot/drops/${drop_id}`);
	assert.deepEqual([drop.mode, drop.x, drop.items[0].quantity], ['FREE_FOR_ALL', 1, 4]);
	await taker.command('/loot/pickup', { drop_id });
	assert.deepEqual([await total(giver, ore), await total(taker, ore)], [5, 4]);
	await giver.command('/inventory/drop', { item_id: stack.item_id, quantity: 6 }, { expect: 'INSUFFICIENT_QUANTITY' });
	await giver.command('/inventory/drop', { item_id: (await give(giver, relic)).item_id }, { expect: 'ITEM_BOUND' });
	await giver.command('/inventory/drop', { item_id: (await give(giver, deed)).item_id }, { expect: 'NOT_DELETABLE' });
	const taken = (await held(taker)).find((it) => it.code === ore);
	const life = await rows`SELECT kind, cause FROM necp.item_life(${taken.item_id})`;
	assert.deepEqual(life.map((it) => `${it.kind} ${it.cause}`).filter((it) => !it.endsWith(' E2E')), ['SPLIT DROP', 'MOVE PICKUP']);
});

test('the bank takes and gives', async () => {
	const { ore, relic, anvil } = await makeTemplates({ ore: { max_stack: 20 }, relic: { binding: 'ON_PICKUP' }, anvil: { max_stack: 20, weight: 60 } });
	const player = await enter();
	assert.deepEqual(await player.get('/inventory/bank'), { slots: 100, used: 0, items: [] });
	const stack = await give(player, ore, 9);
	const bank = await player.command('/inventory/bank/deposit', { item_id: stack.item_id, quantity: 5 });
	assert.deepEqual(bank.items.map((it) => [it.code, it.quantity]), [[ore, 5]]);
	const [{ item_id }] = bank.items;
	assert.equal((await player.get(`/inventory/items/${item_id}`)).quantity, 5);
	await player.command('/inventory/bank/deposit', { item_id: stack.item_id, quantity: 5 }, { expect: 'INSUFFICIENT_QUANTITY' });
	await player.command('/inventory/bank/deposit', { item_id: (await give(player, relic)).item_id }, { expect: 'ITEM_BOUND' });
	await player.command('/inventory/bank/deposit', { item_id }, { expect: 'NOT_FOUND' });
	await player.command('/inventory/bank/withdraw', { item_id, quantity: 2 });
	assert.equal((await player.command('/inventory/bank/withdraw', { item_id })).used, 0);
	assert.equal(await total(player, ore), 9);

	const heavy = await give(player, anvil, 2);
	const banked = (await player.command('/inventory/bank/deposit', { item_id: heavy.item_id })).items[0];
	await give(player, anvil, 2);
	await player.command('/inventory/bank/withdraw', { item_id: banked.item_id }, { expect: 'OVERWEIGHT' });
	await sql`UPDATE game.item_templates SET weight = 100 WHERE code = ${anvil}`;
	assert.equal((await player.get('/inventory')).speed_percent, 0, 'who carries too much stands still');
	await sql`UPDATE game.containers SET capacity = 3 WHERE kind = 'BACKPACK' AND owner_id = ${player.character_id}`;
	await sql`UPDATE game.item_templates SET weight = 0, max_stack = 2 WHERE code = ${anvil}`;
	await player.command('/inventory/bank/withdraw', { item_id: banked.item_id }, { expect: 'INVENTORY_FULL' });
	await sql`UPDATE game.containers SET capacity = 50 WHERE kind = 'BACKPACK' AND owner_id = ${player.character_id}`;
});

// DOMAIN §33 -----------------------------------------------------------------------------------------

test('12: parallel drops, splits and deposits of one stack never make more of it', async () => {
	const { ore } = await makeTemplates({ ore: { max_stack: 100 } });
	const player = await enter();
	const { item_id } = await give(player, ore, 20);
	const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => [
		() => player.command('/inventory/drop', { item_id, quantity: 3 }, { expect: null }),
		() => player.command(`/inventory/items/${item_id}/split`, { quantity: 3 }, { expect: null }),
		() => player.command('/inventory/bank/deposit', { item_id, quantity: 3 }, { expect: null }),
	][i % 3]()));
	const refused = answers.filter((it) => it.trace_id);
	for (const it of refused) assert.ok(['INSUFFICIENT_QUANTITY', 'NOT_FOUND'].includes(it.code), it.code);
	assert.equal(answers.length - refused.length, 6, 'six times three of twenty, and two are left');
	const { everywhere } = await row`SELECT sum(i.quantity) AS everywhere FROM game.character_items i JOIN game.item_templates t ON t.id = i.template_id WHERE t.code = ${ore}`;
	assert.equal(everywhere, 20);
});

test('13: with full bags no stack comes back to life', async () => {
	const { ore } = await makeTemplates({ ore: { max_stack: 10 } });
	const yard = await makeYard();
	const player = await enter({ zone: yard.zone });
	const { item_id } = await give(player, ore, 8);
	await sql`UPDATE game.containers SET capacity = ${(await held(player)).length} WHERE kind = 'BACKPACK' AND owner_id = ${player.character_id}`;
	const { drop_id } = await player.command('/inventory/drop', { item_id, quantity: 7 });
	await sql`SELECT necp.inventory_grant(${player.character_id}, ${ore}, 6, 'E2E')`;
	const [taken] = await Promise.all([player.command('/loot/pickup', { drop_id }, { expect: null }),
		player.command(`/inventory/items/${item_id}/destroy`, {}, { expect: null }), player.login()]);
	assert.ok(taken.status === 'LOOTED' || taken.status === 'ACTIVE' || ['ALREADY_LOOTED', 'INVENTORY_FULL', 'UNAUTHENTICATED'].includes(taken.code), JSON.stringify(taken));
	await player.select();
	const { everywhere, destroyed } = await row`SELECT coalesce((SELECT sum(i.quantity) FROM game.character_items i WHERE i.template_id = t.id), 0) AS everywhere,
		coalesce((SELECT sum(m.quantity) FROM game.item_moves m WHERE m.template_id = t.id AND m.kind = 'DESTROY'), 0) AS destroyed FROM game.item_templates t WHERE t.code = ${ore}`;
	assert.equal(everywhere + destroyed, 14);
});

test('a replay of a command does nothing, over STOMP as over HTTP', async () => {
	const player = await enter();
	await player.connect();
	const rounds = (await held(player)).find((it) => it.code === 'pistol_rounds');
	const key = randomUUID();
	const path = `/inventory/items/${rounds.item_id}/destroy`;
	const first = await player.realtime.send(path, { quantity: 10 }, { key });
	assert.deepEqual(await player.post(path, { quantity: 10 }, { key }), first);
	assert.equal(await total(player, 'pistol_rounds'), 50);
});

nothingIsLost();
