// SPDX-License-Identifier: PostgreSQL
//
// Characters from creation to purge, and the players behind them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { call, nobody } from './lib/api.mjs';
import { row, rows, sql } from './lib/sql.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { makeYard, Player, unique } from './lib/world.mjs';

const put = async (player, path, body, options) => (await call('PUT', path, { token: player.token, body, ...options })).body;
const remove = async (player, id, options) => (await call('DELETE', `/characters/${id}`, { token: player.token, ...options })).body;
const of = (id, what = '') => `/characters/${id}${what}`;

const players = [];
after(() => Promise.all(players.map((player) => player.realtime?.close())));

// An account with characters, the first of which is selected.
async function withCharacters(n, where) {
	const player = await Player.enter(where);
	players.push(player);
	player.ids = [player.character_id];
	while (player.ids.length < n) {
		const { character_id } = await player.post('/characters', { name: unique('c'), class: 'ghost', origin: 'tower' });
		player.ids.push(character_id);
	}
	return player;
}

// As if it had been chosen, deleted or killed that much earlier.
const chosenEarlier = (player) => sql`UPDATE game.characters SET last_played_at = last_played_at - interval '10 seconds' WHERE account_id = ${player.account_id}`;
const deletedEarlier = (id, by) => sql`UPDATE game.characters SET deleted_at = deleted_at - ${by}::interval WHERE id = ${id}`;

test('a character starts with what its origin and class say', async () => {
	const player = await withCharacters(2);
	const { name, character_id, created_at, zone_id, ...rest } = await player.get(of(player.ids[1]));
	assert.deepEqual(rest, { class: 'ghost', origin: 'tower', status: 'ACTIVE', level: 1, xp: 0, body: 5, reflexes: 5, technical_ability: 6, intelligence: 9, cool: 5,
		empathy: 5, hp: 100, max_hp: 100, last_played_at: null, respawn_at: null, deleted_at: null, restore_until: null, appearance: {}, settings: {} });
	const { credits, quests } = await row`SELECT (SELECT balance FROM game.ledger_accounts WHERE holder = 'WALLET' AND owner_id = ${character_id}) AS credits,
		(SELECT json_agg(q.code) FROM game.quest_instances i JOIN game.quests q ON q.id = i.template_id WHERE i.character_id = ${character_id}) AS quests`;
	assert.deepEqual([credits, quests], [1000, ['ten_for_the_wall']]);
});

test('looks and settings are objects of up to 16 KiB; nothing else can be put', async () => {
	const player = await withCharacters(1);
	const path = of(player.character_id);
	const before = await player.get(path);
	const appearance = { hair: 'red', '<b>': ['\u202e', null, 1.5] };
	assert.deepEqual(await put(player, path, { appearance }), { ...before, appearance });
	assert.deepEqual(await put(player, path, { settings: { bar: 1 } }), { ...before, appearance, settings: { bar: 1 } });
	for (const field of ['appearance', 'settings']) {
		assert.equal((await put(player, path, { [field]: { x: 'y'.repeat(16384) } }, { expect: 'SETTINGS_TOO_LARGE' })).field, field);
		for (const wrong of [[], 'x', 1, true]) assert.equal((await put(player, path, { [field]: wrong }, { expect: 'VALIDATION' })).field, field);
	}
	for (const field of ['name', 'level', 'xp', 'status', 'body', 'hp', 'class', 'account_id'])
		assert.equal((await put(player, path, { [field]: before[field] ?? 1 }, { expect: 'VALIDATION' })).field, field);
	assert.deepEqual(await player.get(path), { ...before, appearance, settings: { bar: 1 } });
});

test('names that are reserved or foul are refused however they are written', async () => {
	const player = await Player.register();
	const make = (name, expect) => player.post('/characters', { name, class: 'breaker', origin: 'street' }, { expect });
	for (const name of ['Admin', '4dm1n', 'Game Master', 'F-u-c-k', '5hit', 'Аdа', 'Аdmin', 'Ada\u0301', 'Ａda', 'A\u200bda', 'Ada\u202e', '<i>Ada</i>', 'Ada\u00a0B', 'A'.repeat(300)])
		assert.equal((await make(name, 'INVALID_NAME')).field, 'name', name);
	assert.equal((await player.get('/characters')).items.length, 0);
	await make(`Peacock ${unique('c').slice(0, 9)}`, 201);
});

