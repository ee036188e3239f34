// SPDX-License-Identifier: PostgreSQL
//
// A run: who plays, what was sent and answered, and what is wrong with an answer.
import assert from 'node:assert/strict';
import { call } from '../../e2e/lib/api.mjs';
import { document, findOperation } from '../../e2e/lib/openapi.mjs';
import { pause, rows } from '../../e2e/lib/sql.mjs';
import { byRoute, commands, needsKey } from './commands.mjs';
import { Draw } from './draw.mjs';
import { place } from './world.mjs';

const TRAIL = 60000; // entries kept
const TRIES = 100;
const PUBLIC = ['POST /auth/login', 'POST /auth/refresh', 'POST /session/reconnect'];
const LOST_SESSION = ['UNAUTHENTICATED', 'TOKEN_EXPIRED', 'NO_ACTIVE_CHARACTER'];

const good = (answer) => answer?.status < 300;
const add = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);

export class Failure extends Error {}

export class Run {
	trail = [];
	recent = { items: [], drops: [], combats: [], rolls: [] };
	masters = []; // items that wait for a master looter
	invites = [];
	named = new Set(); // items that an answer named
	templates = new Map(); // of items
	zoneOfDrop = new Map();
	told = Object.fromEntries(['split', 'destroyed', 'repaired', 'dropped', 'used', 'picked', 'looted', 'bought'].map((it) => [it, new Map()]));
	counted = new Set(); // account and key of what told has counted
	unresolved = []; // keyed commands whose end nobody was told
	stats = Object.fromEntries(commands.map((it) => [it.route, { ok: 0, refused: 0 }]));
	codes = new Map();
	replays = { sequential: 0, parallel: 0, otherBody: 0, otherAccount: 0, retried: 0 };
	sent = 0;
	disturbedUntil = 0;
	clockAt = 0; // when the game's clock was last moved

	constructor(seed, { players, zones, npcs, crates, teleports }) {
		Object.assign(this, { seed, players, zones, npcs, crates, teleports });
		for (const player of players) player.loginAt = Date.now();
	}

	// Backends are ended now: for a while an answer may be lost.
	disturb() {
		this.disturbedUntil = Date.now() + 5000;
	}

	// Ends the run. What the text speaks of is looked up in the trail.
	fail(text) {
		const ids = [...new Set(text.match(/\b\d{2,}\b/g) ?? [])];
		const about = this.trail.filter((line) => ids.some((id) => new RegExp(`\\b${id}\\b`).test(line))).slice(-25);
		throw new Failure(`seed ${this.seed}, after ${this.sent} requests: ${text}\n-- what touched it last:\n${about.join('\n')}\n-- the last of all:\n${this.trail.slice(-8).join('\n')}`);
	}

	draw(player, command, random) {
		const draw = new Draw(random, player, this);
		const args = command.draw(draw);
		const body = { ...args };
		const path = command.template.replace(/\{(\w+)\}/g, (_, name) => {
			delete body[name];
			return encodeURIComponent(args[name]);
		});
		const keyed = needsKey(findOperation(command.method, command.template.replace(/\{\w+\}/g, '1')).operation, document);
		const spent = !PUBLIC.includes(command.route) && random.chance(this.stats[command.route].refused === 0 ? 0.04 : 0.004);
		const bodied = Object.values(body).some((it) => it !== undefined);
		return { command, player, args, path, spent, bad: draw.bad, body: bodied ? body : undefined, key: keyed ? random.uuid() : undefined, random };
	}

