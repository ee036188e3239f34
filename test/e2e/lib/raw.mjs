// SPDX-License-Identifier: PostgreSQL
//
// Bytes in, bytes out: for what a well-behaved client would never send.
import net from 'node:net';
import WebSocket from 'ws';
import { noteCode } from './coverage.mjs';
import { Inbox } from './inbox.mjs';
import { edge } from './openapi.mjs';
import { realtime } from './stomp.mjs';

const target = new URL(edge);

/*
 * One connection to the edge. Parts are written one after another; numbers are pauses in ms. Ends
 * when the edge closes, when there are as many answers as wanted, or when the time is up.
 */
export function rawHttp(parts, { milliseconds = 1500, wanted = Infinity } = {}) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(Number(target.port), target.hostname);
		const chunks = [];
		const timer = setTimeout(() => finish(false), milliseconds);
		const finish = (closed) => {
			clearTimeout(timer);
			socket.destroy();
			resolve(parse(Buffer.concat(chunks).toString('latin1'), closed));
		};
		socket.on('data', (chunk) => {
			chunks.push(chunk);
			if (parse(Buffer.concat(chunks).toString('latin1')).responses.length >= wanted) finish(false);
		});
		socket.on('end', () => finish(true));
		socket.on('error', (error) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? finish(true) : reject(error)));
		socket.on('connect', async () => {
			for (const part of [parts].flat()) {
				if (typeof part === 'number') await new Promise((next) => setTimeout(next, part));
				else if (!socket.destroyed) socket.write(part);
			}
		});
	});
}

function parse(text, closed) {
	const responses = [];
	let rest = text;
	for (;;) {
		const [, head] = /^(HTTP\/1\.[01] \d{3}[^]*?\r\n)\r\n/.exec(rest) ?? [];
		if (!head) break;
		const headers = Object.fromEntries([...head.matchAll(/^([\w-]+): *(.*)\r$/gm)].map(([, name, value]) => [name.toLowerCase(), value]));
		const length = Number(headers['content-length'] ?? 0);
		const body = rest.slice(head.length + 2, head.length + 2 + length);
		if (body.length < length) break;
		const response = { status: Number(head.slice(9, 12)), headers, body };
		if (headers['content-type']?.includes('problem')) {
			response.problem = JSON.parse(body);
			noteCode(response.problem.code);
		}
		responses.push(response);
		rest = rest.slice(head.length + 2 + length);
	}
	return { responses, closed, text };
}

// A WebSocket without a STOMP client on it; what comes is cut into frames.
export class RawStomp {
	frames = new Inbox();
	#bytes = Buffer.alloc(0);

	static async open({ query = '', protocols = ['v12.stomp', 'v11.stomp', 'v10.stomp'] } = {}) {
		const it = new RawStomp();
		it.socket = new WebSocket(realtime + query, protocols, { perMessageDeflate: false });
		it.closed = new Promise((resolve) => it.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })));
		it.socket.on('message', (data) => it.#take(data));
		await new Promise((resolve, reject) => {
			it.socket.on('open', resolve);
			it.socket.on('error', reject);
		});
		return it;
	}

	#take(data) {
		this.#bytes = Buffer.concat([this.#bytes, data]);
		for (;;) {
			let at = 0;
			while (this.#bytes[at] === 10 || this.#bytes[at] === 13) at++;
			if (at > 0) this.beats = (this.beats ?? 0) + 1;
			const bytes = this.#bytes.subarray(at);
			const head = bytes.indexOf('\n\n');
			if (head < 0) {
				this.#bytes = bytes;
				return;
			}
			const [command, ...lines] = bytes.subarray(0, head).toString().split('\n');
			const headers = {};
			for (const line of lines) headers[line.slice(0, line.indexOf(':'))] ??= line.slice(line.indexOf(':') + 1);
			const end = headers['content-length'] ? head + 2 + Number(headers['content-length']) : bytes.indexOf(0, head + 2);
			if (end < 0 || end >= bytes.length) {
				this.#bytes = bytes;
				return;
			}
			if (command === 'ERROR' && /^[A-Z_]+$/.test(headers.message)) noteCode(headers.message);
			this.frames.push({ command, headers, body: bytes.subarray(head + 2, end) });
			this.#bytes = bytes.subarray(end + 1);
		}
	}

	send(data) {
		this.socket.send(data);
	}

	// Sends a frame of strings: frame('SEND', {destination: '/app/input'}, '{}').
	frame(command, headers = {}, body = '') {
		this.send(frame(command, headers, body));
	}

	next(command, milliseconds) {
		return this.frames.find((item) => item.command === command && !item.seen && (item.seen = true), command, milliseconds);
	}

	async connect(token, headers = {}) {
		this.frame('CONNECT', { 'accept-version': '1.2', Authorization: `Bearer ${token}`, ...headers });
		return this.next('CONNECTED');
	}

	async end() {
		this.socket.terminate();
		await this.closed;
	}
}

export function frame(command, headers = {}, body = '') {
	return `${command}\n${Object.entries(headers).map(([name, value]) => `${name}:${value}\n`).join('')}\n${body}\0`;
}
