// SPDX-License-Identifier: PostgreSQL
//
// The account after a round, when nobody acts: what the database says of itself, what plain SQL says of
// it, and what the players were told. Each returns what is wrong, as lines.
import { call } from '../../e2e/lib/api.mjs';
import { pause, rows } from '../../e2e/lib/sql.mjs';

const wrong = (found, what) => found.map((it) => `${what}: ${Object.entries(it).map((one) => one.join(' ')).join(', ')}`);

async function integrity() {
	return (await rows`SELECT * FROM necp.integrity_check()`).map((it) => `${it.check_name}: ${it.detail}`);
}

async function conservation() {
	const items = await rows`SELECT template_id, created, destroyed, held FROM
			(SELECT template_id, coalesce(sum(quantity) FILTER (WHERE kind = 'CREATE'), 0) AS created,
				coalesce(sum(quantity) FILTER (WHERE kind = 'DESTROY'), 0) AS destroyed FROM game.item_moves GROUP BY 1) m
		FULL JOIN (SELECT template_id, sum(quantity) AS held FROM game.character_items GROUP BY 1) h USING (template_id)
		WHERE coalesce(created, 0) - coalesce(destroyed, 0) <> coalesce(held, 0)`;
	const money = await rows`SELECT * FROM (SELECT currency,
			(SELECT coalesce(sum(t.amount), 0) FROM game.ledger_transfers t JOIN game.ledger_accounts f ON f.id = t.from_id WHERE f.holder = 'MINT' AND f.currency = a.currency) AS minted,
			(SELECT coalesce(sum(t.amount), 0) FROM game.ledger_transfers t JOIN game.ledger_accounts s ON s.id = t.to_id WHERE s.holder = 'SINK' AND s.currency = a.currency) AS sunk,
			sum(balance) AS held FROM game.ledger_accounts a WHERE holder NOT IN ('MINT', 'SINK') GROUP BY currency) r WHERE minted - sunk <> held`;
	const places = await rows`SELECT container_id, slot, count(*) FROM game.character_items GROUP BY 1, 2 HAVING count(*) > 1`;
	const stacks = await rows`SELECT i.id AS item, quantity, max_stack FROM game.character_items i JOIN game.item_templates t ON t.id = i.template_id WHERE quantity NOT BETWEEN 1 AND max_stack`;
	return [...wrong(items, 'items come from nowhere or are gone'), ...wrong(money, 'money comes from nowhere or is gone'),
		...wrong(places, 'two items in one place'), ...wrong(stacks, 'a stack is too large')];
}

// Each item that an answer named is where the life of its moves ends, with what they leave of it.
async function lives(run) {
	const known = new Map((await rows`
		WITH part AS (
			SELECT m.id, s.item_id, s.change, s.place FROM game.item_moves m, LATERAL (VALUES
				(m.item_id, CASE m.kind WHEN 'MOVE' THEN 0 WHEN 'CREATE' THEN m.quantity WHEN 'SPLIT' THEN m.quantity ELSE -m.quantity END,
					CASE WHEN m.kind IN ('CREATE', 'MOVE', 'SPLIT') THEN m.to_container_id END),
				(m.other_item_id, CASE m.kind WHEN 'SPLIT' THEN -m.quantity WHEN 'MERGE' THEN m.quantity END, NULL)) s (item_id, change, place)
			WHERE s.item_id IS NOT NULL AND s.change IS NOT NULL),
		life AS (SELECT item_id, sum(change) AS quantity, (array_agg(place ORDER BY id DESC) FILTER (WHERE place IS NOT NULL))[1] AS place FROM part GROUP BY 1)
		SELECT item_id, l.quantity, l.place, i.quantity AS held, i.container_id AS container FROM life l LEFT JOIN game.character_items i ON i.id = item_id`)
		.map((it) => [it.item_id, it]));
	const found = [];
	for (const id of run.named) {
		const it = known.get(id);
		if (!it) found.push(`item ${id} was named by an answer and never lived`);
		else if (it.held === null ? it.quantity !== 0 : it.held !== it.quantity || it.container !== it.place)
			found.push(`item ${id} is in ${it.container} with ${it.held}, its life ends in ${it.place} with ${it.quantity}`);
	}
	return found;
}

function compare(what, told, done) {
	const found = [];
	for (const id of new Set([...told.keys(), ...done.keys()]))
		if ((told.get(id) ?? 0) !== (done.get(id) ?? 0)) found.push(`${what} ${id}: the players were told ${told.get(id) ?? 0}, the database says ${done.get(id) ?? 0}`);
	return found;
}

const mapped = (list) => new Map(list.map((it) => [it.id, it.n]));

