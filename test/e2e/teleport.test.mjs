// SPDX-License-Identifier: PostgreSQL
//
// Journeys over HTTP: discovering a teleport, the cast, the price; portals; being stuck.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { row, sql, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { Player } from './lib/world.mjs';

const players = [];
async function enter() {
	const player = await Player.enter();
	players.push(player);
	return player;
}
after(() => Promise.all(players.map((player) => player.realtime?.close())));

const gate = async (player, code) => (await player.get('/zones/teleports')).items.find((it) => it.code === code);

test('a teleport is discovered by being there, and used from elsewhere for a price', async () => {
	const player = await enter();
	await until(async () => (await gate(player, 'ward_gate')).discovered, 'who stands at a gate discovers it');
	const [home, mast] = [await gate(player, 'ward_gate'), await gate(player, 'steppe_mast')];
	assert.equal(mast.discovered, false);
	const use = (id, options) => player.command(`/zones/teleports/${id}/use`, undefined, options);
	await use(mast.teleport_id, { expect: 'NOT_DISCOVERED' });
	await use(999999999, { expect: 'NOT_FOUND' });
	await sql`INSERT INTO game.teleport_discoveries VALUES (${player.character_id}, ${mast.teleport_id}, necp.now())`;
	const before = (await player.get('/inventory/wallet')).credits;
	const key = randomUUID();
	const begun = await player.post(`/zones/teleports/${mast.teleport_id}/use`, undefined, { key });
	assert.deepEqual([begun.teleport_id, begun.credits], [mast.teleport_id, 50]);
	assert.deepEqual(await player.post(`/zones/teleports/${mast.teleport_id}/use`, undefined, { key }), begun, 'a replay begins none');
	await use(home.teleport_id, { expect: 'BUSY' });
	assert.equal((await player.get('/zones/current')).code, 'lantern_ward', 'not before the cast is over');
	await until(async () => (await player.get('/zones/current')).code === 'glass_steppe', 'the journey ends', 15000);
	const there = await player.get('/zones/current');
	assert.deepEqual([there.x, there.y], [mast.x, mast.y]);
	assert.equal((await player.get('/inventory/wallet')).credits, before - 50);
	await use(home.teleport_id, { expect: 'COOLDOWN' });
});

test('a portal is the way into a zone that one leads to; who is stuck comes to the safe point', async () => {
	const player = await enter();
	const { id } = await row`SELECT id FROM game.zones WHERE code = 'undertow'`;
	assert.equal((await player.post(`/zones/${id}/enter`, undefined, { expect: 'TOO_FAR' })).field, 'zone_id');
	const freed = await player.post('/zones/unstuck');
	assert.deepEqual([freed.x, freed.y], [freed.safe_x, freed.safe_y]);
	await player.post('/zones/unstuck', undefined, { expect: 'COOLDOWN' });
});

nothingIsLost();