	#token({ command, player, spent }) {
		if (PUBLIC.includes(command.route)) return undefined;
		return spent ? `${player.token.slice(0, -4)}AAAA` : player.token;
	}

	// Sends once; null: nobody answered.
	async #attempt(request) {
		const { command, player, path, body, key } = request;
		request.startedAt ??= Date.now();
		this.sent++;
		const at = this.trail.push('') - 1;
		const what = `${player.username} as ${player.character_id}: ${command.method} ${path} ${JSON.stringify(body) ?? ''}${key ? ` key ${key}` : ''}`;
		this.trail[at] = `${what} → waits`;
		let answer = null;
		try {
			answer = await call(command.method, path, { token: this.#token(request), key, body, expect: null });
		} catch (error) {
			if (error instanceof assert.AssertionError) this.fail(`${what} → ${error.message}`);
			if (Date.now() > this.disturbedUntil) this.fail(`${what} → ${error.message} ${error.cause ?? ''}`);
		}
		const note = answer ? `${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}` : 'no answer';
		this.trail.push(`${what} → ${note}`);
		if (this.trail.length > TRAIL) this.trail.splice(0, TRAIL / 4);
		add(this.codes, answer ? (good(answer) ? answer.status : `${answer.status} ${answer.body.code}`) : 'no answer');
		return answer;
	}

	// Sends until there is a final answer; what has no key is sent once, and null says that nobody knows.
	async settle(request) {
		for (let i = 0; i < TRIES; i++) {
			const answer = await this.#attempt(request);
			const code = answer?.body.code;
			if (answer && answer.status !== 503 && code !== 'IN_PROGRESS') return answer;
			if (code !== 'RETRY' && code !== 'IN_PROGRESS') {
				if (Date.now() > this.disturbedUntil) this.fail(`${request.command.route} → ${code ?? 'no answer'} while nothing was disturbed`);
				request.unsure = true;
			}
			if (!request.key) return null;
			this.replays.retried++;
			await pause(20 + 10 * i);
		}
		return this.fail(`${request.command.route} with key ${request.key} has no answer after ${TRIES} tries`);
	}

	// Whether the player may have lost his session or his character meanwhile.
	#mayBeLost({ player, spent, startedAt }) {
		return spent || player.out || !player.selected || player.loginAt <= this.clockAt || startedAt <= this.clockAt || player.unsure;
	}

	judge(request, answer) {
		const { command, player, bad, spent } = request;
		const what = `${player.username} as ${player.character_id}: ${command.method} ${request.path} ${JSON.stringify(request.body) ?? ''} → ${answer.status} ${JSON.stringify(answer.body)}`;
		if (good(answer)) {
			if (bad) this.fail(`accepted what must be refused: ${what}`);
			if (spent) this.fail(`accepted without a token: ${what}`);
			return;
		}
		const { code } = answer.body;
		const foreseen = command.refusals.includes(code) || (bad && ['VALIDATION', 'AMOUNT_OUT_OF_RANGE', 'NOT_FOUND'].includes(code))
			|| (LOST_SESSION.includes(code) && this.#mayBeLost(request));
		if (!foreseen) this.fail(`no reason for this: ${what}`);
		if (spent || PUBLIC.includes(command.route)) return;
		if (code === 'NO_ACTIVE_CHARACTER') player.selected = false;
		else if (LOST_SESSION.includes(code)) Object.assign(player, { out: true, selected: false });
	}

	#learn(value, zone) {
		if (Array.isArray(value)) for (const one of value) this.#learn(one, zone);
		else if (value && typeof value === 'object') {
			if (value.item_id) {
				this.named.add(value.item_id);
				this.recent.items.push(value.item_id);
				if (value.template_id) this.templates.set(value.item_id, value.template_id);
			}
			if (value.drop_id) {
				this.recent.drops.push(value.drop_id);
				this.zoneOfDrop.set(value.drop_id, value.place_id ?? zone.id);
			}
			if (value.roll_id) this.recent.rolls.push(value.roll_id);
			if (value.master_id && value.claims)
				for (const it of value.claims.filter((one) => one.claim === 'MASTER')) this.masters.push({ drop_id: value.drop_id, item_id: it.item_id, master_id: value.master_id });
			if (value.combat_id) this.recent.combats.push(value.combat_id);
			if (value.invite_id && value.character_id) this.invites.push(value);
			for (const one of Object.values(value)) this.#learn(one, zone);
		}
		for (const [name, list] of Object.entries(this.recent)) if (list.length > 800) this.recent[name] = list.slice(-400);
		if (this.masters.length > 400) this.masters = this.masters.slice(-100);
		if (this.invites.length > 400) this.invites = this.invites.slice(-100);
	}

	count({ command, player, args, key }, body) {
		const name = `${player.account_id} ${key}`;
		if (!command.told || this.counted.has(name)) return;
		this.counted.add(name);
		command.told(this.told, body, args, player);
	}

	// Enters what came of a command.
	async #enter(request, answer) {
		const { command, player } = request;
		this.judge(request, answer);
		this.stats[command.route][good(answer) ? 'ok' : 'refused']++;
		if (!good(answer)) {
			if (request.key && request.unsure) this.unresolved.push(request);
			return;
		}
		this.count(request, answer.body);
		this.#learn(answer.body, player.zone);
		const more = command.after?.({ player, run: this, request }, answer.body);
		if (['POST /auth/login', 'POST /auth/refresh', 'POST /session/reconnect'].includes(command.route)) Object.assign(player, { loginAt: Date.now(), unsure: false });
		if (more === 'place') await place(player.zone, answer.body.character_id);
	}

	#same(request, first, answer, how) {
		if (LOST_SESSION.includes(answer.body.code) && this.#mayBeLost(request)) return;
		try {
			assert.deepEqual([answer.status, answer.body], [first.status, first.body]);
		} catch {
			this.fail(`${how} of ${request.command.route} key ${request.key} got ${answer.status} ${JSON.stringify(answer.body)}, first was ${first.status} ${JSON.stringify(first.body)}`);
		}
	}

	// The same key again: alone, with another body, from another account.
	async #again(request, first, { random, workers }) {
		if (random.chance(0.12)) {
			this.replays.sequential++;
			this.#same(request, first, await this.settle(request), 'a replay');
		}
		if (random.chance(0.05)) await this.#otherBody(request);
		if (random.chance(0.04) && workers > 1) {
			this.replays.otherAccount++;
			const other = random.pick(this.players.filter((it) => it !== request.player && !it.out && it.selected));
			if (!other) return;
			const theirs = { ...this.draw(other, request.command, random), key: request.key };
			const answer = await this.settle(theirs);
			// it is driven by somebody else meanwhile, who may have logged it out
			if (answer && !LOST_SESSION.includes(answer.body.code)) await this.#enterForeign(theirs, answer);
		}
	}

	async #enterForeign(request, answer) {
		this.judge(request, answer);
		if (good(answer)) {
			this.count(request, answer.body);
			this.#learn(answer.body, request.player.zone);
		} else if (request.unsure) this.unresolved.push(request);
	}

	async #otherBody(request) {
		const { body } = request;
		if (!body) return;
		const name = Object.keys(body).find((it) => typeof body[it] === 'number');
		if (!name) return;
		this.replays.otherBody++;
		const answer = await this.settle({ ...request, body: { ...body, [name]: body[name] + 1 } });
		if (LOST_SESSION.includes(answer.body.code) && this.#mayBeLost(request)) return;
		if (answer.body.code !== 'IDEMPOTENCY_KEY_REUSED') this.fail(`the key ${request.key} with another body got ${answer.status} ${JSON.stringify(answer.body)}`);
	}

	// Does a command with all that belongs to it.
	async perform(player, command, { random, workers }) {
		const request = this.draw(player, command, random);
		const twins = request.key && workers > 1 && random.chance(0.08) ? 2 : 0;
		this.replays.parallel += twins;
		const answers = (await Promise.all(Array.from({ length: 1 + twins }, () => this.settle(request)))).filter(Boolean);
		if (answers.length === 0) {
			player.unsure = true; // it may have ended the session, for one
			return;
		}
		const first = answers.find(good) ?? answers[0];
		for (const answer of answers) if (good(answer)) this.#same(request, first, answer, 'a twin');
		else this.judge(request, answer);
		await this.#enter(request, first);
		if (request.key && good(first)) await this.#again(request, first, { random, workers });
	}

	// What a player does next.
	choose(player, random) {
		if (player.out && random.chance(0.9))
			return byRoute[random.weighted([['POST /auth/login', 5], ['POST /auth/refresh', 2], ['POST /session/reconnect', 3]])];
		if (player.away && random.chance(0.5)) {
			player.away = false;
			return byRoute['POST /session/reconnect'];
		}
		if (!player.out && !player.selected && random.chance(0.8)) return byRoute['POST /characters/{character_id}/select'];
		if (this.invites.some((it) => it.character_id === player.character_id && !it.tried) && random.chance(0.3))
			return byRoute[random.chance(0.9) ? 'POST /party/invites/{invite_id}/accept' : 'POST /party/invites/{invite_id}/decline'];
		if (this.masters.some((it) => it.master_id === player.character_id && !it.tried) && random.chance(0.5)) return byRoute['POST /loot/drops/{drop_id}/assign'];
		if (player.rolls?.length > 0 && random.chance(0.4)) return byRoute['POST /loot/rolls/{roll_id}/roll'];
		if (player.party?.length > 1 && random.chance(0.15)) return byRoute[random.pick(['GET /loot/rolls/active', 'POST /loot/containers/{container_id}/open', 'GET /loot/drops/nearby'])];
		if (player.asked && random.chance(0.4)) {
			player.asked = false;
			return byRoute['POST /party/ready-check/respond'];
		}
		if (player.leads && random.chance(0.06))
			return byRoute[random.pick(['POST /party/kick', 'POST /party/leader', 'PUT /party/loot', 'PUT /party/role', 'POST /party/convert-raid'])];
		if (player.fight && random.chance(0.6)) return byRoute['POST /combat/{combat_id}/attack'];
		const dull = ({ route }) => this.stats[route].ok === 0 || this.stats[route].refused === 0;
		return random.weighted(commands.map((it) => [it, it.weight * (dull(it) ? 3 : 1)]));
	}

	// Counts what was done though its answer never came.
	async resolve() {
		const open = this.unresolved.splice(0);
		for (const request of open) {
			const [stored] = await rows`SELECT response FROM game.idempotency_keys WHERE account_id = ${request.player.account_id} AND key = ${request.key}::uuid`;
			if (stored) this.count(request, stored.response);
		}
	}
}
