// SPDX-License-Identifier: PostgreSQL
let count = 0;
let failed = 0;

export function note(text) {
	for (const line of String(text).split('\n')) console.log(`# ${line}`);
}

// Prints a test; what explains a failure is a string, a list (its head is shown), or anything else.
export function ok(good, name, why = '') {
	count++;
	console.log(`${good ? 'ok' : 'not ok'} ${count} - ${name}`);
	if (good) return;
	failed++;
	if (Array.isArray(why)) note(why.slice(0, 12).map((w) => (typeof w === 'string' ? w : JSON.stringify(w))).join('\n') + (why.length > 12 ? `\n… ${why.length} in all` : ''));
	else if (why !== '') note(typeof why === 'string' ? why : JSON.stringify(why));
}

export const none = (list, name) => ok(list.length === 0, name, list);

export function finish() {
	console.log(`1..${count}`);
	return failed > 0 ? 1 : 0;
}
