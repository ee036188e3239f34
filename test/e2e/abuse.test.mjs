// SPDX-License-Identifier: PostgreSQL
//
// What players try (DOMAIN §33), on every route that the API describes: a route that comes later is
// tried as well, and asks here for what only its room can know.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { call, nobody } from './lib/api.mjs';
import { document } from './lib/openapi.mjs';
import { row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost } from './lib/suite.mjs';
import { makeDrop, makeYard, PASSWORD, Player, unique } from './lib/world.mjs';

const resolve = (it) => (it.$ref ? resolve(it.$ref.slice(2).split('/').reduce((at, name) => at[name], document)) : it);

// Every parameter of an operation: {name, in, required, types, format}.
function parametersOf(operation) {
	const body = operation.requestBody && resolve(operation.requestBody).content['application/json'].schema;
	const all = [
		...(operation.parameters ?? []).map(resolve).filter((it) => it.in !== 'header').map((it) => ({ ...it, ...resolve(it.schema) })),
		...Object.entries(body?.properties ?? {}).map(([name, it]) => ({ name, in: 'body', required: body.required?.includes(name), ...resolve(it) })),
	];
	return all.map((it) => ({ ...it, types: [it.type].flat() }));
}

const operations = Object.entries(document.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({
	name: `${method.toUpperCase()} ${path}`,
	method: method.toUpperCase(),
	path,
	auth: operation['x-auth'],
	keyed: (operation.parameters ?? []).map(resolve).some((it) => it.name === 'Idempotency-Key'),
	parameters: parametersOf(operation),
})));

// Something of the right type, for parameters that are not what is tried.
function plausible({ name, types, format, enum: values }) {
	if (name.includes('password')) return 'Nobodys-Horse-7'; // a good one, and wrong
	if (values) return values[0];
	if (name === 'vote') return 'PASS';
	if (format === 'uuid') return randomUUID();
	return { integer: 1, number: 1, string: 'x', boolean: true, array: [], object: {} }[types[0]];
}

/*
 * The request of an operation: parameters as given, others that are required as is plausible. Text in
 * raw goes into the body as it is, for numbers that JavaScript cannot hold.
 */
function request({ path, parameters, keyed }, given = {}, raw = {}) {
	const body = {};
	const query = new URLSearchParams();
	let filled = path;
	for (const it of parameters) {
		const value = it.name in given ? given[it.name] : it.required ? plausible(it) : undefined;
		if (value === undefined) continue;
		if (it.in === 'path') filled = filled.replace(`{${it.name}}`, encodeURIComponent(value));
		else if (it.in === 'query') query.set(it.name, value);
		else body[it.name] = value;
	}
	const members = Object.entries(body).map(([name, value]) => `${JSON.stringify(name)}:${raw[name] ?? JSON.stringify(value)}`);
	const search = query.size > 0 ? `?${query}` : '';
	return { path: filled + search, options: { ...(members.length > 0 && { raw: `{${members.join(',')}}` }), ...(keyed && { key: randomUUID() }) } };
}

// Resolves to {status, code, body}, whatever it is; the answer is checked against the description.
async function attempt({ method }, { path, options }, token, more = {}) {
	const { status, body } = await call(method, path, { token, ...options, ...more, expect: null });
	return { status, code: body?.code, body };
}

// Table → what is in it; without those that the clock changes, as players' silence is noted there.
const OF_THE_CLOCK = ['player_positions', 'player_sessions', 'teleport_discoveries'];
async function everything() {
	const tables = await rows`SELECT relname AS name FROM pg_class WHERE relnamespace = 'game'::regnamespace AND relkind = 'r' ORDER BY 1`;
	const parts = tables.filter(({ name }) => !OF_THE_CLOCK.includes(name)).map(({ name }) =>
		`SELECT '${name}' AS name, md5(coalesce(string_agg("the row"::text, '' ORDER BY "the row"::text), '')) AS content FROM game."${name}" "the row"`);
	return rows([parts.join(' UNION ALL ')]);
}

