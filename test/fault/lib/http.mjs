// SPDX-License-Identifier: PostgreSQL
//
// Commands through the edge: workers that keep a pace, and single requests.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ports } from './cluster.mjs';

const agent = new Agent({ keepAlive: true, maxSockets: 128 });
const TIMEOUT_MS = 12000;

// One request; resolves to the answer, or to null where there was none.
export function call({ method, path, token, key, body, port = ports.edge, with: using = agent, onSent }) {
	const text = body === undefined ? null : JSON.stringify(body);
	const headers = { Authorization: `Bearer ${token}` };
	if (key) headers['Idempotency-Key'] = key;
	if (text !== null) {
		headers['Content-Type'] = 'application/json';
		headers['Content-Length'] = Buffer.byteLength(text);
	}
	const started = performance.now();
	return new Promise((resolve) => {
		const req = request({ host: '127.0.0.1', port, method, path: `/api/v1${path}`, headers, agent: using, timeout: TIMEOUT_MS }, (res) => {
			const chunks = [];
			res.on('data', (chunk) => chunks.push(chunk));
			res.on('error', () => resolve(null));
			res.on('aborted', () => resolve(null));
			res.on('end', () => resolve(res.complete ? { status: res.statusCode, headers: res.headers, text: Buffer.concat(chunks).toString(), ms: performance.now() - started } : null));
		});
		req.on('timeout', () => req.destroy());
		req.on('error', () => resolve(null));
		req.on('finish', () => onSent?.());
		req.end(text);
	});
}

// Sends a command once and enters what came of it.
export async function attempt(ledger, command, options = {}) {
	ledger.counts.tried++;
	command.attempts++;
	const answer = await call({ method: command.body ? 'POST' : 'GET', path: command.path, token: command.player.token, key: command.key, body: command.body, ...options });
	if (answer === null) ledger.unanswered(command);
	else ledger.answer(command, answer.status, answer.text, { ...answer.headers, http: true });
	return answer;
}

// Sends a command until it is over; one that may be abandoned is given up at the first failure.
export async function carryOut(ledger, command, pause, isOver) {
	for (;;) {
		await attempt(ledger, command);
		if (command.state !== 'open') return;
		if (command.abandon || isOver()) {
			command.state = 'abandoned';
			return;
		}
		await pause();
	}
}

export class Load {
	constructor(ledger, workers, perSecond) {
		this.ledger = ledger;
		this.stopping = false;
		this.paused = false;
		this.gap = (workers * 1000) / perSecond;
		this.workers = Array.from({ length: workers }, () => this.work());
	}

	pause = () => sleep(this.gap * this.ledger.random.between(0.5, 1.5));

	async work() {
		const { ledger } = this;
		while (!this.stopping) {
			await this.pause();
			if (this.paused) continue;
			const replay = ledger.toReplay.length > 0 && ledger.random.chance(0.5) ? ledger.toReplay.shift() : null;
			if (replay) await attempt(ledger, replay);
			else {
				const command = ledger.next();
				if (command) await carryOut(ledger, command, this.pause, () => false);
			}
		}
	}

	// Ends once everything that was begun is over, retries included.
	stop() {
		this.stopping = true;
		return Promise.all(this.workers);
	}
}

export async function replayAll(ledger, most) {
	const left = ledger.keyed().filter((c) => !c.replayed);
	const chosen = left.slice(0, most);
	await Promise.all(Array.from({ length: 16 }, async () => {
		while (chosen.length > 0) await attempt(ledger, chosen.pop());
	}));
}
