// SPDX-License-Identifier: PostgreSQL
//
// Every command that moves value or touches ownership: a line says how often it is asked, what it may
// be refused with, how its arguments are drawn and what is remembered of a good answer.
//
// An argument whose name stands in the path goes there, the others into the body. A command with
// told counts what its answer says was done, once for each key; account.mjs holds that against the
// database. A route of the API that is wanted here and is missing fails the suite.

const LOCKED = 'ITEM_LOCKED';
const COUNT = 'INSUFFICIENT_QUANTITY';
const PARTY = 'NOT_FOUND NOT_LEADER';

const add = (map, key, amount) => map.set(key, (map.get(key) ?? 0) + amount);
const usable = (it) => it.type === 'CONSUMABLE';
const wearable = (it) => ['WEAPON', 'ARMOR', 'ACCESSORY', 'CYBERWARE', 'IMPLANT'].includes(it.type);
const stacked = (it) => it.quantity > 1;
const damaged = (it) => it.durability < 100;
const remember = (place) => ({ player }, body) => { player[place] = body.items; };
const party = ({ player, run }, body) => {
	Object.assign(player, { party: body.members.map((it) => it.character_id), leads: body.leader_id === player.character_id });
	if (body.ready_check?.status === 'RUNNING')
		for (const it of run.players) if (player.party.includes(it.character_id)) it.asked = true;
};
const noParty = ({ player }) => Object.assign(player, { party: [], leads: false });

function selected({ player }, body) {
	Object.assign(player, { selected: true, character_id: body.character_id, items: [], worn: [], party: [], leads: false, fight: null });
}

function loggedIn({ player }, body) {
	const other = body.session_id !== player.session_id;
	Object.assign(player, { token: body.access_token, refresh_token: body.refresh_token ?? player.refresh_token,
		reconnect_token: body.reconnect_token, session_id: body.session_id, out: false });
	if (other) Object.assign(player, { selected: false, fight: null });
}

function loggedOut({ player }) {
	Object.assign(player, { out: true, selected: false });
}

function shot({ player }, body) {
	if (body.killed || --player.fight.shots <= 0) player.fight = null;
}