let owner;
let stranger;
let newcomer; // without a character
const belongings = {};

/*
 * What ids there are, by the parameter's name: of things that belong to somebody, the owner's, which the
 * stranger tries; of what is everybody's, true.
 */
const COMMON = ['zone_id', 'npc_id', 'template_id', 'target_id', 'cursor', 'container_id', 'teleport_id'];
const SHARED = ['combat_id', 'roll_id']; // who is not in it is told so: 403

before(async () => {
	const yard = await makeYard({ at: [1, 5], max_hp: 100 });
	owner = await Player.enter({ zone: yard.zone });
	stranger = await Player.enter();
	newcomer = await Player.register();
	await owner.connect();
	belongings.drop_id = await makeDrop(owner, yard.npcs[0]);
	belongings.roll_id = await makeRoll(belongings.drop_id);
	belongings.combat_id = (await owner.post('/combat/start', { npc_id: yard.npcs[1] })).combat_id;
	// blows are written a second later, and told of at the end of their fight
	await until(async () => (await row`SELECT NOT EXISTS (SELECT FROM game.combat_sessions WHERE ended_at IS NOT NULL AND NOT told)
		AND (SELECT waiting = 0 FROM live.damage_log) AS written`).written, 'the log to be written');
	belongings.character_id = owner.character_id;
	belongings.session_id = owner.session_id;
	belongings.quest_id = (await owner.get('/quests/active')).items[0].quest_id;
	const { items } = await owner.get('/inventory');
	belongings.item_id = items[0].item_id;
	belongings.into_item_id = items[1].item_id;
	const friend = await Player.enter();
	await friend.post('/party');
	belongings.invite_id = (await friend.post('/party/invite', { character_id: owner.character_id })).invite_id;
	belongings.notification_id = (await owner.get('/notifications')).items[0].notification_id;
});

// Dice for the first item of a drop, as long as the tests run.
async function makeRoll(drop_id) {
	await sql`WITH made AS (
			INSERT INTO game.loot_rolls (drop_id, item_id, template_id, quantity, started_at, deadline)
			SELECT d.id, i.id, i.template_id, i.quantity, necp.now(), necp.now() + interval '1 hour'
			FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = ${drop_id} ORDER BY i.slot LIMIT 1 RETURNING *
		) INSERT INTO game.drop_items (item_id, drop_id, claim) SELECT item_id, drop_id, 'ROLL' FROM made`;
	const { id } = await row`SELECT id FROM game.loot_rolls WHERE drop_id = ${drop_id}`;
	return id;
}

after(() => owner.realtime?.close());

test('every route but the public ones wants a token, and a character where it says so', async () => {
	for (const operation of operations.filter((it) => it.auth !== 'public')) {
		const given = Object.fromEntries(operation.parameters.filter((it) => it.in === 'path').map((it) => [it.name, plausible(it)]));
		assert.equal((await attempt(operation, request(operation, given))).code, 'UNAUTHENTICATED', operation.name);
		if (operation.auth === 'character') assert.equal((await attempt(operation, request(operation, given), newcomer.token)).code, 'NO_ACTIVE_CHARACTER', operation.name);
	}
});

// What JSON can say and this API's reader can hold; anything else has no fields yet.
const READABLE = /^(true|"5"|\[1\]|\{\}|1\.5|1e3|-?2147483\d{3})$/;
const isInteger = (it) => it.types.includes('integer');

