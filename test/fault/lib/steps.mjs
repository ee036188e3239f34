// SPDX-License-Identifier: PostgreSQL
//
// A crash after each statement of a command, one after the other: what takes credits and gives items
// happens wholly, or not at all, and a retry with the same key finds out which.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import * as cluster from './cluster.mjs';
import { layDrops } from './players.mjs';
import { none, note, ok } from './tap.mjs';

const MOST = 80;

// The statement that the edge prepares, with its values in it.
async function statement(method, path, player, key, values) {
	const [route] = await cluster.rows(`SELECT statement, params FROM necp.edge_routes() WHERE method = '${method}' AND path = '${path}'`);
	const literals = [`'${player.session}'`, `'${key}'`, `'\\x${'00'.repeat(32)}'`, 'NULL', ...route.params.map((p) => (values[p.name] === undefined ? 'NULL' : `'${values[p.name]}'`))];
	return route.statement.replace(/\$(\d+)/g, (_, n) => literals[n - 1]);
}

// Runs it in a session that dies after so many statements; {pid, answer}, answer null if it died.
function run(sql, steps) {
	const script = `SELECT pg_backend_pid(); SET necpgame.crash_at_statement = ${steps}; ${sql};`;
	return new Promise((resolve) => {
		const child = execFile(cluster.psqlPath, [...cluster.psqlArgs, '-f', '-'], (error, out) => {
			const [pid, answer] = out.trim().split('\n');
			resolve({ pid: Number(pid), answer: error ? null : answer, refused: error && /NC\d|ERROR/.test(error.message) && !/terminat|closed|recovery/.test(error.message) ? error.message : null });
		});
		child.stdin.end(script);
	});
}

// What the command may change, as text.
const digest = (player, drop) => cluster.psql(`
	SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
		SELECT 'item ' || i.id || ' ' || i.container_id || ' ' || i.quantity || ' ' || i.durability AS line FROM game.character_items i JOIN game.containers k ON k.id = i.container_id
		WHERE k.owner_id IN (${player.character}, ${player.account}) AND k.kind IN ('BACKPACK', 'EQUIPPED', 'BANK', 'HELD') OR k.kind = 'DROP' AND k.owner_id = ${drop}
		UNION ALL SELECT 'purse ' || holder || ' ' || balance FROM game.ledger_accounts WHERE owner_id IN (${player.character}, ${player.account}) AND balance IS NOT NULL
		UNION ALL SELECT 'drop ' || status || ' ' || credits FROM game.world_drops WHERE id = ${drop}
		UNION ALL SELECT 'slots ' || slots || ' ' || used FROM game.character_slots WHERE account_id = ${player.account}
		UNION ALL SELECT 'quest ' || p::text FROM game.quest_progress p JOIN game.quest_instances q ON q.id = p.quest_id WHERE q.character_id = ${player.character}
		UNION ALL SELECT 'moves ' || count(*) FROM game.item_moves
		UNION ALL SELECT 'transfers ' || count(*) FROM game.ledger_transfers
		UNION ALL SELECT 'history ' || count(*) FROM game.loot_history WHERE character_id = ${player.character}) s`);

const stands = (player) => cluster.until(async () => (await cluster.psql(`SELECT count(*) FROM live.zone_players WHERE character_id = ${player.character}`)) === '1', 30);

async function crashThrough(name, player, drop, method, path, values, killed) {
	const key = randomUUID();
	const sql = await statement(method, path, player, key, values);
	const partial = [];
	const before = await digest(player, drop);
	let steps = 1;
	for (; steps <= MOST; steps++) {
		await stands(player);
		const { pid, answer, refused } = await run(sql, steps);
		if (refused) throw new Error(`${name}: ${refused}`);
		if (answer !== null) break;
		killed.add(pid);
		await cluster.until(() => cluster.psql('SELECT 1'), 30);
		const after = await digest(player, drop);
		if (after !== before) partial.push(`after ${steps} statements`);
	}
	ok(steps > 5 && steps <= MOST, `${name}: killed after each of its statements (${steps - 1})`, `${steps}`);
	none(partial, `${name}: nothing of it was there before its commit`);
	const done = await digest(player, drop);
	ok(done !== before, `${name}: then it is done`);
	const { answer } = await run(sql, 0);
	ok(answer !== null && (await digest(player, drop)) === done, `${name}: once, as the same key is told`);
	note(`${name}: ${steps - 1} crashes`);
}

export async function crashAtEachStatement(ledger, killed) {
	const player = ledger.players.at(-1);
	let drop = 1;
	while (drop % 20 !== 0) [drop] = await layDrops(1); // one with scrap, a pistol and credits
	await crashThrough('pick-up of items and credits', player, drop, 'POST', '/loot/pickup', { drop_id: drop }, killed);
	const [worn] = await cluster.rows(`SELECT i.id FROM game.character_items i JOIN game.item_templates t ON t.id = i.template_id JOIN game.character_inventory b USING (container_id)
		WHERE b.character_id = ${player.character} AND t.code = 'rust_pistol' LIMIT 1`);
	await cluster.psql(`UPDATE game.character_items SET durability = 40 WHERE id = ${worn.id}`);
	await crashThrough('repair for credits', player, drop, 'POST', '/inventory/items/{item_id}/repair', { item_id: worn.id }, killed);
	await crashThrough('a slot for premium', player, drop, 'POST', '/characters/slots/purchase', {}, killed);
	none(await cluster.rows('SELECT * FROM necp.integrity_check()'), 'integrity_check() is empty after all these crashes');
}