const TABLE = [
	['GET /inventory', 20, '', () => ({}), remember('items')],
	['GET /inventory/wallet', 1, '', () => ({})],
	['GET /inventory/equipment', 2, '', () => ({}), ({ player }, body) => { player.worn = body.slots.flatMap((it) => it.item ?? []); }],
	['GET /inventory/bank', 3, '', () => ({}), remember('bank')],
	['GET /inventory/items/{item_id}', 2, 'NOT_FOUND', (d) => ({ item_id: d.item(d.random.pick(['items', 'worn', 'bank'])) })],
	['GET /inventory/templates/{template_id}', 1, 'NOT_FOUND', (d) => ({ template_id: d.id([...d.run.templates.values()], [1, 999999]) })],
	['POST /inventory/items/{item_id}/split', 5, `NOT_FOUND ${COUNT} INVENTORY_FULL SLOT_OCCUPIED ${LOCKED}`,
		(d) => ({ item_id: d.item('items', stacked), quantity: d.amount(false), slot: d.random.chance(0.3) ? d.slot() : undefined }), null,
		(told, body, { item_id }) => add(told.split, `${body.item_id} of ${item_id}`, body.quantity)],
	['POST /inventory/items/{item_id}/merge', 5, `NOT_FOUND CONFLICT VALIDATION ${COUNT} ${LOCKED}`,
		(d) => ({ item_id: d.item('items', stacked), quantity: d.amount(), into_item_id: d.mate() })],
	['POST /inventory/items/{item_id}/move', 3, `NOT_FOUND SLOT_OCCUPIED ${LOCKED} VALIDATION`,
		(d) => ({ item_id: d.item(), slot: d.slot(), swap: d.random.pick([undefined, true, false]) })],
	['POST /inventory/items/{item_id}/destroy', 2, `NOT_FOUND NOT_DELETABLE ${COUNT} ${LOCKED}`,
		(d) => ({ item_id: d.item(), quantity: d.amount() }), null,
		(told, body) => add(told.destroyed, body.item_id, body.destroyed)],
	['POST /inventory/items/{item_id}/repair', 3, `NOT_FOUND CONFLICT NOT_USABLE INSUFFICIENT_FUNDS ${LOCKED}`,
		(d) => ({ item_id: d.item(d.random.pick(['items', 'worn']), damaged) }), null,
		(told, body) => add(told.repaired, body.item_id, body.price)],
	['POST /inventory/drop', 9, `NOT_FOUND NOT_DELETABLE ITEM_BOUND ${COUNT} ${LOCKED} YOU_ARE_DEAD CONFLICT`,
		(d) => ({ item_id: d.item(), quantity: d.amount() }), null, (told, body) => add(told.dropped, body.drop_id, 1)],
	['POST /inventory/use', 4, `NOT_FOUND NOT_USABLE COOLDOWN YOU_ARE_DEAD ${LOCKED} CONFLICT`,
		(d) => ({ item_id: d.item('items', usable) }), null, (told, body) => add(told.used, body.item_id, 1)],
	['POST /inventory/equip', 4, `NOT_FOUND NOT_USABLE REQUIREMENTS_NOT_MET ITEM_BROKEN ${LOCKED} VALIDATION INVENTORY_FULL`,
		(d) => ({ item_id: d.item('items', wearable), slot: d.random.chance(0.8) ? undefined : d.word('weapon_1', 'weapon_2', 'weapon_3', 'head', 'chest', 'accessory_1') }),
		({ player }, body) => { player.worn = body.slots.flatMap((it) => it.item ?? []); }],
	['POST /inventory/unequip', 3, `NOT_FOUND INVENTORY_FULL ${LOCKED}`, (d) => ({ item_id: d.item('worn') })],
	['POST /inventory/bank/deposit', 5, `NOT_FOUND ITEM_BOUND INVENTORY_FULL ${COUNT} ${LOCKED}`,
		(d) => ({ item_id: d.item(), quantity: d.amount() }), remember('bank')],
	['POST /inventory/bank/withdraw', 5, `NOT_FOUND OVERWEIGHT INVENTORY_FULL ${COUNT} ${LOCKED}`,
		(d) => ({ item_id: d.item('bank'), quantity: d.amount() }), remember('bank')],

	['GET /loot/drops/nearby', 3, 'CONFLICT', () => ({})],
	['GET /loot/drops/{drop_id}', 2, 'NOT_FOUND CONFLICT', (d) => ({ drop_id: d.drop() })],
	['POST /loot/pickup', 16, `NOT_FOUND ALREADY_LOOTED DROP_EXPIRED TOO_FAR NOT_ELIGIBLE ROLL_PENDING YOU_ARE_DEAD INVENTORY_FULL OVERWEIGHT ${LOCKED} WALLET_FULL CONFLICT`,
		(d) => ({ drop_id: d.drop() }), null, (told, body, args, player) => {
			add(told.picked, body.drop_id, body.items.reduce((sum, it) => sum + it.quantity, 0));
			add(told.looted, `${body.drop_id} to ${player.character_id}`, body.credits);
		}],
	['GET /loot/rolls/active', 5, '', () => ({}), ({ player }, body) => { player.rolls = body.items.map((it) => it.roll_id); }],
	['GET /loot/rolls/{roll_id}', 1, 'NOT_FOUND NOT_ELIGIBLE', (d) => ({ roll_id: d.roll() })],
	['POST /loot/rolls/{roll_id}/roll', 6, 'NOT_FOUND NOT_ELIGIBLE ROLL_CLOSED ALREADY_VOTED CANNOT_NEED NOT_USABLE',
		(d) => ({ roll_id: d.roll(), vote: d.word('NEED', 'GREED', 'SALVAGE', 'PASS') })],
	['POST /loot/drops/{drop_id}/assign', 2, 'NOT_FOUND FORBIDDEN NOT_ELIGIBLE ROLL_PENDING',
		(d) => { const it = d.waiting(); return { drop_id: d.id(it ? [it.drop_id] : [], d.run.recent.drops), item_id: d.id(it ? [it.item_id] : [], d.run.recent.items),
			character_id: d.random.chance(0.6) ? d.player.character_id : d.companion() }; }],
	['GET /loot/history', 1, '', () => ({})],
	['GET /loot/settings', 0.5, '', () => ({})],
	['PUT /loot/settings', 0.5, '', (d) => ({ auto_vote: d.word('NONE', 'PASS', 'GREED'), auto_rarity: d.word('UNCOMMON', 'RARE', 'LEGENDARY') })],
	['GET /loot/containers/nearby', 1, 'CONFLICT', () => ({})],
	['POST /loot/containers/{container_id}/open', 3, 'NOT_FOUND TOO_FAR YOU_ARE_DEAD ALREADY_LOOTED CONFLICT', (d) => ({ container_id: d.id(d.player.zone.crates, d.run.crates) })],
	['POST /progression/attributes/spend', 0.5, 'NO_POINTS CAP_REACHED VALIDATION', (d) => ({ attribute: d.word('body', 'reflexes', 'cool') })],
	['POST /progression/respec', 0.5, 'RESPEC_COOLDOWN NO_POINTS INSUFFICIENT_FUNDS REQUIREMENTS_NOT_MET', () => ({})],
	['POST /zones/teleports/{teleport_id}/use', 1, 'NOT_FOUND NOT_DISCOVERED COOLDOWN BUSY IN_COMBAT YOU_ARE_DEAD OVERWEIGHT INSUFFICIENT_FUNDS CONFLICT', (d) => ({ teleport_id: d.id(d.run.teleports, [999999]) })],

	['POST /combat/start', 6, 'NOT_FOUND OUT_OF_RANGE TARGET_DEAD YOU_ARE_DEAD IN_COMBAT CONFLICT ZONE_FULL',
		(d) => ({ npc_id: d.id(d.player.zone.npcs, d.run.npcs) }),
		({ player, request }, body) => { player.fight = { combat_id: body.combat_id, target_id: -request.args.npc_id, shots: 6 }; }],
	['POST /combat/{combat_id}/attack', 3, 'OUT_OF_RANGE COOLDOWN TARGET_DEAD YOU_ARE_DEAD NOT_PARTICIPANT FORBIDDEN CONFLICT NOT_FOUND',
		(d) => ({ combat_id: d.player.fight?.combat_id ?? d.id(d.run.recent.combats, [1]), target_id: d.player.fight?.target_id ?? -d.random.pick(d.run.npcs) }),
		({ player }, body) => player.fight && shot({ player }, body)],
	['POST /zones/{zone_id}/enter', 0.5, 'NOT_FOUND ZONE_FULL IN_COMBAT YOU_ARE_DEAD CONFLICT', (d) => ({ zone_id: d.id(d.run.zones.map((it) => it.id), [999999], 0.95) }),
		({ player, run }, body) => { player.zone = run.zones.find((it) => it.id === body.zone_id) ?? player.zone; }],

	['POST /party', 3, 'ALREADY_IN_PARTY', () => ({}), party],
	['GET /party', 3, 'NOT_FOUND', () => ({}), party],
	['DELETE /party', 0.4, `${PARTY} FROZEN`, () => ({}), noParty],
	['POST /party/invite', 6, `${PARTY} TARGET_IN_PARTY PARTY_FULL FROZEN CONFLICT VALIDATION`, (d) => ({ character_id: d.other() })],
	['GET /party/invites', 2, '', () => ({})],
	['POST /party/invites/{invite_id}/accept', 1, 'NOT_FOUND INVITE_EXPIRED ALREADY_IN_PARTY PARTY_FULL FROZEN CONFLICT', (d) => ({ invite_id: d.invite() }), party],
	['POST /party/invites/{invite_id}/decline', 0.3, 'NOT_FOUND INVITE_EXPIRED CONFLICT', (d) => ({ invite_id: d.invite() })],
	['POST /party/leave', 1, 'NOT_FOUND FROZEN', () => ({}), noParty],
	['POST /party/kick', 1, `${PARTY} FROZEN VALIDATION CONFLICT`, (d) => ({ character_id: d.companion() })],
	['POST /party/leader', 1, `${PARTY} CONFLICT VALIDATION`, (d) => ({ character_id: d.companion() }), party],
	['PUT /party/loot', 2, `${PARTY} VALIDATION`, (d) => ({ mode: d.word('FREE_FOR_ALL', 'PERSONAL', 'NEED_GREED', 'MASTER_LOOTER'),
		threshold: d.random.chance(0.5) ? undefined : d.word('COMMON', 'UNCOMMON', 'RARE'), master_looter_id: d.random.chance(0.8) ? undefined : d.companion() }), party],
	['PUT /party/role', 1, PARTY, (d) => ({ role: d.word('TANK', 'HEALER', 'DPS', 'SUPPORT'),
		character_id: d.random.chance(0.6) ? undefined : d.companion(), assistant: d.random.pick([undefined, undefined, true, false]) }), party],
	['POST /party/ready-check', 1, `${PARTY} CONFLICT`, () => ({}), party],
	['POST /party/ready-check/respond', 0.3, 'NOT_FOUND CONFLICT', (d) => ({ ready: d.random.chance(0.5) }), party],
	['POST /party/convert-raid', 0.4, `${PARTY} FROZEN CONFLICT`, () => ({}), party],

	['POST /characters', 1, 'INVALID_NAME NO_FREE_SLOT NAME_TAKEN', (d) => ({ name: d.random.chance(0.1) ? d.abuse(['ab', 'a--b', 'x'.repeat(21)]) : `P${d.random.hex(10)}`, class: 'breaker', origin: 'street' }),
		({ player }, body) => { player.characters.push(body.character_id); return 'place'; }],
	['POST /characters/{character_id}/select', 2, 'NOT_FOUND BUSY COOLDOWN ZONE_FULL CONFLICT', (d) => ({ character_id: d.character() }), selected],
	['POST /characters/switch', 2, 'NOT_FOUND BUSY COOLDOWN ZONE_FULL CONFLICT', (d) => ({ character_id: d.character() }), selected],
	['DELETE /characters/{character_id}', 1, 'NOT_FOUND LAST_CHARACTER BUSY', (d) => ({ character_id: d.character() }),
		({ player }, body) => player.deleted.push(body.character_id)],
	['POST /characters/{character_id}/restore', 2, 'NOT_FOUND NO_FREE_SLOT CONFLICT RESTORE_EXPIRED', (d) => ({ character_id: d.deleted() }),
		({ player }, body) => { player.deleted = player.deleted.filter((it) => it !== body.character_id); }],
	['POST /characters/slots/purchase', 1, 'CONFLICT INSUFFICIENT_FUNDS', () => ({}), null,
		(told, body, args, player) => add(told.bought, player.account_id, 1)],

	['POST /session/heartbeat', 2, '', () => ({})],
	['POST /session/reconnect', 1, 'SESSION_NOT_FOUND NOT_DISCONNECTED RECONNECT_WINDOW_EXPIRED TOKEN_USED UNAUTHENTICATED',
		(d) => ({ reconnect_token: d.player.reconnect_token ?? d.random.hex(43) }), loggedIn],
	['POST /auth/refresh', 1, 'UNAUTHENTICATED REFRESH_REUSED', (d) => ({ refresh_token: d.random.chance(0.9) ? d.player.refresh_token : d.random.hex(43) }), loggedIn],
	['POST /auth/login', 0.3, 'INVALID_CREDENTIALS', (d) => ({ email: d.player.email, password: d.random.chance(0.8) ? d.player.password : d.abuse(['Wrong-Horse-7']) }), loggedIn],
	['POST /auth/logout', 0.3, '', () => ({}), loggedOut],
	['DELETE /account/sessions/{session_id}', 0.2, 'NOT_FOUND', (d) => ({ session_id: d.random.pick(d.random.chance(0.7) ? [d.player] : d.run.players).session_id }),
		({ player, request }) => { if (request.args.session_id === player.session_id) loggedOut({ player }); }],
];

export const commands = TABLE.map(([route, weight, refusals, draw, after, told]) => {
	const [method, template] = route.split(' ');
	return { route, method, template, weight, refusals: refusals.split(' ').filter(Boolean), draw, after, told };
});

export const byRoute = Object.fromEntries(commands.map((it) => [it.route, it]));

// Routes of the API's description that have to be in the table and are not.
export function missing(document) {
	const wanted = Object.entries(document.paths).flatMap(([path, item]) => Object.entries(item)
		.filter(([, operation]) => /^\/(inventory|loot|party)(\/|$)/.test(path) || needsKey(operation, document))
		.map(([method]) => `${method.toUpperCase()} ${path}`));
	return wanted.filter((route) => !byRoute[route]);
}

export function needsKey(operation, document) {
	return (operation.parameters ?? []).some((it) => (it.$ref ? document.components.parameters[it.$ref.split('/').pop()] : it).name === 'Idempotency-Key');
}
