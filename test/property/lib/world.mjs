// SPDX-License-Identifier: PostgreSQL
//
// Where the sequences are played: two zones whose NPCs and players stand within reach of each other,
// things of every kind that the rules tell apart, and players who have some of them.
import { row, rows, sql, until } from '../../e2e/lib/sql.mjs';
import { setConfig } from '../../e2e/lib/suite.mjs';
import { PASSWORD, Player } from '../../e2e/lib/world.mjs';

const ITEMS = {
	prop_ore: { max_stack: 20 },
	prop_dust: { max_stack: 1000, weight: 0.001 },
	prop_anvil: { weight: 30 },
	prop_relic: { binding: 'ON_PICKUP', max_stack: 5 },
	prop_heirloom: { binding: 'ACCOUNT' },
	prop_deed: { type: 'QUEST_ITEM' },
	prop_snack: { type: 'CONSUMABLE', max_stack: 50, attributes: { heal: 5, cooldown_s: 0 } },
	prop_vest: { type: 'ARMOR', rarity: 'UNCOMMON', binding: 'ON_EQUIP', attributes: { armor: 20, slot: 'chest', salvage: { item: 'prop_dust', quantity: 3 } } },
	prop_crown: { type: 'ARMOR', rarity: 'EPIC', attributes: { slot: 'head', requires: { level: 40, class: 'nobody' } } },
	prop_charm: { type: 'ACCESSORY', rarity: 'RARE', attributes: { bonus: { body: 1 } } },
	prop_saber: { type: 'WEAPON', rarity: 'LEGENDARY', attributes: { damage: 80, rpm: 600, range_m: 30 } },
};
const GIFTS = Object.keys(ITEMS);
const NPCS = 6; // of each zone

// What the clock of these tests is to run into within minutes.
const SETTINGS = {
	'session.idle_s': 60, 'session.afk_s': 200, 'session.afk_warn_s': 900, 'session.afk_close_s': 1200,
	'session.silence_s': 180, 'session.reconnect_s': 300, 'character.switch_s': 0, 'character.restore_s': 240,
	'loot.roll_s': 20, 'loot.assign_s': 20, 'teleport.cast_s': 1, 'teleport.cooldown_s': 5, 'teleport.credits': 3,
	'character.respawn_s': 3, 'party.away_s': 240, 'party.afk_s': 400,
};

const table = [
	{ item: 'prop_ore', weight: 30, min_quantity: 1, max_quantity: 12 }, { item: 'prop_dust', weight: 20, min_quantity: 10, max_quantity: 200 },
	{ item: 'prop_snack', weight: 20, min_quantity: 1, max_quantity: 4 }, { item: 'prop_relic', weight: 10 }, { item: 'prop_vest', weight: 25 },
	{ item: 'prop_charm', weight: 25 }, { item: 'prop_crown', weight: 15 }, { item: 'prop_saber', weight: 3 }, { weight: 5 },
];

async function makeZone(code) {
	await sql`SELECT necp.content_import('zones', ${[{ code, name: 'Yard', kind: 'CITY', size_m: 400, capacity: 200 }]})`;
	await sql`SELECT necp.content_import('npcs', ${{
		templates: [{ code: `${code}_dummy`, name: 'Dummy', tier: 0, level: 1, max_hp: 40, attack_damage: 3, walk_speed: 0, loot_table_code: 'prop_table', respawn_seconds: 1 }],
		spawns: Array.from({ length: NPCS }, (_, i) => ({ code: `${code}_${i}`, template: `${code}_dummy`, zone: code, x: (i % 3) - 1, y: i > 2 ? 1 : 0 })),
	}})`;
	const { id } = await row`SELECT id FROM game.zones WHERE code = ${code}`;
	const npcs = await until(async () => {
		const found = await rows`SELECT npc_id FROM live.zone_npcs WHERE place_id = ${id} ORDER BY npc_id`;
		return found.length === NPCS && found.map((it) => it.npc_id);
	}, `${code} to open with its NPCs`);
	await sql`SELECT necp.content_import('containers', ${[0, 1, 2, 3].map((i) => ({ code: `${code}_crate_${i}`, name: 'Crate', zone: code, x: i % 2, y: i > 1 ? 1 : 0, loot_table: 'prop_table', refill_s: 1 }))})`;
	await sql`SELECT necp.content_import('teleports', ${[{ code: `${code}_gate`, name: 'Gate', zone: code, x: 0, y: 0 }]})`;
	const crates = (await rows`SELECT id FROM game.loot_containers WHERE zone_id = ${id}`).map((it) => it.id);
	const teleports = (await rows`SELECT id FROM game.teleports WHERE zone_id = ${id}`).map((it) => it.id);
	return { code, id, npcs, crates, teleports };
}