test('9: a number is a whole number that fits, wherever one is taken', async () => {
	const before = await everything();
	let tried = 0;
	for (const operation of operations)
		for (const it of operation.parameters.filter(isInteger)) {
			const wrong = it.in === 'body' ? ['1.5', '"5"', '9223372036854775808', '1e3', 'true', '[1]', '{}', '-1e400', '18446744073709551617', '+1', '01', 'NaN']
				: ['1.5', '"5"', '9223372036854775808', '1e3', 'true', 'NaN', '0x1', '1;2', '+1', '١'];
			if (it.format === 'int32') wrong.push('2147483648', '-2147483649');
			for (const value of wrong) {
				const given = { ...belongings, [it.name]: it.in === 'body' ? 1 : value };
				const { status, code, body } = await attempt(operation, request(operation, given, { [it.name]: value }), owner.token);
				assert.equal(status, 400, `${operation.name} ${it.name}=${value}: ${code}`);
				assert.equal(code, 'VALIDATION');
				if (READABLE.test(value) || it.in !== 'body') assert.equal(body.field, it.name, `${operation.name} ${it.name}=${value}`);
				tried++;
			}
		}
	assert.ok(tried > 100, `${tried} were tried`);
	assert.deepEqual(await everything(), before, 'nothing moves');
});

const AMOUNTS = /^(quantity|amount|count|price|credits|premium|bid|buyout|cod)/;

test('9: an amount is at least one, wherever one is taken; a page has 1 to 100 items', async () => {
	for (const operation of operations)
		for (const it of operation.parameters.filter(isInteger)) {
			const values = it.name === 'limit' ? ['0', '-1', '101', '2147483647'] : AMOUNTS.test(it.name) ? ['0', '-1', '2147483648', '9007199254740993'] : [];
			for (const value of values) {
				const { status, code } = await attempt(operation, request(operation, { ...belongings, [it.name]: value }, { [it.name]: value }), owner.token);
				assert.equal(status, 400, `${operation.name} ${it.name}=${value}: ${code}`);
			}
		}
});

test('26: ids of others and of nothing are not found, and nothing changes', async () => {
	const before = await everything();
	let tried = 0;
	for (const operation of operations) {
		const ids = operation.parameters.filter((it) => it.required && /_id$/.test(it.name));
		const first = ids[0];
		if (!first) continue;
		for (const { name } of ids) assert.ok(name in belongings || COMMON.includes(name), `${operation.name}: is a ${name} somebody's? Say so in this file.`);
		const unknown = { ...belongings, [first.name]: { uuid: randomUUID(), int32: 2000000000 }[first.format] ?? 999999999999 };
		const nothing = await attempt(operation, request(operation, unknown), stranger.token);
		assert.equal(nothing.status, 404, `${operation.name}, unknown: ${nothing.code}`);
		for (const value of first.format === 'uuid' ? [] : [0, -1]) {
			const { status, code } = await attempt(operation, request(operation, { ...belongings, [first.name]: value }), stranger.token);
			assert.ok(status === 404 || status === 400, `${operation.name}, ${value}: ${code}`);
		}
		tried++;
		if (!(first.name in belongings)) continue;
		const { status, code } = await attempt(operation, request(operation, belongings), stranger.token);
		assert.equal(status, SHARED.includes(first.name) ? 403 : 404, `${operation.name}, somebody else's: ${code}`);
	}
	assert.ok(tried >= 10);
	assert.deepEqual(await everything(), before);
	for (const who of [owner, stranger]) assert.equal((await who.get('/session')).character_id, who.character_id, 'sessions go on');
});

test('26: over STOMP as well', async () => {
	await stranger.connect();
	for (const operation of operations.filter((it) => it.method === 'POST' && it.parameters.some((one) => one.required && one.name in belongings))) {
		const { path, options } = request(operation, belongings);
		const refused = await stranger.realtime.send(path, options.raw && JSON.parse(options.raw), { key: options.key }).then(() => ({ status: 200 }), (error) => error);
		const first = operation.parameters.find((it) => it.required && /_id$/.test(it.name));
		assert.equal(refused.status, SHARED.includes(first.name) ? 403 : 404, `${operation.name}: ${refused.code ?? refused.message}`);
	}
	await stranger.realtime.close();
});

