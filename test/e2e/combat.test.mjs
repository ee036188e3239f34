// SPDX-License-Identifier: PostgreSQL
//
// Fights with NPCs that fight back, over HTTP and STOMP (DOMAIN §8): being attacked, killing, dying, fleeing, a party's
// experience, and a boss that is wiped on once.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { call } from './lib/api.mjs';
import { pause, row, rows, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { makeYard, Player } from './lib/world.mjs';

const open = [];
after(() => Promise.all(open.map((it) => it.close().catch(() => {}))));

// A player with its topics open before it is seen; it walks to the axis where the yard's NPCs stand.
async function enter(yard, x, { from = 25 } = {}) {
	const player = await Player.register();
	await player.create();
	await player.place({ zone: yard.zone, x: x ?? 135, y: from });
	await player.select();
	open.push(await player.connect());
	player.fights = await player.realtime.subscribe(`/topic/character/${player.character_id}/combat`);
	player.zone = await player.realtime.subscribe(`/topic/zone/${yard.zone_id}/events`);
	if (x !== undefined) await player.walk({ x, y: 0 });
	return player;
}

const character = (player) => player.get(`/characters/${player.character_id}`);
const log = (player, combat_id) => until(async () => {
	const { items } = await player.get(`/combat/${combat_id}/log`);
	return items.some((it) => it.killed) && items;
}, 'the log of the fight');

test('who comes near an aggressive NPC is attacked, strikes back and kills it', async () => {
	const yard = await makeYard({ at: [130], max_hp: 200, more: { temperament: 'aggressive', attack_damage: 4, aggro_m: 20 } });
	const ann = await enter(yard, undefined, { from: 35 });
	await pause(1500);
	await ann.get('/combat/active', { expect: 'NOT_FOUND' });
	await ann.walk({ x: 135, y: 15 });
	const { data: started } = await ann.fights.find((it) => it.type === 'COMBAT_STARTED', 'the fight that it begins');
	const { data: blow } = await ann.fights.find((it) => it.type === 'ATTACK' && it.data.actor === -yard.npcs[0], 'its first blow');
	assert.deepEqual({ ...blow, amount: 0, hp: 0, crit: false }, { combat_id: started.combat_id, kind: 'HIT', actor: -yard.npcs[0], target: ann.character_id, part: 'TORSO', amount: 0, crit: false, hp: 0 });
	assert.equal(blow.amount, blow.crit ? 6 : 4);
	assert.ok(blow.hp <= 120 - blow.amount, 'she has lost hit points');
	assert.equal((await ann.get('/combat/active')).combat_id, started.combat_id);
	const last = await ann.kill(started.combat_id, yard.npcs[0]);
	assert.equal(last.xp, 50);
	await ann.fights.find((it) => it.type === 'COMBAT_ENDED', 'its end');
	const blows = await log(ann, started.combat_id);
	assert.ok(blows.some((it) => it.actor_id === -yard.npcs[0]) && blows.some((it) => it.actor_id === ann.character_id), 'both struck');
	const { data } = await until(() => row`SELECT data FROM game.game_events WHERE type = 'DAMAGE_DEALT' AND aggregate_id = ${started.combat_id}`, 'DAMAGE_DEALT');
	const hers = data.dealt.find((it) => it.actor === ann.character_id);
	assert.deepEqual([hers.damage, hers.kills], [blows.filter((it) => it.actor_id === ann.character_id).reduce((sum, it) => sum + it.amount, 0), 1]);
	const stranger = await Player.enter({ zone: yard.zone });
	await stranger.get(`/combat/${started.combat_id}/log`, { expect: 'NOT_PARTICIPANT' });
	await stranger.get('/combat/999999999/log', { expect: 'NOT_FOUND' });
	await stranger.post(`/combat/${started.combat_id}/flee`, undefined, { expect: 'NOT_PARTICIPANT' });
});

// 33 of the abuse cases
test('who fires faster than its weapon, from afar or while dead does no damage', async () => {
	const yard = await makeYard({ at: [100], max_hp: 5000, more: { temperament: 'defensive', attack_damage: 1000, attack_range: 5, attack_interval_ms: 300, run_speed: 0 } });
	const bob = await enter(yard, 80);
	const { combat_id } = await bob.post('/combat/start', { npc_id: yard.npcs[0] });
	const shoot = () => call('POST', `/combat/${combat_id}/attack`, { token: bob.token, body: { target_id: -yard.npcs[0] }, expect: null });
	const burst = await Promise.all(Array.from({ length: 10 }, shoot));
	const hits = burst.filter((it) => it.status === 200);
	assert.ok(hits.length <= 3, `${hits.length} of ten at once hit`);
	for (const it of burst.filter((other) => other.status !== 200)) assert.equal(it.body.code, 'COOLDOWN');
	const hp = async () => (await bob.get(`/npcs/${yard.npcs[0]}`)).hp;
	assert.equal(await hp(), 5500 - hits.reduce((sum, it) => sum + it.body.damage, 0), 'only what hit counts');
	const left = await hp();
	await bob.walk({ x: 60, y: 0 });
	assert.equal((await shoot()).body.code, 'OUT_OF_RANGE');
	const died = bob.zone.next((it) => it.type === 'PLAYER_DIED', 'PLAYER_DIED');
	await bob.walk({ x: 97, y: 0 }).catch(() => {}); // it falls before it arrives
	assert.equal((await died).data.entity_id, bob.character_id);
	assert.equal((await shoot()).body.code, 'YOU_ARE_DEAD');
	await bob.post(`/combat/${combat_id}/flee`, undefined, { expect: 'YOU_ARE_DEAD' });
	const dead = await character(bob);
	assert.deepEqual([dead.status, dead.hp], ['DEAD', 0]);
	assert.equal((await bob.get(`/combat/${combat_id}/state`)).status, 'COMPLETED');
	const { data } = await bob.fights.find((it) => it.type === 'ATTACK' && it.data.kind === 'KILL', 'the blow that killed him');
	assert.deepEqual([data.actor, data.target, data.hp], [-yard.npcs[0], bob.character_id, 0]);
	await until(async () => (await hp()) === 5500, 'it to be whole again');
	assert.ok(left < 5500);
});

test('a fight may be fled from', async () => {
	const yard = await makeYard({ at: [100], max_hp: 5000, more: { temperament: 'defensive', attack_damage: 0 } });
	const cat = await enter(yard, 90);
	const { combat_id } = await cat.post('/combat/start', { npc_id: yard.npcs[0] });
	const attempt = await cat.post(`/combat/${combat_id}/flee`);
	assert.deepEqual([attempt.combat_id, attempt.chance_percent, attempt.cooldown_ms], [combat_id, 60, 5000]); // a breaker's reflexes are 7
	if (!attempt.fled) await cat.post(`/combat/${combat_id}/flee`, undefined, { expect: 'COOLDOWN' });
	for (let fled = attempt.fled; !fled;) {
		await pause(5050);
		({ fled } = await cat.post(`/combat/${combat_id}/flee`));
	}
	await cat.fights.find((it) => it.type === 'COMBAT_ENDED', 'the end');
	assert.equal((await cat.get(`/combat/${combat_id}/state`)).status, 'FLED');
	await cat.get('/combat/active', { expect: 'NOT_FOUND' });
	assert.equal((await character(cat)).status, 'ACTIVE');
	await cat.post(`/combat/${combat_id}/flee`, undefined, { expect: 'CONFLICT' });
});

test('who kills together earns together', async () => {
	const yard = await makeYard({ at: [100], max_hp: 170, more: { xp_base: 1000 } });
	const [dan, eve] = await Promise.all([enter(yard, 92), enter(yard, 95)]);
	await dan.post('/party');
	const { invite_id } = await dan.post('/party/invite', { character_id: eve.character_id });
	await eve.post(`/party/invites/${invite_id}/accept`);
	const { combat_id } = await dan.post('/combat/start', { npc_id: yard.npcs[0] });
	await eve.post('/combat/start', { npc_id: yard.npcs[0] });
	await dan.post(`/combat/${combat_id}/attack`, { target_id: -yard.npcs[0] });
	const last = await eve.kill(combat_id, yard.npcs[0]);
	assert.equal(last.xp, 550);
	const gained = await rows`SELECT character_id, (data ->> 'xp')::int AS xp FROM game.game_events
		WHERE type = 'XP_GAINED' AND character_id IN (${dan.character_id}, ${eve.character_id}) ORDER BY 1`;
	assert.deepEqual(gained.map((it) => it.xp), [550, 550]);
});

test('a boss tells what it does, forgives a wipe, and dies once', async () => {
	const yard = await makeYard({ at: [100], max_hp: 900, more: {
		tier: 5, temperament: 'defensive', attack_damage: 0, run_speed: 0,
		phases: [{ phase: 1, hp_percent: 100, area_damage: 500, area_m: 5, area_every_ms: 1000, telegraph_ms: 2000 }, { phase: 2, hp_percent: 70 }],
	} });
	const boss = yard.npcs[0];
	const fay = await enter(yard, 92);
	const first = await fay.post('/combat/start', { npc_id: boss });
	assert.equal(first.kind, 'WORLD_BOSS');
	const announced = Date.now();
	const { data: area } = await fay.zone.find((it) => it.type === 'BOSS_TELEGRAPH', 'what it is about to do');
	assert.deepEqual([area.npc_id, area.combat_id, area.radius, area.in_ms], [boss, first.combat_id, 5, 2000]);
	assert.ok(Math.abs(area.position[0] - 92) < 0.6, 'it aims at her');
	await fay.fights.find((it) => it.type === 'PLAYER_DIED', 'her death, as she stayed');
	assert.ok(Date.now() - announced >= 1900, 'not before it was time');
	await until(async () => (await fay.get(`/npcs/${boss}`)).hp === 990, 'it to be whole again');
	assert.deepEqual(await rows`SELECT type FROM game.game_events WHERE aggregate_type = 'NPC' AND aggregate_id = ${boss}`, []);
	const gus = await enter(yard, 108);
	const second = await gus.post('/combat/start', { npc_id: boss });
	assert.notEqual(second.combat_id, first.combat_id);
	const phase = gus.zone.next((it) => it.type === 'BOSS_PHASE_CHANGED', 'its second phase');
	const died = gus.zone.next((it) => it.type === 'NPC_DIED', 'its death');
	await gus.kill(second.combat_id, boss);
	assert.equal((await phase).data.phase, 2);
	assert.equal((await died).data.npc_id, boss);
	assert.deepEqual((await rows`SELECT type FROM game.game_events WHERE aggregate_type = 'NPC' AND aggregate_id = ${boss} ORDER BY id`).map((it) => it.type),
		['BOSS_PHASE_CHANGED', 'NPC_DIED', 'BOSS_DIED']);
	assert.equal((await rows`SELECT FROM game.world_drops WHERE source = 'NPC' AND source_id = ${boss}`).length, 1);
});

nothingIsLost();
