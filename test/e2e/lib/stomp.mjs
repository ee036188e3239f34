// SPDX-License-Identifier: PostgreSQL
//
// The realtime server as @stomp/stompjs sees it, which is the client that players' browsers use.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Client } from '@stomp/stompjs';
import WebSocket from 'ws';
import { noteCode, noteRoute } from './coverage.mjs';
import { Inbox } from './inbox.mjs';
import { checkAnswer, checkProblem, findOperation } from './openapi.mjs';

export const realtime = process.env.NECP_REALTIME_URL ?? 'ws://127.0.0.1:8090/ws';

function checkEnvelope(topic, message) {
	const { version, ...envelope } = message;
	assert.deepEqual(Object.keys(envelope), ['topic', 'seq', 'type', 'ts', 'data'], JSON.stringify(message));
	assert.equal(message.topic, topic);
	assert.ok(Number.isSafeInteger(message.seq) && message.seq >= 0);
	assert.match(message.type, /^[A-Z][A-Z0-9_]*$/);
	assert.match(message.ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
	if (version !== undefined) assert.ok(Number.isSafeInteger(version) && version > 0);
}

// A refusal on /user/queue/errors: a problem document, with the topic where it is about one.
function checkRefusal({ body: { topic, trace_id = randomUUID(), ...problem }, status }) {
	checkProblem({ ...problem, trace_id }, 'a refusal');
	assert.equal(problem.status, status);
	noteCode(problem.code);
}

// stompjs swallows what its handlers throw; a test has to fail of it.
function strictly(handler) {
	return (message) => {
		try {
			handler(message);
		} catch (error) {
			setImmediate(() => { throw error; });
		}
	};
}

export class Refused extends Error {
	constructor(problem) {
		super(JSON.stringify(problem));
		Object.assign(this, problem);
	}
}

export class Realtime {
	replies = new Inbox();
	refusals = new Inbox();
	#client;
	#closed;

	// options: {token} or {ticket}, and headers of CONNECT. Rejects with the ERROR frame's message.
	static async connect({ token, ticket, headers = {}, ...settings }) {
		const it = new Realtime();
		await it.#open(ticket ? `${realtime}?ticket=${ticket}` : realtime, token ? { Authorization: `Bearer ${token}`, ...headers } : headers, settings);
		await it.#listen('/user/queue/replies', it.replies);
		await it.#listen('/user/queue/errors', it.refusals, checkRefusal);
		return it;
	}

	#open(url, connectHeaders, settings) {
		this.#client = new Client({
			webSocketFactory: () => new WebSocket(url, ['v12.stomp', 'v11.stomp', 'v10.stomp']),
			connectHeaders,
			reconnectDelay: 0,
			heartbeatIncoming: 0,
			heartbeatOutgoing: 0,
			...settings,
		});
		return new Promise((resolve, reject) => {
			let error;
			this.#closed = new Promise((closed) => {
				this.#client.onWebSocketClose = ({ code, reason }) => {
					closed({ code, reason: String(reason), error });
					reject(new Error(error ?? `closed with ${code}`));
				};
			});
			this.#client.onConnect = (frame) => {
				this.connected = frame.headers;
				resolve();
			};
			this.#client.onStompError = (frame) => {
				error = frame.headers.message;
				if (/^[A-Z_]+$/.test(error)) noteCode(error);
			};
			this.#client.activate();
		});
	}

	#receipt() {
		const id = randomUUID();
		return [id, new Promise((resolve) => this.#client.watchForReceipt(id, resolve))];
	}

	async #listen(destination, inbox, check) {
		const [receipt, received] = this.#receipt();
		this.#client.subscribe(destination, strictly(({ headers, body }) => {
			const item = { correlation: headers['correlation-id'], status: Number(headers.status), body: JSON.parse(body) };
			check?.(item);
			inbox.push(item);
		}), { receipt });
		await received;
	}

	// Resolves to an Inbox of the topic's messages once the server listens; rejects with Refused.
	async subscribe(topic, headers = {}) {
		const [receipt, received] = this.#receipt();
		const inbox = new Inbox();
		const subscription = this.#client.subscribe(topic, strictly(({ body }) => {
			const message = JSON.parse(body);
			checkEnvelope(topic, message);
			inbox.push(message);
		}), { receipt, ...headers });
		inbox.unsubscribe = async () => {
			const [id, done] = this.#receipt();
			subscription.unsubscribe({ receipt: id });
			await done;
		};
		const refused = this.refusals.find((item) => item.correlation === receipt, `receipt or refusal for ${topic}`);
		await Promise.race([received, refused.then(({ body }) => { throw new Refused(body); }, (error) => { throw error; })]);
		refused.catch(() => {});
		return inbox;
	}

	// SEND to /app: resolves to what the route answers, rejects with Refused.
	async send(path, body, { key, headers = {} } = {}) {
		const correlation = randomUUID();
		const mine = (item) => item.correlation === correlation;
		const wait = Promise.race([
			this.replies.next(mine, `reply to ${path}`),
			this.refusals.next(mine, `reply to ${path}`).then((item) => { throw new Refused(item.body); }),
		]);
		this.#client.publish({
			destination: `/app${path}`,
			body: body === undefined ? '' : JSON.stringify(body),
			headers: { 'correlation-id': correlation, ...(key && { 'idempotency-key': key }), ...headers },
		});
		const { status, body: answer } = await wait;
		const operation = findOperation('POST', path);
		checkAnswer('POST', operation, status, 'application/json', answer);
		noteRoute('POST', operation.template, status);
		return answer;
	}

	// Movement: nothing comes back but position frames.
	input(seq, { x, y, z = 0, yaw = 0 }) {
		this.#client.publish({ destination: '/app/input', body: JSON.stringify({ seq, x, y, z, yaw }) });
	}

	publish(frame) {
		this.#client.publish(frame);
	}

	// Resolves to {code, reason, error} once the socket is closed by whichever side.
	closed() {
		return this.#closed;
	}

	async close() {
		await this.#client.deactivate();
	}
}