// Puts a character where everybody is; for the next time that it is selected.
export async function place(zone, character_id) {
	await Player.prototype.place.call({ character_id }, { zone: zone.code, x: (character_id % 3) - 1 });
}

async function makePlayer(zone) {
	const player = await Player.register();
	const { reconnect_token } = await player.login();
	await player.create();
	player.zone = zone;
	await place(zone, player.character_id);
	await player.select();
	await sql`SELECT necp.ledger_mint('PREMIUM', ${player.account_id}, 'premium', 1200, 'PROPERTY'), necp.ledger_mint('WALLET', ${player.character_id}, 'credits', 20000, 'PROPERTY'),
		necp.progression_gain(${player.character_id}, 5000, 'PROPERTY', 0)`;
	return Object.assign(player, { reconnect_token, password: PASSWORD, selected: true, characters: [player.character_id], deleted: [], items: [], worn: [], bank: [], changedAt: 0 });
}

export async function makeWorld(count) {
	for (const [key, value] of Object.entries(SETTINGS)) await setConfig(key, value);
	await sql`SELECT necp.content_import('items', ${Object.entries(ITEMS).map(([code, more]) => ({
		code, name: code, description: 'Of tests.', type: 'MATERIAL', rarity: 'COMMON', weight: 0.1, vendor_price: 20, ...more }))})`;
	await sql`SELECT necp.content_import('loot', ${[{ code: 'prop_table', min_items: 1, max_items: 3, min_credits: 0, max_credits: 50, entries: table }]})`;
	const zones = [await makeZone('prop_east'), await makeZone('prop_west')];
	const players = [];
	for (let i = 0; i < count; i++) players.push(await makePlayer(zones[i % 2]));
	return { zones, players, npcs: zones.flatMap((zone) => zone.npcs),
		crates: zones.flatMap((zone) => zone.crates), teleports: zones.flatMap((zone) => zone.teleports) };
}

// Gives out presents, wears things out, kills some and pins some things: all that no command does.
export async function provide(random, characters) {
	const gifts = characters.flatMap((id) => Array.from({ length: 3 }, () => [id, random.pick(GIFTS), 1 + random.below(30)]));
	const dead = Array.from({ length: 2 }, () => random.pick(characters));
	await sql`SET necpgame.rehearsal = on; DO $do$ DECLARE it json; BEGIN
		FOR it IN SELECT json_array_elements(${gifts}) LOOP
			BEGIN PERFORM necp.inventory_grant((it ->> 0)::bigint, it ->> 1, (it ->> 2)::int, 'PROPERTY');
			EXCEPTION WHEN OTHERS THEN NULL; END;
		END LOOP;
		FOR it IN SELECT json_array_elements(${dead}) LOOP
			BEGIN PERFORM necp.character_kill((it #>> '{}')::bigint, 'of tests');
			EXCEPTION WHEN OTHERS THEN NULL; END;
		END LOOP; END $do$;
		UPDATE game.character_items SET durability = 60 WHERE durability > 60 AND id % 7 = ${random.below(7)}
			AND template_id IN (SELECT id FROM game.item_templates WHERE slot IS NOT NULL);
		UPDATE game.character_items SET lock_ref = NULL WHERE lock_ref IS NOT NULL;
		UPDATE game.character_items SET lock_ref = 1 WHERE id % 40 = ${random.below(40)}
			AND container_id IN (SELECT container_id FROM game.character_inventory)`;
}

// Moves the game's clock and does at once what is due then.
export async function advance(seconds) {
	await sql`SELECT necp.clock_advance(make_interval(secs => ${seconds}))`;
	await sql`SELECT necp.partitions_keep()`;
	// what is offered in a trade keeps its owner from being purged; here nobody ends the trade for him
	await sql`UPDATE game.character_items SET lock_ref = NULL WHERE lock_ref IS NOT NULL AND container_id IN
		(SELECT b.container_id FROM game.character_inventory b JOIN game.characters c ON c.id = b.character_id WHERE c.deleted_at IS NOT NULL)`;
	for (const job of ['session_sweep', 'party_sweep', 'loot_rolls', 'loot_expire', 'teleport_arrivals', 'delivery_hand_over', 'character_purge']) await sql`SELECT necp.run_job(${job})`;
}

// Ends connections of the edge, as a crash or a firewall would: those that are about something, if some are met.
export async function endBackends(count) {
	await sql`DO $do$ DECLARE ended int := 0; BEGIN
		FOR i IN 1..100 LOOP
			EXIT WHEN ended >= ${count};
			PERFORM pg_stat_clear_snapshot();
			ended := ended + (SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
				WHERE application_name LIKE 'necp-edge%' AND (state = 'active' OR i = 100) LIMIT ${count} - ended) e);
			PERFORM pg_sleep(0.002);
		END LOOP; END $do$`;
}