/*
 * A request of each keyed route that does something, made for a new player: {player, given, other}; other
 * are parameters of another request, where the route has any.
 */
const RECIPES = {
	'POST /characters/slots/purchase': async () => {
		const player = await Player.register();
		await sql`SELECT necp.ledger_mint('PREMIUM', ${player.account_id}, 'premium', 5000, 'E2E')`;
		return { player, given: {} };
	},
	'POST /loot/pickup': async () => {
		const yard = await makeYard({ at: [1] });
		const player = await Player.enter({ zone: yard.zone });
		const drop_id = await makeDrop(player, yard.npcs[0]);
		return { player, given: { drop_id }, other: { drop_id: drop_id + 1 } };
	},
	'POST /loot/drops/{drop_id}/assign': async () => {
		const yard = await makeYard({ at: [1] });
		const player = await Player.enter({ zone: yard.zone });
		const drop_id = await makeDrop(player, yard.npcs[0]);
		await sql`UPDATE game.world_drops SET mode = 'MASTER_LOOTER', master_id = ${player.character_id}, assign_until = necp.now() + interval '1 hour' WHERE id = ${drop_id}`;
		const { item_id } = await row`SELECT i.id AS item_id FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = ${drop_id} LIMIT 1`;
		await sql`INSERT INTO game.drop_items (item_id, drop_id, claim) VALUES (${item_id}, ${drop_id}, 'MASTER')`;
		return { player, given: { drop_id, item_id, character_id: player.character_id }, other: { drop_id, item_id, character_id: player.character_id + 1 } };
	},
	'POST /loot/containers/{container_id}/open': async () => {
		const yard = await makeYard({ at: [1] });
		const player = await Player.enter({ zone: yard.zone });
		const code = unique('crate');
		await sql`INSERT INTO game.loot_containers (code, name, zone_id, x, y, loot_table_code, refill_s) VALUES (${code}, 'Crate', ${yard.zone_id}, 1, 0, 'proving_ground', 3600)`;
		const { id } = await row`SELECT id FROM game.loot_containers WHERE code = ${code}`;
		return { player, given: { container_id: id } };
	},
	'POST /zones/teleports/{teleport_id}/use': async () => {
		const player = await Player.enter();
		const { id } = await row`SELECT id FROM game.teleports WHERE code = 'steppe_mast'`;
		await sql`INSERT INTO game.teleport_discoveries VALUES (${player.character_id}, ${id}, necp.now())`;
		return { player, given: { teleport_id: id } };
	},
	'POST /inventory/use': () => withKit('field_dressing'),
	'POST /inventory/drop': () => withKit('pistol_rounds', { quantity: 10 }, { quantity: 11 }),
	'POST /inventory/items/{item_id}/split': () => withKit('pistol_rounds', { quantity: 10 }, { quantity: 11 }),
	'POST /inventory/items/{item_id}/merge': async () => {
		const { player, given } = await withKit('pistol_rounds');
		const part = await player.command(`/inventory/items/${given.item_id}/split`, { quantity: 20 });
		return { player, given: { ...given, into_item_id: part.item_id, quantity: 5 }, other: { ...given, into_item_id: part.item_id, quantity: 6 } };
	},
	'POST /inventory/items/{item_id}/destroy': () => withKit('pistol_rounds', { quantity: 10 }, { quantity: 11 }),
	'POST /inventory/items/{item_id}/repair': async () => {
		const { player, given } = await withKit('rust_pistol');
		await sql`UPDATE game.character_items SET durability = 50 WHERE id = ${given.item_id}`;
		return { player, given };
	},
	'POST /progression/respec': async () => {
		const player = await Player.enter();
		await sql`SELECT necp.progression_gain(${player.character_id}, 1000, 'E2E', 1)`;
		await sql`SELECT necp.ledger_mint('WALLET', ${player.character_id}, 'credits', 10000, 'E2E')`;
		await player.post('/progression/attributes/spend', { attribute: 'body' });
		return { player, given: {} };
	},
	'POST /inventory/bank/deposit': () => withKit('pistol_rounds', { quantity: 10 }, { quantity: 11 }),
	'POST /inventory/bank/withdraw': async () => {
		const { player, given } = await withKit('pistol_rounds');
		const bank = await player.command('/inventory/bank/deposit', { item_id: given.item_id });
		return { player, given: { item_id: bank.items[0].item_id, quantity: 10 }, other: { item_id: bank.items[0].item_id, quantity: 11 } };
	},
};

