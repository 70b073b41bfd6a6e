/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the configuration again: see reload.h. */
#include <stdlib.h>
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/reload.h"

/* NULL after one log line. */
static struct options *reload_read(const struct daemon *daemon)
{
	struct options *fresh = malloc(sizeof(*fresh));
	struct conf_environment environment;
	struct conf_error error;

	if (!fresh) {
		log_errorx("no memory to read the configuration again: it stays as it was");
		return NULL;
	}
	*fresh = *daemon->options; /* the command line's part stays */
	conf_environment_init(&environment);
	if (options_load(fresh, &environment, &error) == 0)
		return fresh;
	log_errorx("%s; the configuration stays as it was", error.text);
	free(fresh);
	return NULL;
}

static void reload_log(const char *kept)
{
	if (kept[0])
		log_warnx("the configuration was read again; what is read at the start alone has "
			  "changed, too, and stays as it was: %s",
			kept);
	else
		log_info("the configuration was read again");
}

void reload(struct daemon *daemon)
{
	struct options *fresh = reload_read(daemon);
	char kept[CONF_KEPT_SIZE];

	if (!fresh)
		return;
	conf_keep_fixed(&fresh->conf, &daemon->options->conf, kept, sizeof(kept));
	fresh->vcpu_socket = daemon->options->vcpu_socket;
	fresh->control_socket = daemon->options->control_socket;
	fresh->metrics_socket = daemon->options->metrics_socket;
	if (listeners_change(&daemon->listeners, fresh) < 0) {
		log_errorx("the configuration stays as it was");
		free(fresh);
		return;
	}
	daemon_set_options(daemon, fresh);
	reload_log(kept);
}
