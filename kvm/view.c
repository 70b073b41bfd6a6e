/* SPDX-License-Identifier: Apache-2.0 */
/* Guest-virtual memory: see view.h. */
#include <errno.h>
#include "kvm/view.h"

enum { VIEW_PAGE = 4096 }; /* the smallest page of either architecture: no run is longer */

int view_translate(const struct view *view, gva_t gva, struct translation *out)
{
	struct vm *vm = view->vm;
	struct physical physical = memory_physical(&vm->memory);
	int rc = vcpu_fetch(view->vcpu, CPU_STOP, vm->call_timeout_ms);

	if (rc < 0)
		return rc;
	return vm->arch->translate(&view->vcpu->cpu, &physical, gva, out);
}

/* Where gva is, and how many of length bytes lie in the same page. */
static int view_run(const struct view *view, gva_t gva, size_t length, gpa_t *gpa, size_t *run)
{
	struct translation translation;
	size_t left = VIEW_PAGE - (gva & (VIEW_PAGE - 1));

	if (view_translate(view, gva, &translation) != 1)
		return -EFAULT;
	*gpa = translation.gpa;
	*run = length < left ? length : left;
	return 0;
}

/* The part of a page that memory really has: a region may end inside it. */
static size_t view_read_run(struct vm *vm, gpa_t gpa, uint8_t *buf, size_t run)
{
	size_t done = 0;

	if (memory_read(&vm->memory, gpa, buf, run) == 0)
		done = run;
	while (done < run && memory_read(&vm->memory, gpa + done, buf + done, 1) == 0)
		done++;
	plant_hide(&vm->plants, gpa, buf, done);
	return done;
}

ssize_t view_read(const struct view *view, gva_t gva, void *buf, size_t length)
{
	size_t done = 0, run, got;
	gpa_t gpa;

	if (!length)
		return view_run(view, gva, 1, &gpa, &run);
	while (done < length && gva + done >= gva) {
		if (view_run(view, gva + done, length - done, &gpa, &run) < 0)
			break;
		got = view_read_run(view->vm, gpa, (uint8_t *)buf + done, run);
		done += got;
		if (got < run)
			break;
	}
	return done ? (ssize_t)done : -EFAULT;
}

static bool view_can_write(const struct memory *memory, gpa_t gpa)
{
	const struct memory_region *region = memory_find(memory, gpa);
	uint8_t byte;

	return region && region->writable && memory_read(memory, gpa, &byte, 1) == 0;
}

/* True if every byte is there and may be written, so that a write cannot fail half-way. */
static bool view_covers(const struct view *view, gva_t gva, size_t length)
{
	size_t done = 0, run;
	gpa_t gpa;

	while (done < length) {
		if (gva + done < gva || view_run(view, gva + done, length - done, &gpa, &run) < 0)
			return false;
		if (!view_can_write(&view->vm->memory, gpa) ||
			!view_can_write(&view->vm->memory, gpa + run - 1))
			return false;
		done += run;
	}
	return true;
}

int view_write(const struct view *view, gva_t gva, const void *buf, size_t length)
{
	struct vm *vm = view->vm;
	size_t done = 0, run;
	gpa_t gpa;

	if (!view_covers(view, gva, length ? length : 1))
		return -EFAULT;
	while (done < length) {
		if (view_run(view, gva + done, length - done, &gpa, &run) < 0)
			return -EFAULT;
		plant_yield(&vm->plants, gpa, run);
		if (memory_write(&vm->memory, gpa, (const uint8_t *)buf + done, run) < 0)
			return -EFAULT;
		done += run;
	}
	return 0;
}

static int view_memory_read(void *context, gva_t gva, void *buf, size_t length)
{
	return view_read(context, gva, buf, length) == (ssize_t)length ? 0 : -EFAULT;
}

static int view_memory_write(void *context, gva_t gva, const void *buf, size_t length)
{
	return view_write(context, gva, buf, length);
}

struct guest_memory view_memory(struct view *view)
{
	return (struct guest_memory){
		.read = view_memory_read, .write = view_memory_write, .context = view
	};
}
