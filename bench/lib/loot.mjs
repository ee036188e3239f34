// SPDX-License-Identifier: PostgreSQL
//
// What an NPC's death costs where loot begins: three levels of tables, pity, and the drop.
import { measureCost } from './cost.mjs';
import { result } from './report.mjs';

const SECONDS = 5;

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
	const script = stack.file('kill.sql', `\\set npc 1000001 + :client_id\n\\set life random(1, 1000000000000)\nSELECT necp.loot_fall('bench_top', :npc, :life, ${zone}, ${me});\n`);
	const options = { clients: 1, seconds: SECONDS, role: 'postgres', set: '-c synchronous_commit=off' };
	stack.pgbench(script, { ...options, seconds: 1 });
	const { rate, cost } = measureCost(stack, script, (life) => `SELECT necp.loot_fall('bench_top', 1000000, ${life + 1}, ${zone}, ${me})`, options);
	return [result('loot_kill', 1e6 / rate, 'us/kill', null, null, null, cost)];
}

export const lootCases = { loot_kill: lootKill };
