// SPDX-License-Identifier: PostgreSQL
//
// What the players were told against what the database holds.
import { psql, rows } from './cluster.mjs';
import { contents, PREMIUM, SLOT_PRICE } from './players.mjs';
import { none, ok } from './tap.mjs';

const by = (list, field) => new Map(list.map((entry) => [entry[field], entry]));

async function readDrops() {
	return by(await rows(`
		SELECT d.id, d.status, d.credits, coalesce(held.quantity, 0) AS held, coalesce(moved.quantity, 0) AS moved,
			coalesce(moved.owners, '{}') AS owners, coalesce(told.events, 0) AS events, coalesce(told.characters, '{}') AS characters,
			coalesce(paid.transfers, 0) AS transfers, coalesce(paid.amount, 0) AS paid
		FROM game.world_drops d
		LEFT JOIN (SELECT container_id, sum(quantity) AS quantity FROM game.character_items GROUP BY 1) held USING (container_id)
		LEFT JOIN (SELECT m.cause_id, sum(m.quantity) AS quantity, array_agg(DISTINCT c.owner_id) AS owners
			FROM game.item_moves m LEFT JOIN game.containers c ON c.id = m.to_container_id AND c.kind = 'BACKPACK'
			WHERE m.cause = 'PICKUP' GROUP BY 1) moved ON moved.cause_id = d.id
		LEFT JOIN (SELECT aggregate_id, count(*) AS events, array_agg(DISTINCT character_id) AS characters
			FROM game.game_events WHERE type = 'ITEM_PICKED_UP' AND aggregate_type = 'DROP' GROUP BY 1) told ON told.aggregate_id = d.id
		LEFT JOIN (SELECT cause_id, count(*) AS transfers, sum(amount) AS amount
			FROM game.ledger_transfers WHERE cause = 'LOOT' GROUP BY 1) paid ON paid.cause_id = d.id
		WHERE d.source = 'CONTAINER'`), 'id');
}

// A drop was taken wholly, by one character, or not at all; the key's row agrees.
function checkDrops(drops, keysOfDrop, characterOf) {
	const wrong = [];
	for (const d of drops.values()) {
		const { scrap, pistol, credits } = contents(d.id);
		const keys = keysOfDrop.get(d.id) ?? [];
		const taken = d.status === 'LOOTED' && d.held === 0 && d.moved === scrap + pistol && d.owners.length === 1 && d.events === 1 + pistol
			&& d.characters.length === 1 && d.characters[0] === d.owners[0] && keys.length === 1 && characterOf.get(keys[0].account) === d.owners[0]
			&& d.transfers === (credits > 0 ? 1 : 0) && d.paid === credits;
		const untouched = d.status === 'ACTIVE' && d.held === scrap + pistol && d.moved === 0 && d.events === 0 && keys.length === 0 && d.transfers === 0;
		if (!taken && !untouched) wrong.push({ ...d, keys });
	}
	none(wrong, `each of ${drops.size} drops was taken wholly by one character, or not at all: status, items, moves, events, credits and key agree`);
}

function checkPickups(ledger, drops, stored) {
	const wrong = [];
	const acknowledged = ledger.commands.filter((c) => c.kind === 'pickup' && c.state === 'acknowledged');
	for (const c of acknowledged) {
		const drop = drops.get(c.drop);
		if (drop?.status !== 'LOOTED' || drop.owners[0] !== c.player.character || stored.get(c.key)?.response !== c.first)
			wrong.push({ key: c.key, drop, character: c.player.character, first: c.first, stored: stored.get(c.key)?.response });
	}
	none(wrong, `each of ${acknowledged.length} acknowledged pick-ups is in the database, with the answer that was given`);
	const takers = new Map();
	for (const c of acknowledged) takers.set(c.drop, (takers.get(c.drop) ?? 0) + 1);
	none([...takers].filter(([, n]) => n > 1), 'no drop was acknowledged to two players');
	// whoever was refused was refused rightly: somebody has it
	none(ledger.commands.filter((c) => c.kind === 'pickup' && c.state === 'refused' && drops.get(c.drop)?.status !== 'LOOTED').map((c) => c.drop),
		'who was told ALREADY_LOOTED was told the truth');
	none(ledger.commands.filter((c) => c.kind === 'pickup' && c.state === 'refused' && stored.has(c.key)).map((c) => c.key),
		'no refused pick-up was done all the same');
}

