// SPDX-License-Identifier: PostgreSQL
//
// A player on the realtime server: walks a path on which every place is passed once, so that a
// place tells when it was passed; picks drops up by SEND; notes what it is told.
import { Client } from '@stomp/stompjs';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { ports } from './cluster.mjs';
import { attempt, call } from './http.mjs';
import { SAFE } from './players.mjs';

const SPEED = 0.4; // metres a second; slow enough that half a minute is no leap
const WIDTH = 6;
const STEP = 0.02; // from one lane to the next
const KEPT_MS = 120000;

// Lanes to and fro around the safe point, within reach of the drops.
function placeAt(metres) {
	const lane = Math.floor(metres / WIDTH);
	const along = metres % WIDTH;
	return { x: SAFE.x - WIDTH / 2 + (lane % 2 === 0 ? along : WIDTH - along), y: SAFE.y - 2 + (lane % 200) * STEP };
}

export class Mover {
	constructor(ledger, player, index, { port = ports.realtime, reconnect = 250, listens = false } = {}) {
		Object.assign(this, { ledger, player, listens, heard: 0, revoked: [], connections: 0, seq: 0, metres: index * 0.37, path: [], pending: new Map(),
			resyncs: [], announcements: [], closes: [], errors: [], ages: [], stray: [], story: [], frames: 0, lastFrame: 0, lastSeq: 0, walking: false, stopping: false });
		this.client = new Client({
			webSocketFactory: () => new WebSocket(`ws://127.0.0.1:${port}/ws`, ['v12.stomp']),
			connectHeaders: { Authorization: `Bearer ${player.token}` },
			reconnectDelay: reconnect,
			heartbeatIncoming: 10000,
			heartbeatOutgoing: 10000,
			onConnect: () => this.connected(),
			onStompError: (frame) => this.errors.push(`${frame.headers.message}: ${frame.body}`),
			onWebSocketClose: (event) => this.closed(event),
		});
		this.client.activate();
	}

	// What happened to it, for the explanation of a failure.
	tell(what) {
		this.story.push(`${new Date().toISOString().slice(17, 23)} ${what}`);
		if (this.story.length > 40) this.story.shift();
	}

	get isConnected() {
		return this.connections > 0 && this.client.connected;
	}

	connected() {
		this.connections++;
		this.connectedAt = Date.now();
		this.tell('connected');
		this.client.subscribe('/user/queue/replies', (message) => this.replied(message));
		this.client.subscribe('/user/queue/errors', (message) => this.replied(message));
		this.client.subscribe('/topic/server/announcements', (message) => {
			const { type, data } = JSON.parse(message.body);
			if (type === 'RESYNC') this.resynced();
			else this.announcements.push(data.n);
		});
		this.client.subscribe(`/topic/character/${this.player.character}/position`, (message) => this.shown(JSON.parse(message.body)));
		if (this.listens)
			this.client.subscribe('/topic/zone/1/events', (message) => {
				if (JSON.parse(message.body).type !== 'RESYNC') this.heard++;
			}, { receipt: 'zone' });
		void this.findSelf();
	}

	closed(event) {
		this.tell(`closed ${event.code}`);
		this.closes.push({ code: event.code, at: Date.now() });
		this.walking = false;
		for (const done of this.pending.values()) done(null);
		this.pending.clear();
	}

	replied(message) {
		const { topic, detail } = JSON.parse(message.body) ?? {};
		if (topic) this.revoked.push(`${this.player.character} ${new Date().toISOString()} ${topic}: ${detail}`);
		const done = this.pending.get(message.headers['correlation-id']);
		this.pending.delete(message.headers['correlation-id']);
		done?.({ status: Number(message.headers.status), text: message.body });
	}

	resynced() {
		this.resyncs.push(Date.now());
		this.tell('resync');
		void this.findSelf();
	}

	shown({ type, data }) {
		if (type === 'RESYNC') return;
		this.frames++;
		this.lastFrame = Date.now();
		this.lastSeq = data.last_seq;
		const self = data.entities.find((e) => e.id === this.player.character);
		if (self?.reset && this.walking) this.standAt(self.p[0], self.p[1]);
	}

