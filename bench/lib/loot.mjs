// SPDX-License-Identifier: PostgreSQL
//
// What an NPC's death costs where loot begins: three levels of tables, pity, and the drop; and the whole
// command of who kills it.
import { setTimeout as sleep } from 'node:timers/promises';
import { COST_RUNS, cost } from './cost.mjs';
import { makeItems } from './inventory.mjs';
import { result } from './report.mjs';
import { alternate, playersLua, routeStatement, SESSION } from './route.mjs';

const SECONDS = 4;
const FIRST = 201; // players who fight
const FOES = 96; // of each: more than one kills in the three seconds of pgbench

function makeTables(stack) {
	const rarities = (part) => ['COMMON', 'UNCOMMON', 'RARE', 'EPIC', 'LEGENDARY'].map((rarity, i) => ({
		code: `bench_${part}_${i}`, name: 'Bench', description: 'Of the benchmark.', type: 'MATERIAL', rarity, max_stack: 100, weight: 1, vendor_price: 1 }));
	const items = Array.from({ length: 10 }, (_, part) => rarities(part)).flat();
	const leaves = Array.from({ length: 5 }, (_, i) => ({ code: `bench_leaf_${i}`, max_items: 1, max_credits: 0,
		entries: items.filter((item) => item.code.endsWith(`_${i}`)).map((item) => ({ item: item.code, weight: 1, max_quantity: 10 })) }));
	const weights = [60, 25, 12, 2.5, 0.5];
	const tables = [
		{ code: 'bench_top', min_items: 1, max_items: 3, max_credits: 100, entries: [{ table: 'bench_middle', weight: 9 }, { weight: 1 }, { item: 'bench_0_0', chance: 0.3 }] },
		{ code: 'bench_middle', max_items: 1, max_credits: 0, entries: leaves.map((leaf, i) => ({ table: leaf.code, weight: weights[i] })) },
		...leaves];
	stack.psql(`SELECT necp.content_import('items', $pack$${JSON.stringify(items)}$pack$); SELECT necp.content_import('loot', $pack$${JSON.stringify(tables)}$pack$)`);
}

async function lootKill(stack) {
	makeTables(stack);
	const zone = stack.psql('SELECT min(id) FROM game.zones');
	const me = stack.players[0].character;
	const fall = `\\set npc 1000001 + :client_id\n\\set life random(1, 1000000000000)\nSELECT necp.loot_fall('bench_top', :npc, :life, ${zone}, ${me});\n`;
	const script = stack.file('fall.sql', fall);
	const options = { clients: 1, role: 'postgres', set: '-c synchronous_commit=off' };
	stack.pgbench(script, { ...options, seconds: 1 });
	const rate = stack.pgbench(script, { ...options, seconds: SECONDS });
	return [result('loot_kill', 1e6 / rate, 'us/kill', null, null, null, cost(stack, 'fall', fall))];
}

/*
 * NPCs of one hit point that do not hit back, at the feet of 64 players with weapons that need no rest.
 * They are numbered from stack.foes on; who is dead stays so until startFights().
 */
async function makeFoes(stack) {
	const fighters = stack.players.slice(FIRST - 1, FIRST + 63).map((p) => p.character);
	const [zone, x, y, z] = stack.psql(`SELECT code, x, y, p.z FROM game.player_positions p JOIN game.zones z ON z.id = place_id
		WHERE character_id = ${fighters[0]}`).split('|');
	const gun = { code: 'bench_gun', name: 'Bench', description: 'Of the benchmark.', type: 'WEAPON', rarity: 'COMMON', weight: 1, vendor_price: 1,
		attributes: { damage: 1000, rpm: 1000000000, range_m: 1000 } };
	const foe = { code: 'bench_foe', name: 'Bench', tier: 0, level: 1, max_hp: 1, attack_damage: 0, walk_speed: 0, loot_table_code: 'bench_top', xp_base: 1,
		respawn_seconds: 604800 };
	const spawns = Array.from({ length: 64 * FOES }, (_, i) => ({ code: `bench_foe_${i}`, template: foe.code, zone, x: Number(x), y: Number(y), z: Number(z) }));
	stack.psql(`SELECT necp.config_set('loot.drop_s', '86400');
		SELECT necp.content_import('items', $pack$${JSON.stringify([gun])}$pack$);
		SELECT necp.content_import('npcs', $pack$${JSON.stringify({ templates: [foe], spawns })}$pack$);
		${makeItems(`SELECT c.id AS container_id, 0 AS slot, t.id AS template_id FROM game.containers c, game.item_templates t
			WHERE c.kind = 'EQUIPPED' AND c.owner_id IN (${fighters}) AND t.code = '${gun.code}'`)}`);
	for (let tries = 0; stack.foes === undefined; tries++) {
		const [first, last, n] = stack.psql(`SELECT min(i.id), max(i.id), count(*) FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id
			WHERE s.code LIKE 'bench\\_foe\\_%'`).split('|').map(Number);
		if (n === spawns.length && last - first === n - 1) stack.foes = first;
		else if (tries === 100) throw new Error(`${n} foes came to life as ${first} to ${last}`);
		else await sleep(100);
	}
	stack.psql('VACUUM ANALYZE');
}