// A new player and an item of its kit; other: the same with other parameters.
async function withKit(code, more = {}, others) {
	const player = await Player.enter();
	const { item_id } = (await player.get('/inventory')).items.find((it) => it.code === code);
	return { player, given: { item_id, ...more }, other: others && { item_id, ...others } };
}
const keyed = operations.filter((it) => it.keyed);
// of the player's own purses: others' journeys end, and are paid, meanwhile
const effects = async (player) => row`SELECT (SELECT count(*) FROM game.ledger_transfers t WHERE EXISTS (SELECT FROM game.ledger_accounts a
		WHERE a.id IN (t.from_id, t.to_id) AND a.owner_id IN (${player.account_id}, ${player.character_id ?? 0}))) AS transfers, (SELECT count(*) FROM game.item_moves) AS moves,
	(SELECT count(*) FROM game.game_events WHERE account_id = ${player.account_id}) AS events`;

test('22: a double click does a thing once, and every click that is answered gets the same answer', async () => {
	for (const operation of keyed) {
		assert.ok(RECIPES[operation.name], `${operation.name}: say in this file how it is done`);
		const { player, given } = await RECIPES[operation.name]();
		const same = request(operation, given);
		const before = await effects(player);
		const clicks = await Promise.all(Array.from({ length: 8 }, () => attempt(operation, same, player.token)));
		const good = clicks.filter((it) => it.status < 300);
		for (const it of clicks.filter((it) => it.status >= 300)) assert.equal(it.code, 'IN_PROGRESS', operation.name);
		assert.ok(good.length >= 1);
		for (const it of good) assert.deepEqual(it, good[0]);
		const once = await effects(player);
		assert.notDeepEqual(once, before, `${operation.name} does something`);
		assert.deepEqual(await attempt(operation, same, player.token), good[0], 'and so does a replay');
		assert.deepEqual(await effects(player), once, `${operation.name} is done once`);
		await player.login();
		if (player.character_id) await player.select();
		assert.deepEqual((await attempt(operation, same, player.token)).body, good[0].body, 'a new session of the account as well');
	}
});

test('25: a key is one request of one account; without one nothing is done', async () => {
	for (const operation of keyed) {
		const { player, given, other } = await RECIPES[operation.name]();
		const bad = async (key) => attempt(operation, request(operation, given), player.token, { key });
		for (const key of [undefined, '', 'x', '00000000-0000-0000-0000-00000000000', `${randomUUID()},${randomUUID()}`]) {
			const { code, body } = await bad(key);
			assert.deepEqual([code, body.field], ['VALIDATION', 'Idempotency-Key'], `${operation.name}, key ${key}`);
		}
		const same = request(operation, given);
		const first = await attempt(operation, same, player.token);
		assert.ok(first.status < 300, `${operation.name}: ${first.code}`);
		const done = await effects(player);
		if (other) assert.equal((await attempt(operation, { ...request(operation, other), options: { ...request(operation, other).options, key: same.options.key } }, player.token)).code, 'IDEMPOTENCY_KEY_REUSED');
		for (const another of keyed.filter((it) => it.name !== operation.name)) {
			const reused = await attempt(another, request(another), owner.token === player.token ? owner.token : player.token, { key: same.options.key });
			assert.ok(['IDEMPOTENCY_KEY_REUSED', 'NO_ACTIVE_CHARACTER'].includes(reused.code), `${another.name} with the key of ${operation.name}: ${reused.code}`);
		}
		const thief = await attempt(operation, same, stranger.token);
		assert.notDeepEqual(thief.body, first.body, 'the answer is not for others');
		assert.ok(thief.status >= 400 && thief.code !== 'IDEMPOTENCY_KEY_REUSED', `${operation.name}: their key is theirs: ${thief.code}`);
		assert.deepEqual(await effects(player), done);
	}
});

