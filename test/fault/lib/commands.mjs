// SPDX-License-Identifier: PostgreSQL
//
// What players ask for, what became of it, and the account of both.
import { randomUUID } from 'node:crypto';
import { contents, layDrops } from './players.mjs';

// A small generator, so that a run can be repeated with its seed.
export function generator(seed) {
	let state = seed >>> 0;
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	return { next, chance: (p) => next() < p, pick: (list) => list[Math.floor(next() * list.length)], between: (a, b) => a + next() * (b - a) };
}

// Answers that say "not now": the command is sent again with its key.
const isTransient = (status, problem) =>
	status === 429 || status >= 500 || problem.code === 'IN_PROGRESS' || /is in no zone/.test(problem.detail ?? '');

export class Ledger {
	constructor(random, players) {
		this.random = random;
		this.players = players;
		this.commands = [];
		this.drops = [];
		this.contested = [];
		this.toReplay = [];
		this.counts = { tried: 0, answered: 0, acknowledged: 0, reads: 0, refused: 0, unavailable: 0, lost: 0, unplaced: 0, inProgress: 0, replayed: 0 };
		this.unexpected = []; // answers that no rule explains
		this.differing = []; // replays that were not the first answer
		this.hasty = []; // 503 without Retry-After
		this.internal = []; // 500
	}

	// Keeps enough drops on the ground; the database may be away.
	async supply() {
		if (this.drops.length < 3000 && !this.laying) {
			this.laying = layDrops(6000).then((ids) => this.drops.push(...ids), () => {}).finally(() => { this.laying = null; });
			await this.laying;
		}
	}

	add(kind, player, fields) {
		const command = { kind, player, state: 'open', attempts: 0, unanswered: 0, sentAt: Date.now(),
			abandon: this.random.chance(0.25), ...fields };
		this.commands.push(command);
		return command;
	}

	pickup(player) {
		let drop = this.contested.length > 0 && this.contested[0].player !== player ? this.contested.shift().drop : null;
		if (drop === null) {
			drop = this.drops.pop();
			if (drop === undefined) return null;
			if (this.random.chance(0.1)) this.contested.push({ drop, player });
		}
		if (contents(drop).pistol > 0 && ++player.pistols > 30) return null;
		return this.add('pickup', player, { key: randomUUID(), drop, path: '/loot/pickup', body: { drop_id: drop } });
	}

	purchase(player) {
		player.purchases++;
		return this.add('purchase', player, { key: randomUUID(), path: '/characters/slots/purchase', body: {} });
	}

	quest(player) {
		const template = player.quests.pop();
		return template === undefined ? null : this.add('quest', player, { template, path: '/quests/start', body: { template_id: template } });
	}

	// The next command of somebody, by the mix; null: nothing of that kind is left.
	next() {
		const player = this.random.pick(this.players);
		const dice = this.random.next();
		if (dice < 0.6) return this.pickup(player);
		if (dice < 0.68) return player.purchases < 3 ? this.purchase(player) : null;
		if (dice < 0.78) return this.quest(player);
		return { kind: 'read', player, state: 'open', attempts: 0, unanswered: 0, abandon: false,
			path: this.random.pick(['/inventory', '/inventory/wallet', '/characters/slots', '/quests/active', '/zones/current']) };
	}

	// Nobody answered: the connection ended or time ran out.
	unanswered(command) {
		this.counts.lost++;
		command.unanswered++;
	}

	// Takes an answer; the command's state says whether it is over.
	answer(command, status, text, headers = {}) {
		this.counts.answered++;
		if (command.state === 'acknowledged') return this.compare(command, status, text);
		if (status < 300) return this.acknowledge(command, status, text);
		const problem = parse(text);
		if (isTransient(status, problem)) return this.postpone(command, status, problem, text, headers);
		command.state = 'refused';
		command.code = problem.code;
		this.counts.refused++;
		if (!explained(command, problem)) this.unexpected.push({ kind: command.kind, drop: command.drop, key: command.key, attempts: command.attempts, unanswered: command.unanswered, status, text });
	}

	acknowledge(command, status, text) {
		command.state = 'acknowledged';
		if (command.kind === 'read') {
			this.counts.reads++;
			return;
		}
		command.status = status;
		command.first = text;
		this.counts.acknowledged++;
		if (command.key && this.random.chance(0.1)) this.toReplay.push(command);
	}

	compare(command, status, text) {
		if (status === command.status && text === command.first) {
			if (!command.replayed) this.counts.replayed++;
			command.replayed = true;
		} else if (status < 300 || !isTransient(status, parse(text)))
			this.differing.push({ key: command.key, first: command.first, status, text });
	}

	postpone(command, status, problem, text, headers) {
		if (problem.code === 'IN_PROGRESS') this.counts.inProgress++;
		else if (status < 429) this.counts.unplaced++;
		else {
			this.counts.unavailable++;
			// 504 and 500 leave open whether it was done
			if (status !== 503) command.unanswered++;
			// a lost connection is answered 503 too, after the command may have been done
			else command.unsure = true;
		}
		if (status === 503 && headers.http && !headers['retry-after']) this.hasty.push(text);
		if (status === 500) this.internal.push(text);
	}

	keyed() {
		return this.commands.filter((c) => c.key && c.state === 'acknowledged');
	}
}

function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return {};
	}
}

// Refusals that the mix provokes.
function explained(command, problem) {
	switch (command.kind) {
		case 'pickup':
			return problem.code === 'ALREADY_LOOTED';
		case 'purchase':
			return problem.code === 'CONFLICT' && /all the slots/.test(problem.detail ?? '');
		case 'quest':
			return problem.code === 'ALREADY_ACTIVE' && (command.unanswered > 0 || command.unsure);
		default:
			return false;
	}
}
