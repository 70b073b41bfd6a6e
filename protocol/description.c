/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing target.xml; see description.h.  A type is defined in each feature that uses it, before
 * its first use, as the debugger's parser demands (GDB manual G.2.5).
 */
#include <string.h>
#include "protocol/description.h"

struct vector_type {
	const char *id, *element;
	unsigned count; /* in 128 bits */
};

struct union_field {
	const char *name, *type;
};

struct union_type {
	const char *id;
	struct union_field fields[8]; /* up to the first without a name */
};

/* Every way to look at a vector register of one architecture; the last union is the register. */
struct vector_views {
	const char *architecture; /* a prefix */
	const struct vector_type *vectors;
	unsigned vector_count;
	const struct union_type *unions;
	unsigned union_count;
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* As in gdb's own description of SSE. */
static const struct vector_type x86_vectors[] = {
	{ "v4f", "ieee_single", 4 },
	{ "v2d", "ieee_double", 2 },
	{ "v16i8", "int8", 16 },
	{ "v8i16", "int16", 8 },
	{ "v4i32", "int32", 4 },
	{ "v2i64", "int64", 2 },
};

/* clang-format off */
static const struct union_type x86_unions[] = {
	{ "vec128", { { "v4_float", "v4f" }, { "v2_double", "v2d" }, { "v16_int8", "v16i8" },
		      { "v8_int16", "v8i16" }, { "v4_int32", "v4i32" }, { "v2_int64", "v2i64" },
		      { "uint128", "uint128" } } },
};
/* clang-format on */

/* As in gdb's own description of the AArch64 FPU: by width, then by kind. */
static const struct vector_type arm64_vectors[] = {
	{ "v2d", "ieee_double", 2 },
	{ "v2u", "uint64", 2 },
	{ "v2i", "int64", 2 },
	{ "v4f", "ieee_single", 4 },
	{ "v4u", "uint32", 4 },
	{ "v4i", "int32", 4 },
	{ "v8f", "ieee_half", 8 },
	{ "v8u", "uint16", 8 },
	{ "v8i", "int16", 8 },
	{ "v16u", "uint8", 16 },
	{ "v16i", "int8", 16 },
	{ "v1u", "uint128", 1 },
	{ "v1i", "int128", 1 },
};

/* clang-format off */
static const struct union_type arm64_unions[] = {
	{ "vnd", { { "f", "v2d" }, { "u", "v2u" }, { "s", "v2i" } } },
	{ "vns", { { "f", "v4f" }, { "u", "v4u" }, { "s", "v4i" } } },
	{ "vnh", { { "f", "v8f" }, { "u", "v8u" }, { "s", "v8i" } } },
	{ "vnb", { { "u", "v16u" }, { "s", "v16i" } } },
	{ "vnq", { { "u", "v1u" }, { "s", "v1i" } } },
	{ "aarch64v", { { "d", "vnd" }, { "s", "vns" }, { "h", "vnh" }, { "b", "vnb" },
			{ "q", "vnq" } } },
};
/* clang-format on */

/* As in gdb's own description of SVE: by kind, then by width. */
static const struct vector_type scalable_vectors[] = {
	{ "svevqu", "uint128", 1 },
	{ "svevqs", "int128", 1 },
	{ "svevdf", "ieee_double", 2 },
	{ "svevdu", "uint64", 2 },
	{ "svevds", "int64", 2 },
	{ "svevsf", "ieee_single", 4 },
	{ "svevsu", "uint32", 4 },
	{ "svevss", "int32", 4 },
	{ "svevhf", "ieee_half", 8 },
	{ "svevhu", "uint16", 8 },
	{ "svevhs", "int16", 8 },
	{ "svevbu", "uint8", 16 },
	{ "svevbs", "int8", 16 },
};

/* clang-format off */
static const struct union_type scalable_unions[] = {
	{ "svevnq", { { "u", "svevqu" }, { "s", "svevqs" } } },
	{ "svevnd", { { "f", "svevdf" }, { "u", "svevdu" }, { "s", "svevds" } } },
	{ "svevns", { { "f", "svevsf" }, { "u", "svevsu" }, { "s", "svevss" } } },
	{ "svevnh", { { "f", "svevhf" }, { "u", "svevhu" }, { "s", "svevhs" } } },
	{ "svevnb", { { "u", "svevbu" }, { "s", "svevbs" } } },
	{ "svev", { { "q", "svevnq" }, { "d", "svevnd" }, { "s", "svevns" }, { "h", "svevnh" },
		    { "b", "svevnb" } } },
};
/* clang-format on */

static const struct vector_views scalable_views = { "aarch64", scalable_vectors,
	COUNT_OF(scalable_vectors), scalable_unions, COUNT_OF(scalable_unions) };

static const struct vector_views vector_views[] = {
	{ "i386", x86_vectors, COUNT_OF(x86_vectors), x86_unions, COUNT_OF(x86_unions) },
	{ "i8086", x86_vectors, COUNT_OF(x86_vectors), x86_unions, COUNT_OF(x86_unions) },
	{ "aarch64", arm64_vectors, COUNT_OF(arm64_vectors), arm64_unions, COUNT_OF(arm64_unions) },
};

/* NULL for an architecture we know no views of: its vectors are shown as plain numbers. */
static const struct vector_views *views_find(const char *architecture)
{
	for (size_t i = 0; i < COUNT_OF(vector_views); i++) {
		const char *prefix = vector_views[i].architecture;

		if (!strncmp(architecture, prefix, strlen(prefix)))
			return &vector_views[i];
	}
	return NULL;
}

static const char *views_register_type(const struct vector_views *views)
{
	return views ? views->unions[views->union_count - 1].id : "uint128";
}

static void write_union(struct document *document, const struct union_type *type)
{
	document_put(document, "    <union id=\"%s\">\n", type->id);
	for (size_t i = 0; i < COUNT_OF(type->fields) && type->fields[i].name; i++)
		document_put(document, "      <field name=\"%s\" type=\"%s\"/>\n",
			type->fields[i].name, type->fields[i].type);
	document_put(document, "    </union>\n");
}

static void write_vector(
	struct document *document, const char *id, const char *element, unsigned count)
{
	document_put(
		document, "    <vector id=\"%s\" type=\"%s\" count=\"%u\"/>\n", id, element, count);
}

/* For registers of so many bits. */
static void write_views(struct document *document, const struct vector_views *views, unsigned bits)
{
	for (unsigned i = 0; i < views->vector_count; i++) {
		const struct vector_type *type = &views->vectors[i];

		write_vector(document, type->id, type->element, type->count * bits / 128);
	}
	for (unsigned i = 0; i < views->union_count; i++)
		write_union(document, &views->unions[i]);
}

/* Both start and end, always: gdb takes a field without an end for a parse error. */
static void write_flags(struct document *document, const struct target_flags *flags)
{
	document_put(document, "    <flags id=\"%s\" size=\"%u\">\n", flags->id, flags->bytes);
	for (unsigned i = 0; i < flags->count; i++)
		document_put(document, "      <field name=\"%s\" start=\"%u\" end=\"%u\"/>\n",
			flags->fields[i].name, flags->fields[i].start, flags->fields[i].end);
	document_put(document, "    </flags>\n");
}

static bool feature_has(const struct target_feature *feature, enum target_type type, unsigned bits)
{
	for (unsigned i = 0; i < feature->count; i++)
		if (feature->registers[i].type == type && feature->registers[i].bits == bits)
			return true;
	return false;
}

/* Bits of the first register of that type; 0 when there is none. */
static unsigned feature_bits(const struct target_feature *feature, enum target_type type)
{
	for (unsigned i = 0; i < feature->count; i++)
		if (feature->registers[i].type == type)
			return feature->registers[i].bits;
	return 0;
}

static bool register_has_flags(const struct target_register *reg)
{
	return reg->type == TARGET_TYPE_FLAGS && reg->flags;
}

/* True when an earlier register of the feature has the same type, which is defined by then. */
static bool feature_knows_flags(const struct target_feature *feature, unsigned before)
{
	const char *id = feature->registers[before].flags->id;

	for (unsigned i = 0; i < before; i++)
		if (register_has_flags(&feature->registers[i]) &&
			!strcmp(feature->registers[i].flags->id, id))
			return true;
	return false;
}

static void write_vector_types(struct document *document, const struct target_feature *feature,
	const struct vector_views *views)
{
	unsigned scalable = feature_bits(feature, TARGET_TYPE_SCALABLE);
	unsigned bytes = feature_bits(feature, TARGET_TYPE_BYTES);

	if (views && feature_has(feature, TARGET_TYPE_VECTOR, 128))
		write_views(document, views, 128);
	if (feature_has(feature, TARGET_TYPE_WIDE, 256))
		write_vector(document, "v2ui128", "uint128", 2);
	if (scalable)
		write_views(document, &scalable_views, scalable);
	if (bytes)
		write_vector(document, "svep", "uint8", bytes / 8);
}

static void write_types(struct document *document, const struct target_feature *feature,
	const struct vector_views *views)
{
	write_vector_types(document, feature, views);
	for (unsigned i = 0; i < feature->count; i++)
		if (register_has_flags(&feature->registers[i]) && !feature_knows_flags(feature, i))
			write_flags(document, feature->registers[i].flags);
}

static const char *register_type(
	const struct target_register *reg, const struct vector_views *views)
{
	switch (reg->type) {
	case TARGET_TYPE_CODE_PTR:
		return "code_ptr";
	case TARGET_TYPE_DATA_PTR:
		return "data_ptr";
	case TARGET_TYPE_X87:
		return "i387_ext";
	case TARGET_TYPE_VECTOR:
		return views_register_type(views);
	case TARGET_TYPE_WIDE:
		return reg->bits == 256 ? "v2ui128" : "uint128";
	case TARGET_TYPE_SCALABLE:
		return views_register_type(&scalable_views);
	case TARGET_TYPE_BYTES:
		return "svep";
	case TARGET_TYPE_FLAGS:
		return reg->flags ? reg->flags->id : "int";
	case TARGET_TYPE_INT:
		break;
	}
	return "int"; /* of the register's own size */
}

static bool register_is_vector(const struct target_register *reg)
{
	return reg->type == TARGET_TYPE_VECTOR || reg->type == TARGET_TYPE_WIDE ||
	       reg->type == TARGET_TYPE_SCALABLE || reg->type == TARGET_TYPE_BYTES;
}

/* gdb goes by the type where there is no group; lldb would call it "general". */
static const char *register_group(const struct target_register *reg)
{
	if (reg->group)
		return reg->group;
	if (register_is_vector(reg))
		return "vector";
	return reg->type == TARGET_TYPE_X87 ? "float" : NULL;
}

/* For lldb, which knows few of gdb's types. */
static void write_format(struct document *document, const struct target_register *reg)
{
	if (register_is_vector(reg) || reg->type == TARGET_TYPE_X87)
		document_put(document, " encoding=\"vector\" format=\"vector-uint8\"");
}

/* For lldb, which knows no register by its name; gdb reads over what it does not know. */
static void write_alias(struct document *document, const struct target_alias *alias)
{
	if (alias->other)
		document_put(document, " altname=\"%s\"", alias->other);
	if (alias->role)
		document_put(document, " generic=\"%s\"", alias->role);
	document_put(
		document, " dwarf_regnum=\"%d\" ehframe_regnum=\"%d\"", alias->dwarf, alias->dwarf);
}

static const struct target_alias *alias_find(
	const struct target_description *description, const char *name)
{
	const struct target_alias *alias = description->aliases;

	while (alias && alias->name && strcmp(alias->name, name))
		alias++;
	return alias && alias->name ? alias : NULL;
}

static void write_register(struct document *document, const struct target_register *reg,
	const struct vector_views *views, const struct target_alias *alias)
{
	document_put(document, "    <reg name=\"%s\" bitsize=\"%u\" type=\"%s\"", reg->name,
		reg->bits, register_type(reg, views));
	if (register_group(reg))
		document_put(document, " group=\"%s\"", register_group(reg));
	if (reg->no_save)
		document_put(document, " save-restore=\"no\"");
	write_format(document, reg);
	if (alias)
		write_alias(document, alias);
	document_put(document, "/>\n");
}

static void write_feature(struct document *document, const struct target_feature *feature,
	const struct target_description *description, const struct vector_views *views)
{
	document_put(document, "  <feature name=\"%s\">\n", feature->name);
	write_types(document, feature, views);
	for (unsigned i = 0; i < feature->count; i++) {
		const struct target_register *reg = &feature->registers[i];

		write_register(document, reg, views, alias_find(description, reg->name));
	}
	document_put(document, "  </feature>\n");
}

void description_write(
	struct document *document, const struct target_description *description, bool all)
{
	const struct vector_views *views = views_find(description->architecture);
	unsigned listed = !all && description->listed_count ? description->listed_count
							    : description->register_count;
	unsigned first = 0;

	document_put(document, "<?xml version=\"1.0\"?>\n"
			       "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
			       "<target version=\"1.0\">\n");
	document_put(document, "  <architecture>%s</architecture>\n", description->architecture);
	for (unsigned i = 0; i < description->feature_count && first < listed; i++) {
		write_feature(document, &description->features[i], description, views);
		first += description->features[i].count;
	}
	document_put(document, "</target>\n");
}

const struct target_register *description_register(
	const struct target_description *description, unsigned number)
{
	for (unsigned i = 0; i < description->feature_count; i++) {
		const struct target_feature *feature = &description->features[i];

		if (number < feature->count)
			return &feature->registers[number];
		number -= feature->count;
	}
	return NULL;
}

size_t description_register_size(const struct target_register *reg)
{
	size_t size = reg->bits / 8;

	return size < TARGET_REGISTER_MAX_BYTES ? size : TARGET_REGISTER_MAX_BYTES;
}