test('29: of many logins at once one session lives, and one token', async () => {
	const player = await Player.register();
	const given = await Promise.all(Array.from({ length: 6 }, () => nobody.post('/auth/login', { email: player.email, password: PASSWORD })));
	const alive = await Promise.all(given.map(async ({ access_token }) => (await attempt({ method: 'GET' }, { path: '/auth/me', options: {} }, access_token)).status));
	assert.equal(alive.filter((status) => status === 200).length, 1, String(alive));
	const { live, sessions } = await row`SELECT count(*) FILTER (WHERE closed_at IS NULL) AS live, count(*) AS sessions
		FROM game.player_sessions WHERE account_id = ${player.account_id}`;
	assert.deepEqual([live, sessions], [1, 7]);
	const reasons = await rows`SELECT DISTINCT close_reason FROM game.player_sessions WHERE account_id = ${player.account_id} AND closed_at IS NOT NULL`;
	assert.deepEqual(reasons, [{ close_reason: 'CONCURRENT_LOGIN' }]);
});

test('30: a spent refresh token revokes its family, also when thief and owner come at once', async () => {
	const player = await Player.register();
	const spend = (refresh_token) => attempt({ method: 'POST' }, { path: '/auth/refresh', options: { raw: JSON.stringify({ refresh_token }) } });
	const second = await spend(player.refresh_token);
	assert.equal(second.status, 200);
	const third = await spend(second.body.refresh_token);
	assert.equal((await spend(player.refresh_token)).code, 'REFRESH_REUSED');
	assert.equal((await spend(third.body.refresh_token)).code, 'UNAUTHENTICATED', 'the newest of the family is worth nothing');
	await player.login();
	const both = await Promise.all([1, 2, 3, 4].map(() => spend(player.refresh_token)));
	assert.equal(both.filter((it) => it.status === 200).length, 1);
	assert.ok(both.some((it) => it.code === 'REFRESH_REUSED'));
	const { refresh_token } = both.find((it) => it.status === 200).body;
	assert.equal((await spend(refresh_token)).code, 'UNAUTHENTICATED');
	const live = await rows`SELECT 1 FROM game.refresh_tokens WHERE account_id = ${player.account_id} AND spent_at IS NULL AND revoked_at IS NULL`;
	assert.deepEqual(live, []);
});

const lost = (player) => until(async () => (await row`SELECT status FROM game.player_sessions WHERE id = ${player.session_id}`).status === 'DISCONNECTED', 'the session to be disconnected');

async function lose(player) {
	await player.realtime.close();
	await lost(player);
}

const reconnect = (reconnect_token) => attempt({ method: 'POST' }, { path: '/session/reconnect', options: { raw: JSON.stringify({ reconnect_token }) } });

test('30: a spent reconnect token ends the session and its refresh tokens', async () => {
	const player = await Player.register();
	await player.connect();
	const first = player.realtime.connected['reconnect-token'];
	assert.ok(first);
	assert.equal((await reconnect(first)).code, 'NOT_DISCONNECTED', 'nobody takes up what is not lost');
	await lose(player);
	const back = await reconnect(first);
	assert.equal(back.status, 200, back.code);
	assert.equal(back.body.session_id, player.session_id);
	player.token = back.body.access_token;
	await player.get('/auth/me');
	await player.connect();
	await lose(player);
	assert.equal((await reconnect(first)).code, 'TOKEN_USED');
	for (const token of [back.body.reconnect_token, player.realtime.connected['reconnect-token'], unique('nothing')]) {
		const { status, code } = await reconnect(token);
		assert.ok([404, 410].includes(status), `nothing brings it back: ${code}`);
	}
	await player.get('/auth/me', { expect: 'UNAUTHENTICATED' });
	await nobody.post('/auth/refresh', { refresh_token: player.refresh_token }, { expect: 'UNAUTHENTICATED' });
});