// What good answers say was done is what was done, each key once.
async function told(run) {
	await run.resolve();
	const moved = (cause, kind) => rows`SELECT item_id AS id, sum(quantity) AS n FROM game.item_moves WHERE cause = ${cause} AND kind = ${kind} GROUP BY 1`.then(mapped);
	const { used, destroyed, repaired, dropped, picked, looted, bought, split } = run.told;
	const drops = await rows`SELECT d.id, 1 AS n FROM game.world_drops d WHERE source = 'PLAYER'`.then(mapped);
	const taken = await rows`SELECT cause_id AS id, sum(quantity) AS n FROM game.item_moves WHERE cause = 'PICKUP' AND kind <> 'MERGE' GROUP BY 1`.then(mapped);
	const merged = await rows`SELECT cause_id AS id, sum(quantity) AS n FROM game.item_moves WHERE cause = 'PICKUP' AND kind = 'MERGE' GROUP BY 1`.then(mapped);
	for (const [id, n] of merged) taken.set(id, (taken.get(id) ?? 0) + n);
	const paid = await rows`SELECT t.cause_id || ' to ' || p.owner_id AS id, sum(t.amount) AS n FROM game.ledger_transfers t JOIN game.ledger_accounts p ON p.id = t.to_id WHERE t.cause = 'LOOT' GROUP BY 1`.then(mapped);
	// a share is paid when the first one comes: the others are told by a push, not by an answer
	const owed = new Map([...looted].filter(([id, n]) => n > (paid.get(id) ?? 0)));
	const repairs = await rows`SELECT cause_id AS id, sum(amount) AS n FROM game.ledger_transfers WHERE cause = 'REPAIR' GROUP BY 1`.then(mapped);
	const slots = await rows`SELECT p.owner_id AS id, count(*) AS n FROM game.ledger_transfers t JOIN game.ledger_accounts p ON p.id = t.from_id WHERE cause = 'CHARACTER_SLOT' GROUP BY 1`.then(mapped);
	const splits = await rows`SELECT item_id || ' of ' || other_item_id AS id, sum(quantity) AS n FROM game.item_moves WHERE cause = 'SPLIT' AND kind = 'SPLIT' GROUP BY 1`.then(mapped);
	return [...compare('uses of', used, await moved('USE', 'DESTROY')), ...compare('destruction of', destroyed, await moved('DESTROY', 'DESTROY')),
		...compare('repair of', repaired, repairs), ...compare('player drop', dropped, drops), ...compare('items of drop', picked, taken),
		...compare('credits of drop', owed, new Map([...owed.keys()].map((id) => [id, paid.get(id) ?? 0]))), ...compare('slots of account', bought, slots), ...compare('split', split, splits)];
}

const inOrder = (items) => items.map((it) => `${it.item_id}×${it.quantity}`).sort().join(' ');

async function holdings(run) {
	const stored = new Map();
	for (const it of await rows`SELECT c.owner_id AS owner, c.kind, i.id AS item_id, i.quantity FROM game.character_items i JOIN game.containers c ON c.id = i.container_id WHERE c.kind IN ('BACKPACK', 'EQUIPPED', 'BANK')`) {
		const name = `${it.kind} ${it.owner}`;
		stored.set(name, [...(stored.get(name) ?? []), it]);
	}
	const purses = new Map((await rows`SELECT owner_id AS id, balance AS n FROM game.ledger_accounts WHERE holder = 'WALLET'`).map((it) => [it.id, it.n]));
	const found = [];
	run.compared = 0;
	for (const player of run.players.filter((it) => !it.out && it.selected)) {
		const read = async (path) => (await call('GET', path, { token: player.token, expect: null })).body;
		const [pack, worn, bank] = [await read('/inventory'), await read('/inventory/equipment'), await read('/inventory/bank')];
		if (pack.code || worn.code || bank.code) continue; // the session or the character may be gone
		run.compared++;
		const pairs = [['BACKPACK', player.character_id, pack.items], ['EQUIPPED', player.character_id, worn.slots.flatMap((it) => it.item ?? [])], ['BANK', player.account_id, bank.items]];
		for (const [kind, owner, items] of pairs) {
			const rows = stored.get(`${kind} ${owner}`) ?? [];
			if (inOrder(items) !== inOrder(rows)) found.push(`${kind} of ${owner} (${player.username}) is told as ${inOrder(items)}, stored as ${inOrder(rows)}`);
		}
		if (pack.credits !== purses.get(player.character_id)) found.push(`wallet of ${player.character_id} is told as ${pack.credits}, stored as ${purses.get(player.character_id)}`);
	}
	return found;
}

async function parties(run) {
	const list = await rows`SELECT p.id, p.leader_id AS leader, p.raid, p.capacity,
			(SELECT json_agg(m.character_id ORDER BY m.character_id) FROM game.party_members m WHERE m.party_id = p.id) AS members
		FROM game.parties p WHERE p.status = 'ACTIVE'`;
	const found = [];
	const of = new Map();
	for (const { id, leader, raid, capacity, members } of list) {
		if (!members?.includes(leader)) found.push(`party ${id} is led by ${leader}, its members are ${members}`);
		if ((members?.length ?? 0) > (raid ? 15 : 5) || members?.length > capacity) found.push(`party ${id} has ${members.length} members`);
		for (const one of members ?? []) {
			if (of.has(one)) found.push(`character ${one} is in the parties ${of.get(one).id} and ${id}`);
			of.set(one, { id, leader, members });
		}
	}
	for (const player of run.players.filter((it) => !it.out && it.selected)) {
		const { status, body } = await call('GET', '/party', { token: player.token, expect: null });
		const stored = of.get(player.character_id);
		if (status === 200 ? body.party_id !== stored?.id || body.leader_id !== stored.leader || String(body.members.map((it) => it.character_id).sort((a, b) => a - b)) !== String(stored.members)
			: body.code === 'NOT_FOUND' && stored) found.push(`the party of ${player.character_id} is told as ${JSON.stringify(body)}, stored as ${JSON.stringify(stored)}`);
	}
	return found;
}

// The world goes on by itself (who is gone too long leaves his party, NPCs kill): what compares two
// readings is read again before it is believed.
async function steady(check, run) {
	let found = [];
	for (let i = 0; i < 3; i++) {
		found = await check(run);
		if (found.length === 0) break;
		await pause(500);
	}
	return found;
}

export async function settleAccount(run) {
	const found = [];
	for (const check of [integrity, conservation, lives, told]) found.push(...await check(run));
	for (const check of [holdings, parties]) found.push(...await steady(check, run));
	if (found.length > 0) run.fail(`${found.length} things are wrong:\n${found.slice(0, 20).join('\n')}`);
}
