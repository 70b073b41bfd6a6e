/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds every file of the folders named on the command line to a fuzz entry once, as an ordinary
 * test.  Prints TAP: one line for each folder.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *folder, const char *name)
{
	static uint8_t data[1 << 20];
	char path[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file)
		return 0;
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	return 1;
}

static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int files = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			files += replay_file(folder, entry->d_name);
	if (dir)
		closedir(dir);
	return files;
}

int main(int argc, char **argv)
{
	int empty = 0;

	for (int i = 1; i < argc; i++) {
		int files = replay_folder(argv[i]);

		printf("%s %d - %d inputs of %s\n", files ? "ok" : "not ok", i, files, argv[i]);
		empty += !files;
	}
	printf("1..%d\n", argc - 1);
	return empty ? EXIT_FAILURE : EXIT_SUCCESS;
}