test('switching takes ten seconds, peace and somebody to switch from', async () => {
	const yard = await makeYard({ at: [3], max_hp: 1000 });
	const player = await withCharacters(2, { zone: yard.zone });
	const [first, second] = player.ids;
	const newcomer = await Player.register();
	await newcomer.post('/characters/switch', { character_id: first }, { expect: 'NO_ACTIVE_CHARACTER' });
	const { headers } = await call('POST', of(second, '/select'), { token: player.token, expect: 'COOLDOWN' });
	assert.match(headers.get('retry-after'), /^([1-9]|10)$/);
	await player.post('/characters/switch', { character_id: second }, { expect: 'COOLDOWN' });
	await chosenEarlier(player);
	await player.post('/combat/start', { npc_id: yard.npcs[0] });
	assert.equal((await player.get(of(first))).status, 'IN_COMBAT');
	await player.post('/characters/switch', { character_id: second }, { expect: 'BUSY' });
	await player.login();
	await player.post(of(first, '/select'));
	await chosenEarlier(player);
	assert.equal((await player.post('/characters/switch', { character_id: second })).character_id, second);
	assert.equal((await player.get('/session')).character_id, second);
	const { here } = await row`SELECT count(*) AS here FROM live.zone_players WHERE character_id = ${first}`;
	assert.equal(here, 0, 'the one that was left is gone from its zone');
	const { items } = await player.get(of(first, '/history'));
	assert.deepEqual(items.map((it) => it.kind), ['CREATED']);
});

test('a deleted character frees its slot, keeps its name, and can come back for thirty days', async () => {
	const player = await withCharacters(3);
	const [first, second] = player.ids;
	await remove(player, first, { expect: 'BUSY' });
	const deleted = await remove(player, second);
	assert.equal(deleted.status, 'DELETED');
	assert.equal(Date.parse(deleted.restore_until) - Date.parse(deleted.deleted_at), 30 * 86400 * 1000);
	for (const path of ['', '/stats']) await player.get(of(second, path), { expect: 'NOT_FOUND' });
	assert.deepEqual((await player.get('/characters')).items.map((it) => it.character_id), [first, player.ids[2]]);
	assert.deepEqual((await player.get('/characters?deleted=true')).items.find((it) => it.character_id === second), deleted);
	assert.equal((await player.get('/characters/slots')).used, 2);
	await player.post('/characters', { name: deleted.name.toUpperCase(), class: 'ghost', origin: 'tower' }, { expect: 'NAME_TAKEN' });
	const { character_id: filler } = await player.post('/characters', { name: unique('c'), class: 'ghost', origin: 'tower' });
	await player.post(of(second, '/restore'), undefined, { expect: 'NO_FREE_SLOT' });
	await remove(player, filler);
	assert.equal((await player.post(of(second, '/restore'))).status, 'ACTIVE');
	await player.post(of(second, '/restore'), undefined, { expect: 'CONFLICT' });
	await player.post(of(filler, '/restore'), undefined, { expect: 'NO_FREE_SLOT' });
	await remove(player, second);
	await deletedEarlier(second, '30 days');
	await player.post(of(second, '/restore'), undefined, { expect: 'RESTORE_EXPIRED' });
	assert.ok(!(await player.get('/characters?deleted=true')).items.some((it) => it.character_id === second));
	await remove(player, player.ids[2]);
	await chosenEarlier(player);
	await player.post('/auth/logout');
	await player.login();
	await remove(player, first, { expect: 'LAST_CHARACTER' });
	const { items } = await (await player.select(), player.get(of(second, '/history?limit=3')));
	assert.deepEqual(items.map((it) => it.kind), ['DELETED', 'RESTORED', 'DELETED']);
});

test('what is purged is destroyed and sunk, and its name is free', async () => {
	const player = await withCharacters(2);
	const id = player.ids[1];
	const { name } = await remove(player, id);
	await deletedEarlier(id, '32 days');
	await sql`SELECT necp.run_job('character_purge')`;
	const after = await row`SELECT c.purged_at IS NOT NULL AS purged, (SELECT count(*) FROM game.containers b JOIN game.character_items i ON i.container_id = b.id
		WHERE b.owner_id = c.id AND b.kind = 'BACKPACK') AS items, (SELECT balance FROM game.ledger_accounts WHERE holder = 'WALLET' AND owner_id = c.id) AS credits
		FROM game.characters c WHERE c.id = ${id}`;
	assert.deepEqual(after, { purged: true, items: 0, credits: 0 });
	const causes = await rows`SELECT DISTINCT cause FROM game.item_moves WHERE kind = 'DESTROY' AND cause_id = ${id}
		UNION ALL SELECT cause FROM game.ledger_transfers WHERE cause_id = ${id} AND cause = 'PURGE'`;
	assert.deepEqual(causes, [{ cause: 'PURGE' }, { cause: 'PURGE' }]);
	await player.post(of(id, '/restore'), undefined, { expect: 'RESTORE_EXPIRED' });
	await player.post('/characters', { name, class: 'ghost', origin: 'tower' });
});

