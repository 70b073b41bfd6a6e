/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a VM besides what its VMM has said: see vmm.h. */
#include "daemon/daemon.h"
#include "daemon/question.h"
#include "daemon/vmm.h"

void vmm_hear(struct vmm *vmm, const struct control_answer *answer)
{
	vmm->debuggers = answer->debuggers;
	vmm->is_held = answer->is_held;
	vmm->current = answer->counts;
	if (answer->has_taken && vmm->is_boot_held) {
		vmm->is_boot_held = false;
		store_set_released(&vmm->stored);
	}
	metrics_on_answer(&vmm->daemon->metrics, answer->id);
	question_hear(vmm, answer);
}

void vmm_close_books(struct vmm *vmm, bool clean)
{
	counts_add(&vmm->past, &vmm->current);
	vmm->current = (struct counts){ .runs = 0 };
	vmm->debuggers = 0;
	vmm->is_held = false;
	vmm->daemon->counts.workers_died += !clean;
	question_fail_all(vmm);
}

struct counts vmm_counts(const struct vmm *vmm)
{
	struct counts sum = vmm->past;

	counts_add(&sum, &vmm->current);
	return sum;
}

unsigned vmm_planted(const struct vmm *vmm)
{
	return vmm->is_named && vmm->life == VMM_READY ? journal_count(&vmm->lent.journal) : 0;
}
