// SPDX-License-Identifier: PostgreSQL
//
// A client of the API that believes no answer before the API's description has agreed with it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { noteCode, noteRoute } from './coverage.mjs';
import { api, checkAnswer, checkProblem, findOperation } from './openapi.mjs';

// Codes that depend on no operation: the path or the method is wrong.
const PATHLESS = ['NOT_FOUND', 'METHOD_NOT_ALLOWED', 'UNAVAILABLE', 'VALIDATION'];

function judge(method, path, status, headers, body) {
	const found = findOperation(method, path);
	const type = headers.get('content-type')?.split(';')[0];
	assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/, 'every answer names its request');
	assert.equal(headers.get('cache-control'), 'no-store');
	assert.equal(headers.get('x-content-type-options'), 'nosniff');
	if (status === 429 || status === 503) assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/, `${status} says when`);
	if (found) checkAnswer(method, found, status, type, body);
	else {
		checkProblem(body, `${method} ${path} → ${status}`);
		assert.ok(PATHLESS.includes(body.code), `${method} ${path} → ${body.code}`);
	}
	if (status < 300) noteRoute(method, found.template, status);
	else {
		assert.equal(body.status, status);
		assert.equal(body.type, `urn:necp:error:${body.code}`);
		assert.equal(body.trace_id, headers.get('x-request-id'));
		noteCode(body.code);
	}
}

/*
 * Sends a request and returns {status, headers, body}. expect is a status or an error code; without
 * it the answer has to be a good one; null lets every answer pass. body is sent as JSON, raw as it is.
 */
export async function call(method, path, { body, raw, token, key, headers = {}, expect } = {}) {
	const sent = { ...headers };
	if (token !== undefined) sent.authorization = `Bearer ${token}`;
	if (key !== undefined) sent['idempotency-key'] = key;
	if (body !== undefined || raw !== undefined) sent['content-type'] ??= 'application/json';
	const response = await fetch(api + path, { method, headers: sent, body: raw ?? (body === undefined ? undefined : JSON.stringify(body)) });
	const text = await response.text();
	const answer = { status: response.status, headers: response.headers, body: JSON.parse(text) };
	judge(method, path.split('?')[0], answer.status, answer.headers, answer.body);
	const got = `${method} ${path} → ${answer.status} ${text.slice(0, 500)}`;
	if (typeof expect === 'string') assert.equal(answer.body.code, expect, got);
	else if (expect === undefined) assert.ok(response.ok, got);
	else if (expect !== null) assert.equal(answer.status, expect, got);
	return answer;
}

// Somebody who calls, with or without a token. Answers are bodies; ask call() for more.
export class Caller {
	token;

	async get(path, options) {
		return (await call('GET', path, { token: this.token, ...options })).body;
	}

	async post(path, body, options) {
		return (await call('POST', path, { token: this.token, body, ...options })).body;
	}

	// A command with an Idempotency-Key of its own.
	async command(path, body, options) {
		return this.post(path, body, { key: randomUUID(), ...options });
	}
}

export const nobody = new Caller();
