/* SPDX-License-Identifier: PostgreSQL
 *
 * Error codes and problem documents.
 */
#include "errors.h"

#include <jansson.h>

#include "common_tap.h"

static void
test_table(void)
{
	bool unique = true;
	bool classed = true;

	for (int i = 1; i < NECP_ERROR_COUNT; i++)
	{
		const NecpErrorInfo *info = necp_error_info((NecpErrorCode) i);

		unique = unique && necp_error_by_sqlstate(info->sqlstate) == (NecpErrorCode) i &&
				 necp_error_by_name(info->name) == (NecpErrorCode) i;
		classed = classed && strncmp(info->sqlstate, "NC", 2) == 0 && strlen(info->sqlstate) == 5 &&
				  info->status >= 400 && info->status <= 599;
	}
	ok(unique, "every name and SQLSTATE is there once");
	ok(classed, "every SQLSTATE is of our class, every status an error");
	ok(necp_error_by_sqlstate("NC999") == NECP_NO_ERROR, "an unknown code of our class");
	ok(necp_error_by_sqlstate("22012") == NECP_NO_ERROR, "a foreign code");
	ok(necp_constraint_lookup("accounts_email_key")->code == NECP_EMAIL_TAKEN, "a constraint");
	ok(necp_constraint_lookup("no_such_key") == NULL, "a constraint nobody knows");
}

static NecpErrorCode
map(const char *sqlstate, const char *constraint)
{
	NecpProblem problem;

	necp_problem_from_report(&problem, sqlstate, "secret", NULL, NULL, constraint);
	return problem.code;
}

static void
test_mapping(void)
{
	NecpProblem problem;

	ok(map("22003", NULL) == NECP_VALIDATION, "class 22");
	ok(map("23514", NULL) == NECP_CONFLICT, "class 23");
	ok(map("23505", "characters_name_key") == NECP_NAME_TAKEN, "a known constraint");
	ok(map("28000", NULL) == NECP_UNAUTHENTICATED && map("42501", NULL) == NECP_FORBIDDEN,
	   "28, 42501");
	ok(map("40001", NULL) == NECP_RETRY && map("40P01", NULL) == NECP_RETRY &&
		   map("55P03", NULL) == NECP_RETRY,
	   "transient failures");
	ok(map("57014", NULL) == NECP_TIMEOUT, "57014");
	ok(map("08006", NULL) == NECP_UNAVAILABLE && map("53300", NULL) == NECP_UNAVAILABLE &&
		   map("57P01", NULL) == NECP_UNAVAILABLE,
	   "08, 53, 57P");
	ok(map("XX000", NULL) == NECP_INTERNAL && map("42P01", NULL) == NECP_INTERNAL, "the rest");
	necp_problem_from_report(&problem, "XX000", "secret", NULL, NULL, NULL);
	is(problem.detail, "", "the text of the rest is withheld");
	necp_problem_from_report(&problem, "NC240", "too far", "drop_id", NULL, NULL);
	ok(problem.code == NECP_TOO_FAR && strcmp(problem.field, "drop_id") == 0,
	   "ours, with the field");
	necp_problem_from_report(&problem, "NCR01", "slow down", NULL, "17", NULL);
	ok(problem.retry_after == 17, "Retry-After from the data type's name");
	necp_problem_from_report(&problem, "NCR01", "slow down", NULL, "soon", NULL);
	ok(problem.retry_after == 1, "nonsense there is ignored");
	necp_problem_from_result(&problem, NULL);
	ok(problem.code == NECP_UNAVAILABLE && problem.retry_after > 0, "no result: unavailable");
	ok(necp_sqlstate_is_transient("40P01") && !necp_sqlstate_is_transient("23505"), "transient");
}

static void
test_document(void)
{
	NecpProblem problem;
	NecpBuf out = {0};
	json_t *json;

	necp_problem_set(&problem, NECP_TOO_FAR, "drop_id", "%s m \"away\"", "12");
	necp_problem_write(&problem, "id", &out);
	json = json_loadb(out.data, out.len, 0, NULL);
	is(json_string_value(json_object_get(json, "type")), "urn:necp:error:TOO_FAR", "type");
	is(json_string_value(json_object_get(json, "code")), "TOO_FAR", "code");
	is(json_string_value(json_object_get(json, "detail")), "12 m \"away\"", "detail");
	is(json_string_value(json_object_get(json, "field")), "drop_id", "field");
	is(json_string_value(json_object_get(json, "trace_id")), "id", "trace id");
	ok(json_integer_value(json_object_get(json, "status")) == 422, "status");
	json_decref(json);
	out.len = 0;
	necp_problem_set(&problem, NECP_NOT_FOUND, NULL, NULL);
	necp_problem_write(&problem, NULL, &out);
	json = json_loadb(out.data, out.len, 0, NULL);
	ok(json_object_size(json) == 5, "what is empty is left out");
	ok(json_object_get(json, "trace_id") != NULL, "but a trace id, which is made");
	json_decref(json);
	necp_buf_free(&out);
}

int
main(void)
{
	test_table();
	test_mapping();
	test_document();
	return done_testing();
}
