// SPDX-License-Identifier: PostgreSQL
//
// What an NPC's death costs where loot begins: three levels of tables, pity, and the drop.
import { execFileSync } from 'node:child_process';
import { result } from './report.mjs';

const SECONDS = 5;
const TRACED = 100;

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

// Statements that the rule runs inside a kill, as auto_explain tells them.
function statements(stack, kill) {
	const script = stack.file('traced.sql', `LOAD 'auto_explain'; SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = 'notice';
		${kill(0)}; SET auto_explain.log_min_duration = 0;\n` + Array.from({ length: TRACED }, (_, i) => `${kill(i + 1)};\n`).join(''));
	const told = execFileSync('sh', ['-c', '"$0" -h "$1" -p "$2" -U postgres -XqAt -d necpgame -f "$3" 2>&1', `${stack.pgbin}/psql`, `${stack.dir}/run`, String(stack.port), script], { maxBuffer: 1 << 28 }).toString();
	const all = told.match(/duration: /g)?.length ?? 0;
	return (all - TRACED) / TRACED;
}

async function lootKill(stack) {
	makeTables(stack);
	const zone = stack.psql('SELECT min(id) FROM game.zones');
	const me = stack.players[0].character;
	const nested = statements(stack, (life) => `SELECT necp.loot_fall('bench_top', 1000000, ${life + 1}, ${zone}, ${me})`);
	const script = stack.file('kill.sql', `\\set npc 1000001 + :client_id\n\\set life random(1, 1000000000000)\nSELECT necp.loot_fall('bench_top', :npc, :life, ${zone}, ${me});\n`);
	const counts = () => stack.psql(`SELECT pg_stat_force_next_flush(); SELECT count(*), pg_current_wal_insert_lsn() - '0/0' FROM game.world_drops`).split('\n').at(-1).split('|').map(Number);
	stack.pgbench(script, { clients: 1, seconds: 1, role: 'postgres', set: '-c synchronous_commit=off' });
	const [drops, lsn] = counts();
	const rate = stack.pgbench(script, { clients: 1, seconds: SECONDS, role: 'postgres', set: '-c synchronous_commit=off' });
	const [after, end] = counts();
	return [result('loot_kill', 1e6 / rate, 'us/kill', null, null, null,
		{ statements: nested, wal_bytes: Math.round((end - lsn) / (after - drops)) })];
}

export const lootCases = { loot_kill: lootKill };