test('the dead come back after ten seconds, at the safe point, with half of their hit points', async () => {
	const yard = await makeYard({ at: [12] });
	await sql`UPDATE game.zones SET safe_x = 7, safe_y = 8, origin = 'operator' WHERE id = ${yard.zone_id}`;
	const player = await withCharacters(1, { zone: yard.zone, x: 10 });
	const neighbour = await Player.enter({ zone: yard.zone, x: 11 });
	players.push(neighbour);
	await player.connect();
	await neighbour.connect();
	const fights = await player.realtime.subscribe(`/topic/character/${player.character_id}/combat`);
	const seen = await neighbour.realtime.subscribe(`/topic/zone/${yard.zone_id}/events`);
	const own = await player.realtime.subscribe(`/topic/character/${player.character_id}/position`);
	await player.post('/combat/start', { npc_id: yard.npcs[0] });
	const quick = await setConfig('character.respawn_s', 2);
	try {
		await sql`SELECT necp.character_kill(${player.character_id}, 'E2E')`;
		assert.equal((await fights.find((it) => it.type === 'PLAYER_DIED', 'the death')).data.cause, 'OPERATOR');
		assert.equal((await seen.find((it) => it.type === 'PLAYER_DIED', 'the death')).data.entity_id, player.character_id);
		const dead = await player.get(of(player.character_id));
		assert.deepEqual([dead.status, dead.hp], ['DEAD', 0]);
		assert.ok(Date.parse(dead.respawn_at) > Date.now());
		await player.post(`/zones/${yard.zone_id}/enter`, undefined, { expect: 'YOU_ARE_DEAD' });
		await player.post('/combat/start', { npc_id: yard.npcs[0] }, { expect: 'YOU_ARE_DEAD' });
		await fights.find((it) => it.type === 'PLAYER_RESPAWNED', 'the return');
		await seen.find((it) => it.type === 'PLAYER_RESPAWNED', 'the return');
	} finally {
		await quick();
	}
	const alive = await player.get(of(player.character_id));
	assert.deepEqual([alive.status, alive.hp, alive.respawn_at], ['ACTIVE', 60, null]); // a breaker has 120
	const { x, y } = await player.where();
	assert.deepEqual([x, y], [7, 8]);
	await own.find((it) => it.data.entities?.some((one) => one.id === player.character_id && one.reset && one.p[0] === 7), 'its client to be told');
	const { items } = await player.get(of(player.character_id, '/history'));
	assert.deepEqual(items.map((it) => it.kind), ['RESPAWNED', 'DIED', 'CREATED']);
	const stats = await player.get(of(player.character_id, '/stats'));
	assert.deepEqual([stats.deaths, stats.kills, stats.max_hp, stats.capacity_kg], [1, 0, 120, 155]);
});

test('characters of others are nobody', async () => {
	const [owner, stranger] = [await withCharacters(2), await withCharacters(1)];
	for (const id of [owner.ids[0], owner.ids[1], 999999999]) {
		for (const path of ['', '/stats', '/history']) await stranger.get(of(id, path), { expect: 'NOT_FOUND' });
		for (const path of ['/select', '/restore']) await stranger.post(of(id, path), undefined, { expect: 'NOT_FOUND' });
		await stranger.post('/characters/switch', { character_id: id }, { expect: 'NOT_FOUND' });
		await put(stranger, of(id), { settings: {} }, { expect: 'NOT_FOUND' });
		await remove(stranger, id, { expect: 'NOT_FOUND' });
	}
	await remove(owner, owner.ids[1]);
	await stranger.post(of(owner.ids[1], '/restore'), undefined, { expect: 'NOT_FOUND' });
	assert.equal((await owner.post(of(owner.ids[1], '/restore'))).status, 'ACTIVE');
});

test('a player has a profile with totals', async () => {
	const player = await withCharacters(2);
	const profile = await player.get('/player/profile');
	assert.deepEqual([profile.bio, profile.characters, profile.highest_level, profile.show_online], ['', 2, 1, true]);
	const changed = await put(player, '/player/profile', { bio: 'Zoë <b>', show_online: false });
	assert.deepEqual(changed, { ...profile, bio: 'Zoë <b>', show_online: false });
	for (const bio of ['x'.repeat(501), 'a\u202eb', 'a\nb', 'a\u200bb'])
		assert.equal((await put(player, '/player/profile', { bio }, { expect: 'VALIDATION' })).field, 'bio');
	assert.deepEqual(await player.get('/player/profile'), changed);
	assert.equal((await (await Player.register()).get('/player/profile')).characters, 0);
	await nobody.get('/player/profile', { expect: 'UNAUTHENTICATED' });
});

nothingIsLost();
