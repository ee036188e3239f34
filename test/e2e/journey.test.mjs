// SPDX-License-Identifier: PostgreSQL
//
// What a player does on the first evening, end to end: PostgreSQL, edge and realtime are the real ones.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { nobody } from './lib/api.mjs';
import { checkSchema } from './lib/openapi.mjs';
import { row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { PASSWORD, Player, unique } from './lib/world.mjs';

const SCAVENGER = 'alley_scavenger';
const SAFE = { x: 0, y: -40, z: 0 };

const ann = new Player();
const bob = new Player();
let npc; // the one that Ann attacks
let combat;
let drop;
const topics = {};

// Its loot always holds the legendary weapon, so that one kill is enough.
before(() => sql`UPDATE game.npc_templates SET loot_table_code = 'proving_ground' WHERE code = ${SCAVENGER}`);
after(() => sql`UPDATE game.npc_templates SET loot_table_code = 'street_scavenger' WHERE code = ${SCAVENGER}`);
after(() => Promise.all([ann.realtime?.close(), bob.realtime?.close()]));

function seen(frame, id) {
	return frame.data.entities.find((entity) => entity.id === id);
}

test('Ann registers', async () => {
	ann.username = unique('ann');
	ann.email = `${ann.username}@example.com`;
	const account = await nobody.post('/auth/register', { email: ann.email, username: ann.username, password: PASSWORD, display_name: 'Ann of the Docks' });
	assert.equal(account.email_verified, false);
	assert.equal(account.display_name, 'Ann of the Docks');
	ann.account_id = account.account_id;
});

test('she proves her address with the token that was mailed', async () => {
	await nobody.post('/auth/verify-email', { token: await ann.mailedToken() });
});

test('she logs in', async () => {
	const tokens = await ann.login();
	assert.equal(tokens.token_type, 'Bearer');
	assert.equal((await ann.get('/auth/me')).email_verified, true);
});

test('she looks at classes and origins and makes a character', async () => {
	const { classes, origins } = await nobody.get('/characters/catalog');
	assert.ok(classes.some((it) => it.code === 'breaker'));
	assert.ok(origins.some((it) => it.code === 'street'));
	const character = await ann.create();
	assert.deepEqual([character.body, character.reflexes, character.cool, character.level, character.hp], [7, 7, 6, 1, 120]);
	assert.equal((await ann.get('/characters')).items.length, 1);
	assert.equal((await ann.get('/characters/slots')).used, 1);
});

test('she selects it and stands in its home zone', async () => {
	await ann.get('/inventory', { expect: 'NO_ACTIVE_CHARACTER' });
	await ann.select();
	const zone = await ann.where();
	assert.equal(zone.code, 'lantern_ward');
	assert.deepEqual([zone.x, zone.y, zone.z], [SAFE.x, SAFE.y, SAFE.z]);
	assert.equal((await ann.get('/session')).place_id, zone.zone_id);
	topics.zone = `/topic/zone/${zone.zone_id}/events`;
	ann.zone_id = zone.zone_id;
});

test('her backpack holds what her origin gave her, and her quest has begun', async () => {
	const inventory = await ann.get('/inventory');
	assert.deepEqual(inventory.items.map((it) => it.code).sort(), ['field_dressing', 'pistol_rounds', 'rust_pistol']);
	assert.equal(inventory.credits, 500);
	const { items: [quest] } = await ann.get('/quests/active');
	assert.equal(quest.code, 'ten_for_the_wall');
	assert.deepEqual(quest.objectives.map(({ progress, required }) => [progress, required]), [[0, 10]]);
});

test('she connects to the realtime server and listens', async () => {
	await ann.connect();
	topics.position = await ann.realtime.subscribe(`/topic/character/${ann.character_id}/position`);
	topics.events = await ann.realtime.subscribe(topics.zone);
	topics.notices = await ann.realtime.subscribe(`/topic/player/${ann.account_id}/notifications`);
	topics.inventory = await ann.realtime.subscribe(`/topic/character/${ann.character_id}/inventory`);
	topics.quests = await ann.realtime.subscribe(`/topic/character/${ann.character_id}/quests`);
	topics.combat = await ann.realtime.subscribe(`/topic/character/${ann.character_id}/combat`);
	assert.ok(seen(await topics.position.find((it) => seen(it, ann.character_id), 'her own position'), ann.character_id));
});

test('Bob comes, and she is told', async () => {
	const entered = topics.events.next((it) => it.type === 'PLAYER_ENTERED', 'PLAYER_ENTERED');
	Object.assign(bob, await Player.enter());
	await bob.connect();
	topics.bobs = await bob.realtime.subscribe(`/topic/character/${bob.character_id}/position`);
	topics.bobsEvents = await bob.realtime.subscribe(topics.zone);
	assert.deepEqual((await entered).data, { entity_id: bob.character_id, name: bob.name });
	const { items } = await ann.get(`/zones/${ann.zone_id}/players`);
	assert.deepEqual(items.filter((it) => [ann.name, bob.name].includes(it.name)).map((it) => [it.character_id, it.level, it.activity]),
		[[ann.character_id, 1, 'IDLE'], [bob.character_id, 1, 'IDLE']]);
});

test('both move and see each other move', async () => {
	const annMoves = topics.bobs.next((it) => seen(it, ann.character_id)?.p[0] > 5, 'Ann in Bob\'s frames');
	const bobMoves = topics.position.next((it) => seen(it, bob.character_id)?.p[0] < -5, 'Bob in Ann\'s frames');
	await Promise.all([ann.walk({ x: 14, y: -34 }), bob.walk({ x: -8, y: -40 })]);
	const [annSeen, bobSeen] = await Promise.all([annMoves, bobMoves]);
	const her = seen(annSeen, ann.character_id);
	assert.equal(her.a, 'moving');
	assert.deepEqual(her.hp, [120, 120]);
	assert.ok(her.v[0] > 0, 'she moves east');
	assert.ok(seen(bobSeen, bob.character_id).v[0] < 0, 'he moves west');
	const last = await topics.position.find((it) => it.data.last_seq === ann.seq, 'her last input acknowledged');
	assert.equal(last.data.last_seq, ann.seq);
});

test('she attacks the nearest scavenger until it dies', async () => {
	const { npc_id } = await row`SELECT npc_id FROM live.zone_npcs WHERE place_id = ${ann.zone_id} AND activity <> 'DEAD'
		AND name = 'Alley Scavenger' ORDER BY abs(x - 14) + abs(y + 34) LIMIT 1`;
	npc = await ann.get(`/npcs/${npc_id}`);
	assert.equal(npc.status, 'ALIVE');
	await ann.walk({ x: npc.x - 14, y: npc.y - 8 });
	combat = await ann.post('/combat/start', { npc_id });
	assert.deepEqual(combat.combatants.map((it) => it.entity_id).sort((a, b) => a - b), [-npc_id, ann.character_id]);
	assert.equal((await ann.get('/combat/active')).combat_id, combat.combat_id);
	const died = topics.bobsEvents.next((it) => it.type === 'NPC_DIED', 'NPC_DIED');
	const dropped = topics.bobsEvents.next((it) => it.type === 'LOOT_DROPPED', 'LOOT_DROPPED');
	const blow = await ann.kill(combat.combat_id, npc_id);
	assert.equal(blow.hp, 0);
	assert.ok(blow.xp > 0);
	await died;
	drop = (await dropped).data;
	await topics.combat.find((it) => it.type === 'ATTACK' && it.data.kind === 'KILL', 'her kill');
	await topics.combat.find((it) => it.type === 'COMBAT_ENDED', 'the end of the combat');
	assert.equal((await ann.get(`/npcs/${npc_id}`)).status, 'DEAD');
	assert.equal((await ann.get(`/combat/${combat.combat_id}/state`)).status, 'COMPLETED');
	assert.equal((await ann.get(`/characters/${ann.character_id}`)).xp, blow.xp);
});

test('its loot lies on the ground and everybody in the zone is told', async () => {
	assert.equal(drop.npc_id, npc.npc_id);
	assert.equal((await topics.events.find((it) => it.type === 'LOOT_DROPPED', 'LOOT_DROPPED')).data.drop_id, drop.drop_id);
	const there = await bob.get(`/loot/drops/${drop.drop_id}`);
	assert.deepEqual(there.items.map((it) => [it.code, it.rarity]), [['mourning_star', 'LEGENDARY']]);
	assert.equal(there.credits, 10);
	assert.ok((await ann.get('/loot/drops/nearby')).items.some((it) => it.drop_id === drop.drop_id));
});

test('the drop is hers, and too far to reach yet', async () => {
	await bob.command('/loot/pickup', { drop_id: drop.drop_id }, { expect: 'TOO_FAR' });
	await ann.command('/loot/pickup', { drop_id: drop.drop_id }, { expect: 'TOO_FAR' });
	await Promise.all([ann.walk({ x: drop.x - 2, y: drop.y }), bob.walk({ x: drop.x - 2, y: drop.y - 1 })]);
	await bob.command('/loot/pickup', { drop_id: drop.drop_id }, { expect: 'NOT_ELIGIBLE' });
});

test('she picks it up once, however often she asks', async () => {
	const key = randomUUID();
	const taken = topics.bobsEvents.next((it) => it.type === 'LOOT_TAKEN', 'LOOT_TAKEN');
	const answers = [];
	for (let i = 0; i < 3; i++) answers.push(await ann.post('/loot/pickup', { drop_id: drop.drop_id }, { key }));
	assert.equal(answers[0].status, 'LOOTED');
	assert.equal(answers[0].credits, 10);
	assert.equal(answers[0].items.length, 1);
	assert.deepEqual(answers[1], answers[0]);
	assert.deepEqual(answers[2], answers[0]);
	assert.equal((await taken).data.drop_id, drop.drop_id);
	await ann.command('/loot/pickup', { drop_id: drop.drop_id }, { expect: 'ALREADY_LOOTED' });
	drop.item_id = answers[0].items[0].item_id;
});

test('the weapon stands in her inventory', async () => {
	const item = await ann.get(`/inventory/items/${drop.item_id}`);
	assert.equal(item.code, 'mourning_star');
	assert.equal(item.binding, 'CHARACTER', 'it binds on pick-up');
	assert.equal((await ann.get(`/inventory/templates/${item.template_id}`)).rarity, 'LEGENDARY');
	assert.equal((await ann.get('/inventory/wallet')).credits, 510);
	const change = await topics.inventory.find((it) => it.data.changes?.some((one) => one.item_id === drop.item_id), 'the change of her backpack');
	assert.deepEqual(change.data.changes, [{ item_id: drop.item_id, op: 'ADD', container: 'BACKPACK', slot: item.slot, qty: 1, template_id: item.template_id, durability: 100 }]);
	await bob.get(`/inventory/items/${drop.item_id}`, { expect: 'NOT_FOUND' });
});

test('the pick-up moved her quest and reached the achievement', async () => {
	const { items: [quest] } = await ann.get('/quests/active');
	assert.deepEqual(quest.objectives.map(({ progress, required }) => [progress, required]), [[1, 10]]);
	assert.deepEqual(await ann.get(`/quests/${quest.quest_id}`), quest);
	const pushed = await topics.quests.find((it) => it.type === 'QUEST_PROGRESS', 'the quest\'s progress');
	assert.deepEqual([pushed.data.quest_id, pushed.data.progress, pushed.data.required], [quest.quest_id, 1, 10]);
	const { items } = await ann.get('/achievements/mine');
	assert.ok(items.find((it) => it.code === 'first_legendary').unlocked_at);
	assert.ok(items.find((it) => it.code === 'armed').unlocked_at);
	assert.ok((await ann.get('/achievements')).items.some((it) => it.code === 'scrap_hoarder' && it.progress === 0));
});

test('all of it happened in one transaction', async () => {
	const { txid } = await row`SELECT txid::text FROM game.game_events WHERE type = 'ITEM_PICKED_UP' AND aggregate_id = ${drop.drop_id}`;
	const events = await rows`SELECT type, txid::text, correlation_id, character_id FROM game.game_events
		WHERE character_id = ${ann.character_id} AND type IN ('ITEM_PICKED_UP', 'ACHIEVEMENT_UNLOCKED', 'CURRENCY_GAINED') ORDER BY id`;
	assert.deepEqual(events.map((it) => it.type).sort(), ['ACHIEVEMENT_UNLOCKED', 'ACHIEVEMENT_UNLOCKED', 'CURRENCY_GAINED', 'ITEM_PICKED_UP']);
	assert.deepEqual([...new Set(events.map((it) => it.txid))], [txid]);
	assert.equal(new Set(events.map((it) => it.correlation_id)).size, 1, 'and of one request');
	const written = await row`SELECT
		(SELECT xmin::text FROM game.quest_progress WHERE character_id = ${ann.character_id}) AS quest,
		(SELECT xmin::text FROM game.character_items WHERE id = ${drop.item_id}) AS item,
		(SELECT xmin::text FROM game.world_drops WHERE id = ${drop.drop_id}) AS drop,
		(SELECT min(xmin::text) || max(xmin::text) FROM game.player_achievements WHERE character_id = ${ann.character_id}) AS achievements,
		(SELECT min(xmin::text) || max(xmin::text) FROM game.notifications WHERE account_id = ${ann.account_id}
			AND type IN ('LEGENDARY_ACQUIRED', 'ACHIEVEMENT_UNLOCKED')) AS notices`;
	assert.deepEqual(written, { quest: txid, item: txid, drop: txid, achievements: txid + txid, notices: txid + txid });
});

test('she is notified', async () => {
	const legendary = await topics.notices.find((it) => it.data.type === 'LEGENDARY_ACQUIRED', 'the notification');
	assert.equal(legendary.type, 'NOTIFICATION_CREATED');
	checkSchema('notification_view', legendary.data);
	assert.equal(legendary.data.title, 'Legendary weapon acquired!');
	assert.equal(legendary.data.message, 'Mourning Star');
	await topics.notices.find((it) => it.data.type === 'ACHIEVEMENT_UNLOCKED' && it.data.message === 'First Legend', 'the achievement\'s notification');
	const { items } = await ann.get('/notifications');
	assert.deepEqual(items.find((it) => it.notification_id === legendary.data.notification_id), legendary.data);
	const { unread } = await ann.get('/notifications/unread-count');
	assert.equal(unread, items.filter((it) => !it.read).length);
	assert.equal((await ann.post(`/notifications/${legendary.data.notification_id}/read`)).read, true);
	assert.equal((await ann.get('/notifications/unread-count')).unread, unread - 1);
});

let left;

test('she logs out: her character leaves the zone, her connection closes', async () => {
	left = {
		zone: await ann.where(),
		inventory: await ann.get('/inventory'),
		quests: await ann.get('/quests/active'),
		achievements: await ann.get('/achievements/mine'),
		character: await ann.get(`/characters/${ann.character_id}`),
	};
	const gone = topics.bobsEvents.next((it) => it.type === 'PLAYER_LEFT', 'PLAYER_LEFT');
	const vanished = topics.bobs.next((it) => it.data.gone.includes(ann.character_id), 'Ann gone from Bob\'s frames');
	await ann.post('/auth/logout');
	assert.equal((await gone).data.entity_id, ann.character_id);
	await vanished;
	assert.equal((await ann.realtime.closed()).error, 'LOGOUT');
	assert.deepEqual(await rows`SELECT 1 FROM live.zone_players WHERE character_id = ${ann.character_id}`, []);
	const saved = await row`SELECT place_id, x, y, z FROM game.player_positions WHERE character_id = ${ann.character_id}`;
	assert.deepEqual(saved, { place_id: left.zone.zone_id, x: left.zone.x, y: left.zone.y, z: left.zone.z });
	await ann.get('/session', { expect: 'UNAUTHENTICATED' });
});

test('next time, everything is as it was', async () => {
	await ann.login();
	await ann.select();
	const now = {
		zone: await until(() => ann.where(), 'her zone'),
		inventory: await ann.get('/inventory'),
		quests: await ann.get('/quests/active'),
		achievements: await ann.get('/achievements/mine'),
		character: await ann.get(`/characters/${ann.character_id}`),
	};
	now.character.last_played_at = left.character.last_played_at; // that has changed, of course
	// while she plays, the row does not know what the scavengers, who strike back, have taken off her
	assert.ok(now.character.hp > 0 && now.character.hp <= left.character.hp);
	now.character.hp = left.character.hp;
	assert.deepEqual(now, left);
	const { items } = await ann.get('/notifications');
	assert.equal(items[0].type, 'WELCOME_BACK');
});

nothingIsLost();
