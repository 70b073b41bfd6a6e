/* SPDX-License-Identifier: Apache-2.0 */
/* Who wants one breakpoint, and when: see terms.h. */
#include <errno.h>
#include <stdlib.h>
#include "kvm/terms.h"

static size_t terms_size(const struct condition *condition)
{
	return condition ? condition->size : 0;
}

/* The link to seat's entry, or to the end of the list. */
static struct terms **terms_find(struct terms **list, unsigned seat)
{
	while (*list && (*list)->seat != seat)
		list = &(*list)->next;
	return list;
}

static struct terms *terms_append(struct terms **end, unsigned seat)
{
	struct terms *terms = calloc(1, sizeof(*terms));

	if (!terms)
		return NULL;
	terms->seat = seat;
	*end = terms;
	return terms;
}

int terms_set(
	struct terms **list, unsigned seat, const struct target_breakpoint_spec *spec, size_t *used)
{
	struct terms **link = terms_find(list, seat), *terms = *link;
	size_t freed = terms ? terms_size(terms->condition) : 0;
	struct condition *condition;
	int rc = condition_create(spec, &condition);

	if (rc == 0 && *used - freed + terms_size(condition) > TERMS_MAX_BYTES)
		rc = -ENOSPC;
	if (rc == 0 && !terms)
		terms = terms_append(link, seat);
	if (rc == 0 && !terms)
		rc = -ENOMEM;
	if (rc < 0) {
		condition_destroy(condition);
		return rc;
	}
	*used += terms_size(condition) - freed;
	condition_replace(&terms->condition, condition);
	return 0;
}

void terms_drop(struct terms **list, unsigned seat, size_t *used)
{
	struct terms **link = terms_find(list, seat), *terms = *link;

	if (!terms)
		return;
	*link = terms->next;
	*used -= terms_size(terms->condition);
	condition_destroy(terms->condition);
	free(terms);
}

bool terms_always(const struct terms *list)
{
	while (list && list->condition)
		list = list->next;
	return list;
}

void terms_clear(struct terms **list, size_t *used)
{
	while (*list)
		terms_drop(list, (*list)->seat, used);
}
