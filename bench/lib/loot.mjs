// SPDX-License-Identifier: PostgreSQL
//
// What an NPC's death costs: the blow that kills it, as a command, and of that the loot alone: three
// levels of tables, pity, and the drop.
import { execFileSync } from 'node:child_process';
import { measureCost } from './cost.mjs';
import { alternate, routeStatement, SESSION } from './edge.mjs';
import { result } from './report.mjs';

const SECONDS = 5;
const PLAYERS = 64;
const EACH = 150; // NPCs of a player: more than it kills in a round
const ROUNDS = 3;
const ROUND_SECONDS = 4; // new connections plan every statement first
const wait = (seconds) => execFileSync('sleep', [String(seconds)]);

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

// NPCs of one hit point around the players, a weapon that fires as fast as it is asked to.
function makePrey(stack) {
	const prey = { templates: [{ code: 'bench_prey', name: 'Prey', tier: 0, level: 1, max_hp: 1, attack_damage: 0, walk_speed: 0, loot_table_code: 'bench_top', respawn_seconds: 1 }],
		spawns: Array.from({ length: PLAYERS * EACH }, (_, i) => ({ code: `bench_prey_${String(i).padStart(5, '0')}`, template: 'bench_prey', zone: 'lantern_ward', x: (i % 7) - 3, y: -40 + (i % 5) })) };
	// requests of one player overtake each other: no blow is too soon here
	stack.psql(`ALTER TABLE game.weapon_profiles DROP CONSTRAINT weapon_profiles_rpm_check; UPDATE game.weapon_profiles SET rpm = 100000; SELECT necp.content_import('npcs', $pack$${JSON.stringify(prey)}$pack$)`);
}

const ALIVE = `SELECT count(*), min(n.npc_id), max(n.npc_id) FROM live.zone_npcs n WHERE n.name = 'Prey' AND n.activity <> 'DEAD' AND n.combat_id = 0`;

// Everybody fights its own; {first}, the id of the first NPC, and the combat of each player.
function beginFights(stack) {
	// fights of the last round that nobody has ended go cold
	stack.psql(`SELECT necp.clock_advance('35 seconds'); SELECT necp.combat_expire()`);
	let count;
	let first;
	let last;
	for (let i = 0; i < 100; i++) {
		[count, first, last] = stack.psql(ALIVE).split('|').map(Number);
		if (count === PLAYERS * EACH) break;
		wait(0.2);
	}
	if (count !== PLAYERS * EACH || last - first + 1 !== count) throw new Error(`${count} of the NPCs live, from ${first} to ${last}`);
	const sessions = stack.players.slice(0, PLAYERS);
	stack.psql(`SET necpgame.rehearsal = on; DO $$ DECLARE ids uuid[] := '{${sessions.map((p) => p.session)}}'; BEGIN
		FOR p IN 1..${PLAYERS} LOOP PERFORM necp.enter(ids[p], NULL, NULL, NULL, 'c', -1);
			FOR k IN 0..${EACH - 1} LOOP PERFORM necp.combat_start(${first} + (p - 1) * ${EACH} + k); END LOOP; END LOOP; END $$`);
	const found = stack.psql(`SELECT entity_id, combat_id FROM game.combat_participants WHERE left_at IS NULL AND entity_id IN (${sessions.map((p) => p.character)})`).split('\n').map((line) => line.split('|'));
	return { first, combats: sessions.map((p) => Number(found.find(([id]) => id === p.character)[1])) };
}

const attack = (stack, session, combat, target) => routeStatement(stack, 'combat_attack', session, combat, target, 'NULL');

function killLua(stack, { first, combats }) {
	return stack.file('kill.lua', `
local tokens = {${stack.players.slice(0, PLAYERS).map((p) => `'${p.token}'`).join(',')}}
local combats = {${combats}}
local threads = 0
function setup(thread) thread:set('id', threads); threads = threads + 1 end
function init() n = -1 end
function request()
	n = n + 1
	local who = id * 32 + n % 32 + 1
	return wrk.format('POST', '/api/v1/combat/' .. combats[who] .. '/attack', {['Authorization'] = 'Bearer ' .. tokens[who], ['Content-Type'] = 'application/json'},
		'{"target_id":' .. -(${first} + (who - 1) * ${EACH} + math.floor(n / 32)) .. '}')
end
`);
}

// Each client is its own player; pgbench knows no arrays, so its combat is found by its place among these.
function killScript(stack, { first, combats }) {
	const combat = combats.reduceRight((rest, id, i) => `CASE WHEN :client_id = ${i} THEN ${id} ELSE ${rest} END`, '0');
	return stack.file('attack.sql', `\\set n :n + 1\n\\set player :client_id + 1\n\\set combat ${combat}\n\\set target -(${first} + :client_id * ${EACH} + :n)\n${attack(stack, SESSION, ':combat', ':target')}`);
}

async function lootKill(stack) {
	makeTables(stack);
	makePrey(stack);
	let p99;
	const r = alternate(ROUNDS,
		() => { const seen = stack.wrk(killLua(stack, beginFights(stack)), '/api/v1/inventory', { seconds: ROUND_SECONDS }); p99 = seen.p99_ms; return seen.rate; },
		() => stack.pgbench(killScript(stack, beginFights(stack)), { seconds: ROUND_SECONDS, options: ['-D', 'n=-1'] }));
	const fights = beginFights(stack);
	// the first two of each player are for the look inside
	const call = (n) => `${n === 0 ? 'SET necpgame.rehearsal = on; ' : ''}${attack(stack, `'${stack.players[n % PLAYERS].session}'::uuid`, fights.combats[n % PLAYERS],
		-(fights.first + (n % PLAYERS) * EACH + Math.floor(n / PLAYERS))).replace(';\n', '')}`;
	const { cost } = measureCost(stack, killScript(stack, fights), call, { seconds: ROUND_SECONDS, options: ['-D', 'n=1'] });
	return [result('loot_kill', r.value, 'kills/s', r.reference, r.ratio, 0.85, { p99_ms: p99, ...cost })];
}

async function lootFall(stack) {
	makeTables(stack);
	const zone = stack.psql('SELECT min(id) FROM game.zones');
	const me = stack.players[0].character;
	const script = stack.file('fall.sql', `\\set npc 1000001 + :client_id\n\\set life random(1, 1000000000000)\nSELECT necp.loot_fall('bench_top', :npc, :life, ${zone}, ${me});\n`);
	const options = { clients: 1, seconds: SECONDS, role: 'postgres', set: '-c synchronous_commit=off' };
	stack.pgbench(script, { ...options, seconds: 1 });
	const { rate, cost } = measureCost(stack, script, (life) => `SELECT necp.loot_fall('bench_top', 1000000, ${life + 1}, ${zone}, ${me})`, options);
	return [result('loot_fall', 1e6 / rate, 'us/kill', null, null, null, cost)];
}

export const lootCases = { loot_kill: lootKill, loot_fall: lootFall };