// Per character: what it holds is what its pick-ups brought. Here the database's own list of what
// was taken is the measure, which the checks before have held against the answers.
async function checkHoldings(ledger, drops) {
	const held = by(await rows(`
		SELECT b.character_id AS id, coalesce(sum(i.quantity) FILTER (WHERE t.code = 'copper_scrap'), 0) AS scrap,
			coalesce(sum(i.quantity) FILTER (WHERE t.code = 'rust_pistol'), 0) AS pistols,
			(SELECT balance FROM game.ledger_accounts a WHERE a.holder = 'WALLET' AND a.owner_id = b.character_id) AS credits,
			(SELECT p.progress FROM game.quest_progress p JOIN game.quest_objectives o ON o.id = p.objective_id
			 WHERE p.character_id = b.character_id AND o.code = 'collect_10_weapons') AS weapons
		FROM game.character_inventory b LEFT JOIN game.character_items i USING (container_id)
		LEFT JOIN game.item_templates t ON t.id = i.template_id GROUP BY 1`), 'id');
	const due = new Map(ledger.players.map((p) => [p.character, { scrap: p.kit.copper_scrap ?? 0, pistols: p.kit.rust_pistol ?? 0, credits: p.credits, weapons: 0 }]));
	for (const d of drops.values()) {
		const sum = d.status === 'LOOTED' ? due.get(d.owners[0]) : undefined;
		if (!sum) continue;
		const { scrap, pistol, credits } = contents(d.id);
		sum.scrap += scrap;
		sum.pistols += pistol;
		sum.credits += credits;
		sum.weapons = Math.min(10, sum.weapons + pistol);
	}
	const wrong = [...due].filter(([id, sum]) => Object.entries(sum).some(([what, n]) => held.get(id)?.[what] !== n)).map(([id, sum]) => ({ due: sum, held: held.get(id) }));
	none(wrong, `the backpack, the purse and the quest of each of ${due.size} characters hold exactly what was picked up`);
}

async function checkPurchases(ledger, stored) {
	const accounts = by(await rows(`
		SELECT a.id, coalesce(s.slots, 3) AS slots, p.balance AS premium,
			(SELECT count(*) FROM game.ledger_transfers t WHERE t.from_id = p.id AND t.cause = 'CHARACTER_SLOT') AS paid,
			(SELECT count(*) FROM game.idempotency_keys k WHERE k.account_id = a.id AND k.response::text LIKE '%"slots"%') AS keys
		FROM game.accounts a JOIN game.ledger_accounts p ON p.holder = 'PREMIUM' AND p.owner_id = a.id
		LEFT JOIN game.character_slots s ON s.account_id = a.id`), 'id');
	const wrong = [];
	let count = 0;
	for (const player of ledger.players) {
		const mine = ledger.commands.filter((c) => c.kind === 'purchase' && c.player === player);
		const done = mine.filter((c) => c.state === 'acknowledged').length;
		const unknown = mine.filter((c) => c.state === 'abandoned' && stored.has(c.key)).length;
		const a = accounts.get(player.account);
		const bought = a.slots - 3;
		count += done;
		if (bought !== done + unknown || a.paid !== bought || a.keys !== bought || a.premium !== PREMIUM - SLOT_PRICE * bought)
			wrong.push({ account: a, acknowledged: done, unknown });
	}
	none(wrong, `slots, premium, transfers and keys match ${count} acknowledged purchases exactly`);
	none(ledger.commands.filter((c) => c.kind === 'purchase' && c.state === 'acknowledged' && stored.get(c.key)?.response !== c.first).map((c) => c.key),
		'the answer of each purchase is stored as it was given');
}

async function checkQuests(ledger) {
	const found = by(await rows(`
		SELECT i.character_id || '/' || i.template_id AS name, count(DISTINCT i.id) AS instances, count(DISTINCT e.id) AS events, count(DISTINCT p.objective_id) AS objectives
		FROM game.quest_instances i JOIN game.quests q ON q.id = i.template_id AND q.code LIKE 'fault\\_%'
		LEFT JOIN game.game_events e ON e.type = 'QUEST_STARTED' AND e.aggregate_id = i.id
		LEFT JOIN game.quest_progress p ON p.quest_id = i.id AND p.character_id = i.character_id GROUP BY 1`), 'name');
	const quests = ledger.commands.filter((c) => c.kind === 'quest');
	const whole = (q) => q.instances === 1 && q.events === 1 && q.objectives === 1;
	const wrong = quests.filter((c) => {
		const q = found.get(`${c.player.character}/${c.template}`);
		return c.state === 'abandoned' ? q && !whole(q) : !q || !whole(q);
	});
	none(wrong.map((c) => ({ character: c.player.character, template: c.template, state: c.state })),
		`each of ${quests.filter((c) => c.state === 'acknowledged').length} quests said to be started is, once; the others wholly or not at all`);
	ok([...found.keys()].every((name) => quests.some((c) => name === `${c.player.character}/${c.template}`)), 'no quest was started that nobody asked for');
}

export async function verify(ledger) {
	const keys = await rows(`SELECT account_id AS account, key, response::text AS response FROM game.idempotency_keys`);
	const stored = by(keys, 'key');
	const keysOfDrop = new Map();
	for (const k of keys) {
		const drop = JSON.parse(k.response).drop_id;
		if (drop !== undefined) keysOfDrop.set(drop, [...(keysOfDrop.get(drop) ?? []), k]);
	}
	none(keys.length === stored.size ? [] : [keys.length - stored.size], 'no key has two answers');
	const drops = await readDrops();
	checkDrops(drops, keysOfDrop, new Map(ledger.players.map((p) => [p.account, p.character])));
	checkPickups(ledger, drops, stored);
	await checkHoldings(ledger, drops);
	await checkPurchases(ledger, stored);
	await checkQuests(ledger);
	const open = ledger.commands.filter((c) => c.state === 'open');
	none(open.map((c) => ({ kind: c.kind, attempts: c.attempts })), 'every command that was not given up came to an end');
	const violations = await psql('SELECT * FROM necp.integrity_check()');
	ok(violations === '', 'integrity_check() is empty', violations);
}