test('30: of many who come back with one token at once, at most one does', async () => {
	const player = await Player.register();
	await player.connect();
	await lose(player);
	const token = player.realtime.connected['reconnect-token'];
	const all = await Promise.all([1, 2, 3, 4, 5].map(() => reconnect(token)));
	assert.equal(all.filter((it) => it.status === 200).length, 1, JSON.stringify(all));
	assert.ok(all.some((it) => it.code === 'TOKEN_USED'));
	await call('GET', '/auth/me', { token: all.find((it) => it.status === 200).body.access_token, expect: 'UNAUTHENTICATED' });
});

// Text that is not what it looks like. What is shown to others is refused or made harmless.
const TRICKS = {
	'a bidi override': 'Admin\u202Egnp.exe', 'a bidi isolate': 'Ad\u2066min', 'a zero-width space': 'Ad\u200Bmin', 'a zero-width joiner': 'Ad\u200Dmin',
	'a byte order mark': '\uFEFFAdmin', 'a line feed': 'Ad\nmin', 'a carriage return': 'Ad\rmin', 'a NUL': 'Ad\u0000min', 'an escape': 'Ad\u001B[31mmin',
	'a line separator': 'Ad\u2028min', 'a soft hyphen': 'Ad\u00ADmin', 'a tag character': 'Admin\u{E0041}', 'an unassigned character': 'Ad\u0378min',
	'a private character': 'Ad\uE000min', 'a pile of marks': `A${'\u0300'.repeat(30)}dmin`,
};
const names = operations.flatMap((operation) => operation.parameters.filter((it) => it.in === 'body' && /^(display_name|name)$/.test(it.name))
	.map((it) => ({ operation, parameter: it })));

test('38: names shown to others hold no tricks', async () => {
	assert.ok(names.length >= 2);
	for (const { operation, parameter: { name } } of names)
		for (const [what, text] of Object.entries(TRICKS)) {
			const player = await freshFor(operation);
			const { status, code, body } = await attempt(operation, request(operation, { ...player.given, [name]: text }), player.token);
			assert.equal(status, 400, `${operation.name} takes ${what} as ${name}: ${code}`);
			assert.equal(body.field, name, `${operation.name}, ${what}`);
		}
});

test('38: text of any size and kind is answered, not choked on', async () => {
	for (const operation of operations)
		for (const it of operation.parameters.filter((one) => one.in === 'body' && one.types.includes('string') && !one.format))
			for (const text of ['<script>alert(1)</script>', '\u{10FFFF}'.repeat(15000), 'ﷺ'.repeat(20000), '\u0300'.repeat(30000), '\'; DROP TABLE game.accounts; --', '${jndi:ldap://x}', '%s%n']) {
				const player = await freshFor(operation);
				const { status } = await attempt(operation, request(operation, { ...player.given, [it.name]: text }), player.token);
				assert.ok(status < 500, `${operation.name} ${it.name}: ${status} for ${text.slice(0, 30)}`);
			}
});

// What makes the rest of a request with a text in it right, and who sends it.
let patient;
async function freshFor({ name }) {
	patient ??= await Player.enter();
	const given = { character_id: patient.character_id };
	if (name === 'POST /auth/register') Object.assign(given, { email: `${unique()}@example.com`, username: unique('p') });
	if (name === 'POST /characters') Object.assign(given, { class: 'breaker', origin: 'street', name: unique('c') });
	return { token: patient.token, given };
}

nothingIsLost();
