// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The daemon: it keeps the data plane as the file says, less the backends that are
 * down or drain. What it knows is in the maps, but for how often a check has
 * failed: a new one goes on where an old one was killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "apply.h"
#include "complain.h"
#include "control.h"
#include "health.h"
#include "lbd.h"
#include "loader.h"
#include "loop.h"
#include "names.h"
#include "pins.h"
#include "rings.h"
#include "who.h"

enum { LOOK = 1000 }; /* milliseconds from one look at the pins to the next */

static const char *path;
static struct config *config;
static __u32 plane;	     /* the id of its map `vips`; 0: there is none */
static struct lb_maps maps;  /* of the plane, if any */
static struct lb_tables now; /* what is in them */
static bool stale[LB_VIPS_MAX + 1]; /* by VIP: its ring is to be made anew */
static struct {
	bool state;	 /* is to be written */
	bool found;	 /* is to be told: it is down, or up if WHY is NULL */
	const char *why; /* strerror()'s, which stays */
} changes_of[LB_BACKENDS_MAX]; /* by backend, for refresh() */
static volatile sig_atomic_t hangup;

/* -- states --------------------------------------------------------------- */

/* Tells of a VIP that nobody is left for. */
static void tell_if_empty(__u32 vip)
{
	char text[NAME_TEXT];

	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		const struct lb_backend *b = &now.backends[n];

		if (b->vip == vip && b->state == LB_UP && b->weight)
			return;
	}
	printf("%s has no backend for new flows\n",
	       vip_text(&now.vips[vip].service, text));
}

/* Tells what the checks have found of backend N. */
static void tell_finding(__u32 n)
{
	const struct lb_backend *b = &now.backends[n];
	const char *why = changes_of[n].why;
	char text[NAME_TEXT], vip[NAME_TEXT];

	printf("%s of %s is %s%s%s\n", backend_text(b, text),
	       vip_text(&now.vips[b->vip].service, vip), why ? "down" : "up",
	       why ? ": " : "", why ?: "");
}

/* Writes the states that have changed, and tells what has been found. */
static bool write_states(void)
{
	bool well = true;

	for (__u32 n = 1; n < LB_BACKENDS_MAX; n++) {
		struct lb_backend *b = &now.backends[n];
		char text[NAME_TEXT];

		if (changes_of[n].state &&
		    bpf_map_update_elem(maps.backends, &n, b, BPF_ANY))
			well = complain("write backend %s: %s",
					backend_text(b, text), strerror(errno));
		if (changes_of[n].found)
			tell_finding(n);
	}
	memset(changes_of, 0, sizeof(changes_of));
	return well;
}

/*
 * Has the data plane know of states that have changed: first the rings. So who
 * reads, or is told, that a backend is down knows that it gets nothing new.
 */
static bool refresh(void)
{
	bool any = false, well;

	for (int vip = 1; vip <= LB_VIPS_MAX; vip++)
		any |= stale[vip];
	if (!any)
		return true;
	well = rings_put(&maps, &now, stale);
	well &= write_states();
	for (int vip = 1; vip <= LB_VIPS_MAX; vip++)
		if (stale[vip])
			tell_if_empty(vip);
	memset(stale, 0, sizeof(stale));
	return well;
}

/* For refresh() to do. */
static void set_state(__u32 n, enum lb_state state)
{
	now.backends[n].state = state;
	changes_of[n].state = true;
	stale[now.backends[n].vip] = true;
}

/* What the checks found of backend N: it is down, and WHY, or it is up. */
static void on_check(__u32 n, const char *why)
{
	changes_of[n].found = true;
	changes_of[n].why = why;
	stale[now.backends[n].vip] = true;
	/* One that drains does so until somebody undrains it. */
	if (now.backends[n].state != LB_DRAINING)
		set_state(n, why ? LB_DOWN : LB_UP);
}

/* -- the file ------------------------------------------------------------- */

/* Makes the data plane do what the file says, and checks what is there then. */
static bool apply_config(struct changes *changes)
{
	bool well = apply(&maps, config, &now, changes);

	health_follow(config, &now, on_check);
	return well;
}