/*
 * Ends what is left of the last round's fights, brings the dead back, and has every player fight so many of its
 * foes. The fights are numbered by player from the one returned on.
 */
function startFights(stack, foes) {
	const active = () => stack.psql(`SELECT count(*), min(id), max(id) FROM game.combat_sessions WHERE status = 'ACTIVE'`).split('|').map(Number);
	stack.psql(`UPDATE game.combat_sessions SET started_at = started_at - interval '3 h' WHERE status = 'ACTIVE'`);
	while (active()[0] > 0) stack.psql('SELECT necp.combat_expire()'); // the world worker ends some of them
	stack.psql(`UPDATE game.npc_instances SET respawn_at = died_at WHERE status = 'DEAD'; SELECT necp.npc_respawn();`);
	stack.psql(`SET necpgame.rehearsal = on;
		DO $$ DECLARE player int; foe bigint; BEGIN
		FOR player IN ${FIRST}..${FIRST + 63} LOOP
			PERFORM necp.enter(${SESSION.replace(':player', 'player')}, NULL, NULL, NULL, 'c', -1);
			FOR foe IN SELECT ${stack.foes} + (player - ${FIRST}) * ${FOES} + n FROM generate_series(0, ${foes - 1}) n LOOP
				PERFORM necp.combat_start(foe);
			END LOOP;
		END LOOP; END $$;`);
	const [n, first, last] = active();
	if (n !== 64 || last - first !== 63) throw new Error(`${n} fights, ${first} to ${last}`);
	return first;
}

// The n-th blow: of 64 clients at the same time, each at its own foes, or of one that is all 64 players by turns.
function attack(stack, fights, alone) {
	const [player, foe] = alone ? [':n % 64', ':n / 64'] : [':client_id', ':n'];
	return `\\set n :n + 1\n\\set player ${FIRST} + ${player}\n\\set combat ${fights} + ${player}
\\set target -(${stack.foes} + (${player}) * ${FOES} + ${foe})\n${routeStatement(stack, 'combat_attack', SESSION, ':combat', ':target')}`;
}

const deaths = (stack) => Number(stack.psql('SELECT count(*) FROM game.npc_deaths'));

async function lootKillEdge(stack) {
	makeTables(stack);
	await makeFoes(stack);
	let p99;
	const r = alternate(3,
		() => {
			const fights = startFights(stack, FOES / 2);
			const lua = playersLua(stack, 'kill.lua', FIRST, FOES / 2, `'POST', '/api/v1/combat/' .. ${fights} + player .. '/attack',
				headers, '{"target_id":' .. -(${stack.foes} + player * ${FOES} + turn) .. '}'`);
			const seen = stack.wrk(lua, '', { seconds: 1 });
			p99 = seen.p99_ms;
			return seen.rate;
		},
		() => stack.pgbench(stack.file('kill.sql', attack(stack, startFights(stack, FOES), false)), { seconds: 1, warm: 2, options: ['-D', 'n=-1'] }));
	const before = deaths(stack);
	const costs = cost(stack, 'kill', attack(stack, startFights(stack, Math.ceil(COST_RUNS / 64)), true));
	if (deaths(stack) - before !== COST_RUNS) throw new Error('not every blow has killed');
	return [result('loot_kill_edge', r.value, 'kills/s', r.reference, r.ratio, null, { p99_ms: p99, ...costs })];
}

export const lootCases = { loot_kill: lootKill, loot_kill_edge: lootKillEdge };
