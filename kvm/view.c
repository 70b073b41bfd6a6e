/* SPDX-License-Identifier: Apache-2.0 */
/* Guest-virtual memory: see view.h. */
#include <errno.h>
#include "kvm/view.h"

enum { VIEW_REGION_PIECES = 4096 }; /* that one region is put together from, at most */

int view_translate(const struct view *view, gva_t gva, struct translation *out)
{
	struct vm *vm = view->vm;
	struct physical physical = memory_physical(&vm->memory);
	int rc = vcpu_fetch(view->vcpu, CPU_STOP, vm->call_timeout_ms);

	if (rc < 0)
		return rc;
	if (walk_memo_find(&vm->walks, view->vcpu->index, gva, out))
		return 1;
	vm->counts.walks++;
	rc = vm->arch->translate(&view->vcpu->cpu, &physical, gva, out);
	if (rc == 1)
		walk_memo_add(&vm->walks, view->vcpu->index, gva, out);
	return rc;
}

/* Where gva is, and how many of length bytes lie in the same page. */
static int view_run(const struct view *view, gva_t gva, size_t length, gpa_t *gpa, size_t *run)
{
	struct translation translation;
	uint64_t left;

	if (view_translate(view, gva, &translation) != 1)
		return -EFAULT;
	left = translation.page_bytes - (gva & (translation.page_bytes - 1));
	*gpa = translation.gpa;
	*run = length < left ? length : (size_t)left;
	return 0;
}

/* As much of it as memory has: a region may end inside. */
static size_t view_read_run(struct vm *vm, gpa_t gpa, uint8_t *buf, size_t run)
{
	size_t done = memory_recall(&vm->memory, gpa, buf, run);

	plant_hide(&vm->plants, gpa, buf, done);
	return done;
}

ssize_t view_read(const struct view *view, gva_t gva, void *buf, size_t length)
{
	size_t done = 0, run, got;
	gpa_t gpa;
	int rc = 0;

	if (!length)
		return view_run(view, gva, 1, &gpa, &run);
	while (done < length && gva + done >= gva) {
		rc = view_run(view, gva + done, length - done, &gpa, &run);
		if (rc < 0)
			break;
		got = view_read_run(view->vm, gpa, (uint8_t *)buf + done, run);
		done += got;
		rc = -ENXIO;
		if (got < run)
			break;
	}
	return done ? (ssize_t)done : rc;
}

/* 0 if every byte is there and may be written, so that a write cannot fail half-way. */
static int view_check_write(const struct view *view, gva_t gva, size_t length)
{
	size_t done = 0, run;
	gpa_t gpa;
	int rc = 0;

	while (done < length && rc == 0) {
		if (gva + done < gva || view_run(view, gva + done, length - done, &gpa, &run) < 0)
			return -EFAULT;
		rc = memory_check_write(&view->vm->memory, gpa, run);
		done += run;
	}
	return rc;
}

static int view_write_run(struct vm *vm, gpa_t gpa, const uint8_t *buf, size_t run)
{
	plant_yield(&vm->plants, gpa, run);
	walk_memo_forget(&vm->walks);
	return memory_write(&vm->memory, gpa, buf, run);
}

int view_write(const struct view *view, gva_t gva, const void *buf, size_t length)
{
	int rc = view_check_write(view, gva, length ? length : 1);
	size_t done = 0, run;
	gpa_t gpa;

	while (done < length && rc == 0) {
		rc = view_run(view, gva + done, length - done, &gpa, &run);
		if (rc < 0)
			return rc;
		rc = view_write_run(view->vm, gpa, (const uint8_t *)buf + done, run);
		done += run;
	}
	return rc;
}

/* ---- guest-physical ---------------------------------------------------------------------- */

ssize_t view_read_physical(struct vm *vm, gpa_t gpa, void *buf, size_t length)
{
	uint64_t left = UINT64_MAX - gpa;
	size_t done;

	if (length && length - 1 > left)
		length = (size_t)left + 1;
	if (!length)
		return memory_find(&vm->memory, gpa) ? 0 : -ENXIO;
	done = view_read_run(vm, gpa, buf, length);
	return done ? (ssize_t)done : -ENXIO;
}

int view_write_physical(struct vm *vm, gpa_t gpa, const void *buf, size_t length)
{
	int rc = memory_check_write(&vm->memory, gpa, length ? length : 1);

	return rc < 0 ? rc : view_write_run(vm, gpa, buf, length);
}

/* ---- regions ----------------------------------------------------------------------------- */

/* The block of so many bytes, a power of two, around gva. */
static void region_set_block(struct target_region *region, gva_t gva, uint64_t bytes)
{
	region->start = gva & ~(bytes - 1);
	region->last = gva | (bytes - 1);
}

/* Cuts the region down to what lies between two guest-physical addresses; gva is at gpa. */
static void region_cut(struct target_region *region, gva_t gva, gpa_t gpa, gpa_t first, gpa_t last)
{
	if (gpa - first < gva - region->start)
		region->start = gva - (gpa - first);
	if (last - gpa < region->last - gva)
		region->last = gva + (last - gpa);
}

/* Of a page, what is memory all the same, or what is none: a page may be larger than either. */
static void region_set_memory(
	struct target_region *region, const struct memory *memory, gva_t gva, gpa_t gpa)
{
	const struct memory_region *ram = memory_find(memory, gpa);
	gpa_t first = 0, last = UINT64_MAX;

	for (unsigned i = 0; !ram && i < memory->count; i++) {
		const struct memory_region *other = &memory->regions[i];

		if (other->gpa < gpa)
			first = other->gpa + other->size;
		else if (other->gpa - 1 < last)
			last = other->gpa - 1;
	}
	if (ram) {
		first = ram->gpa;
		last = ram->gpa + (ram->size - 1);
	}
	region->mapped = ram;
	region_cut(region, gva, gpa, first, last);
}

/* What one look into the page tables tells: 0 or -errno. */
static int region_look(const struct view *view, gva_t gva, struct target_region *region)
{
	struct translation translation = { .hole_bytes = 0 };
	int rc = view_translate(view, gva, &translation);

	*region = (struct target_region){ .mapped = false };
	if (rc != 1 && !translation.hole_bytes)
		return rc < 0 ? rc : -EFAULT;
	region_set_block(region, gva, rc == 1 ? translation.page_bytes : translation.hole_bytes);
	if (rc != 1)
		return 0;
	region_set_memory(region, &view->vm->memory, gva, translation.gpa);
	region->writable = region->mapped && translation.writable;
	region->executable =
		region->mapped && (translation.executable || translation.user_executable);
	return 0;
}

static bool region_is_like(const struct target_region *one, const struct target_region *other)
{
	return one->mapped == other->mapped && one->writable == other->writable &&
	       one->executable == other->executable;
}

int view_region(const struct view *view, gva_t gva, struct target_region *region)
{
	int rc = region_look(view, gva, region);

	for (unsigned i = 1; rc == 0 && i < VIEW_REGION_PIECES && region->last != UINT64_MAX; i++) {
		struct target_region next;

		if (region_look(view, region->last + 1, &next) < 0 ||
			!region_is_like(region, &next))
			break;
		region->last = next.last;
	}
	return rc;
}

/* ---- as the architectures see it --------------------------------------------------------- */

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