	// PostgreSQL is about to die. It stands still until it is told to resync: what it sent meanwhile
	// would be taken by the new world and hide how old the place was that the old one had saved.
	noteCrash(at) {
		this.tell(`crash${this.walking ? '' : ' while standing'}`);
		if (this.walking && this.crashAt === undefined) this.crashAt = at;
		this.walking = false;
	}

	// Asks where it is and goes on from there.
	async findSelf() {
		const turn = (this.finding = (this.finding ?? 0) + 1);
		this.walking = false;
		while (!this.stopping && turn === this.finding) {
			const answer = await call({ method: 'GET', path: '/zones/current', token: this.player.token });
			if (turn !== this.finding) return;
			if (answer?.status === 200) {
				const { x, y } = JSON.parse(answer.text);
				const since = this.standAt(x, y);
				if (this.crashAt !== undefined) {
					if (since !== null) this.ages.push({ character: this.player.character, age: this.crashAt - since, crash: new Date(this.crashAt).toISOString(), story: this.story.join('; ') });
					this.crashAt = undefined;
				}
				this.walking = true;
				return;
			}
			await sleep(100);
		}
	}

	// Returns when it was there last; null where it has not walked yet.
	standAt(x, y) {
		const now = Date.now();
		const first = this.path.length === 0;
		let there = null;
		for (let i = this.path.length - 1; i >= 0 && there === null; i--)
			if (Math.abs(this.path[i].x - x) < 0.002 && Math.abs(this.path[i].y - y) < 0.002) there = this.path[i];
		if (there === null && !first) this.stray.push({ x, y, last: this.path.at(-1) });
		if (there !== null) this.metres = there.metres;
		this.path.push({ x, y, metres: this.metres, at: now });
		this.tell(`stands at ${x} ${y}, where it was ${there ? now - there.at : '?'} ms ago`);
		return there?.at ?? null;
	}

	walk() {
		if (!this.walking || !this.client.connected) return;
		const now = Date.now();
		const seconds = Math.min((now - (this.walkedAt ?? now)) / 1000, 0.3);
		this.walkedAt = now;
		this.metres += SPEED * seconds;
		const at = placeAt(this.metres);
		this.path.push({ ...at, metres: this.metres, at: now });
		if (this.path.length > 2000 && this.path[0].at < now - KEPT_MS) this.path.splice(0, 1000);
		this.client.publish({ destination: '/app/input', body: JSON.stringify({ seq: ++this.seq, ...at, z: 0, yaw: 0 }) });
	}

	// Sends a command over STOMP once; null where no answer came.
	send(command) {
		if (!this.client.connected) return Promise.resolve(null);
		const id = `${command.key}/${command.attempts}`;
		return new Promise((resolve) => {
			const timer = setTimeout(() => {
				this.pending.delete(id);
				resolve(null);
			}, 8000);
			this.pending.set(id, (answer) => {
				clearTimeout(timer);
				resolve(answer);
			});
			this.client.publish({ destination: `/app${command.path}`, headers: { 'idempotency-key': command.key, 'correlation-id': id }, body: JSON.stringify(command.body) });
		});
	}

	// Picks up until it is over, over STOMP and now and then over HTTP: the key is the same to both.
	async pickUp() {
		const { ledger } = this;
		const command = ledger.pickup(this.player);
		if (!command) return;
		while (command.state === 'open') {
			if (command.attempts > 0 && ledger.random.chance(0.3)) await attempt(ledger, command);
			else if (this.client.connected) {
				ledger.counts.tried++;
				command.attempts++;
				const answer = await this.send(command);
				if (answer === null) ledger.unanswered(command);
				else ledger.answer(command, answer.status, answer.text);
			}
			if (command.state !== 'open') return;
			if (command.abandon && command.attempts > 0) command.state = 'abandoned';
			await sleep(200);
		}
	}

	live({ picks = true } = {}) {
		const walking = setInterval(() => this.walk(), 100);
		const picking = (async () => {
			while (picks && !this.stopping) {
				await sleep(this.ledger.random.between(500, 1500));
				if (!this.stopping && !this.resting) await this.pickUp();
			}
		})();
		this.end = async () => {
			this.stopping = true;
			await picking;
			clearInterval(walking);
			await this.client.deactivate();
		};
	}
}