/* Reads the file again. What came of it is in ANSWER, or has been complained of. */
static bool reload(char *answer)
{
	struct config *read = config_read(path);
	struct changes changes;

	if (!read)
		return false;
	free(config);
	config = read;
	if (!plane)
		return complain("%s is applied once a data plane runs: lb "
				"IFACE starts one",
				path);
	if (!apply_config(&changes))
		return false;
	snprintf(answer, CONTROL_TEXT - 1,
		 "%s: VIPs: %d, backends: %d (new: %d, gone: %d)", path,
		 changes.vips, changes.backends, changes.new, changes.gone);
	puts(answer);
	return true;
}

static void on_hangup(int signal)
{
	hangup = 1;
}

/* -- the data plane ------------------------------------------------------- */

/* The id of the map `vips` of the data plane that there is now; 0: there is none. */
static __u32 plane_id(void)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int fd = data_plane_attached() ? pinned_map("vips") : -1;

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		info.id = 0;
	close(fd);
	return info.id;
}

static void leave_plane(void)
{
	if (plane)
		maps_close(&maps);
	plane = 0;
	memset(stale, 0, sizeof(stale));
	health_forget();
}

/* The data plane with that ID is the one to take care of; 0: none is. */
static bool enter_plane(__u32 id)
{
	struct changes changes;

	leave_plane();
	if (!id) {
		data_plane_runs(); /* which it says */
		return true;
	}
	if (!maps_open(&maps))
		return false;
	plane = id;
	return apply_config(&changes);
}

/*
 * Somebody may have stopped the data plane, or started another. Returns false when
 * the first one that there was could not be taken care of.
 */
static bool look_for_plane(void)
{
	static bool ready;
	static __u64 looked;
	__u32 id;

	if (now_ms() - looked < LOOK)
		return true;
	looked = now_ms();
	id = plane_id();
	if (id == plane)
		return true;
	if (!enter_plane(id))
		return ready;
	if (!id)
		return true;
	if (ready)
		printf("%s is applied to a new data plane\n", path);
	else
		say_ready();
	ready = true;
	return true;
}

/* -- requests ------------------------------------------------------------- */

/* drain, or undrain: the backends that NAME names. */
static bool set_draining(const char *name, bool drains)
{
	bool any = false;
	struct who who;
	const char *wrong = who_parse(name, &who);

	if (wrong)
		return complain("%s: %s", name, wrong);
	for (int n = 1; n < LB_BACKENDS_MAX; n++) {
		if (!plane || !is_named(&who, &now, n))
			continue;
		any = true;
		if (drains)
			set_state(n, LB_DRAINING);
		else if (now.backends[n].state == LB_DRAINING)
			set_state(n, is_found_down(n) ? LB_DOWN : LB_UP);
	}
	if (!any)
		return complain("%s: no VIP has this backend", name);
	return refresh();
}

static bool on_request(const char *request, char *answer)
{
	if (!strcmp(request, "reload"))
		return reload(answer);
	if (!strncmp(request, "drain ", 6))
		return set_draining(request + 6, true);
	if (!strncmp(request, "undrain ", 8))
		return set_draining(request + 8, false);
	return complain("a client wants what is no command");
}

/* -- the daemon ----------------------------------------------------------- */

/* A connection to each of thousands of backends may be under way at once. */
static void allow_many_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void catch_hangup(void)
{
	struct sigaction action = { .sa_handler = on_hangup };

	/* For the loaders it is a signal that ends them; like those it is held back. */
	sigaction(SIGHUP, &action, NULL);
}

static int run(void)
{
	char answer[CONTROL_TEXT];
	int wait = 0;

	while (wait_for(loop_fd(), wait < LOOK ? wait : LOOK)) {
		if (!look_for_plane())
			return EXIT_FAILURE;
		loop_run();
		control_tick();
		if (hangup) {
			hangup = 0;
			reload(answer);
		}
		wait = health_tick();
		refresh();
	}
	return EXIT_SUCCESS;
}

int serve(const char *file)
{
	path = file;
	keep_complaints();
	catch_hangup();
	allow_many_files();
	config = config_read(path);
	if (!config || !loop_init() || !control_listen(on_request))
		return EXIT_FAILURE;
	/* One that is not there yet may come, but not for who is not root. */
	if (!data_plane_runs() && geteuid())
		return EXIT_FAILURE;
	return run();
}
