// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Two programs at the traffic-control hooks of an interface. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <bpf/bpf.h>
#include "attach.h"
#include "loader.h"

/* In enum bpf_attach_type since Linux 6.6; older headers do not have them. */
#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS  ((enum bpf_attach_type)47)

enum { INGRESS, EGRESS, HOOKS };

static const struct {
	enum bpf_tc_attach_point point;
	enum bpf_attach_type tcx;
	__u32 parent; /* of its filters */
} hooks[HOOKS] = {
	[INGRESS] = { BPF_TC_INGRESS, TCX_INGRESS,
		      TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) },
	[EGRESS] = { BPF_TC_EGRESS, TCX_EGRESS,
		     TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS) },
};

/* What is attached, for tc_detach(). */
static struct {
	int ifindex;
	bool made_qdisc;
	int links[HOOKS]; /* tcx: file descriptors */
	struct {
		__u32 handle, priority, prog_id;
	} filters[HOOKS]; /* clsact */
} done = { .links = { -1, -1 } };

/* The first message of the kernel's answer. */
union answer {
	struct nlmsghdr head;
	char bytes[8192];
};

static const char *const ways[] = {
	[TC_WAY_CLSACT] = "clsact",
	[TC_WAY_TCX] = "tcx",
};

int tc_way_by_name(const char *text)
{
	for (int way = TC_WAY_CLSACT; way <= TC_WAY_TCX; way++)
		if (!strcmp(text, ways[way]))
			return way;
	return -1;
}

const char *tc_way_name(enum tc_way way)
{
	return ways[way];
}

/* -- tcx ------------------------------------------------------------------ */

static bool has_tcx(const struct bpf_program *prog)
{
	/* To an interface that is not there: who has no tcx does not look for it. */
	return bpf_link_create(bpf_program__fd(prog), INT32_MAX, TCX_INGRESS,
			       NULL) == -ENODEV;
}

static int attach_tcx(int hook, const struct bpf_program *prog)
{
	int fd = bpf_link_create(bpf_program__fd(prog), done.ifindex,
				 hooks[hook].tcx, NULL);

	if (fd < 0)
		return fd;
	done.links[hook] = fd;
	return 0;
}

/* -- what the kernel knows of filters and queueing disciplines ------------- */

/*
 * Asks the kernel by the message TYPE, with FLAGS, for what is at PARENT. Returns
 * whether there is an ANSWER.
 */
static bool ask_kernel(int type, int flags, __u32 parent, union answer *answer)
{
	struct {
		struct nlmsghdr head;
		struct tcmsg tc;
	} ask = {
		.head = { .nlmsg_len = sizeof(ask),
			  .nlmsg_type = type,
			  .nlmsg_flags = NLM_F_REQUEST | flags },
		.tc = { .tcm_family = AF_UNSPEC,
			.tcm_ifindex = done.ifindex,
			.tcm_parent = parent },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool answered = fd >= 0 &&
			send(fd, &ask, sizeof(ask), 0) == sizeof(ask) &&
			recv(fd, answer, sizeof(*answer), 0) > 0;

	if (fd >= 0)
		close(fd);
	return answered;
}

/* Is there any filter at HOOK, of whomever? When nobody can tell: yes. */
static bool any_filter(int hook)
{
	union answer answer;

	return !ask_kernel(RTM_GETTFILTER, NLM_F_DUMP, hooks[hook].parent,
			   &answer) ||
	       answer.head.nlmsg_type != NLMSG_DONE;
}

/* Is the queueing discipline there that clsact shares a place with, ingress? */
static bool ingress_only(void)
{
	union answer answer;
	struct tcmsg *tc = NLMSG_DATA(&answer.head);
	struct rtattr *kind = TCA_RTA(tc);

	/* With an echo, for us; with an acknowledgment, so that something comes. */
	return ask_kernel(RTM_GETQDISC, NLM_F_ECHO | NLM_F_ACK, TC_H_CLSACT,
			  &answer) &&
	       answer.head.nlmsg_type == RTM_NEWQDISC &&
	       kind->rta_type == TCA_KIND && !strcmp(RTA_DATA(kind), "ingress");
}

/* -- clsact --------------------------------------------------------------- */

static int make_qdisc(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = done.ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int err = bpf_tc_hook_create(&hook);

	done.made_qdisc = !err;
	if (err == -EEXIST)
		return ingress_only() ? err : 0;
	return err;
}

static int attach_filter(int hook, const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = done.ifindex,
		    .attach_point = hooks[hook].point);
	LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = bpf_program__fd(prog));
	int err = bpf_tc_attach(&at, &filter);

	if (err)
		return err;
	done.filters[hook].handle = filter.handle;
	done.filters[hook].priority = filter.priority;
	done.filters[hook].prog_id = filter.prog_id;
	return 0;
}

static bool filter_there(int hook)
{
	LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = done.ifindex,
		    .attach_point = hooks[hook].point);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = done.filters[hook].handle,
		    .priority = done.filters[hook].priority);

	return !bpf_tc_query(&at, &filter) &&
	       filter.prog_id == done.filters[hook].prog_id;
}

static void detach_filter(int hook)
{
	LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = done.ifindex,
		    .attach_point = hooks[hook].point);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = done.filters[hook].handle,
		    .priority = done.filters[hook].priority);

	if (done.filters[hook].handle && filter_there(hook))
		bpf_tc_detach(&at, &filter);
}

static void remove_qdisc(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = done.ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (done.made_qdisc && !any_filter(INGRESS) && !any_filter(EGRESS))
		bpf_tc_hook_destroy(&hook);
	done.made_qdisc = false;
}

/* -- either --------------------------------------------------------------- */

static const char *hint(int err, enum tc_way way)
{
	if (way == TC_WAY_TCX && err == -EINVAL)
		return " (this kernel has no tcx: -a clsact)";
	if (way == TC_WAY_CLSACT && err == -EEXIST)
		return " (there is a qdisc ingress: tc qdisc del dev … "
		       "ingress)";
	return err == -EPERM ? " (this needs root: sudo)" : "";
}

int tc_attach(const char *ifname, enum tc_way way,
	      const struct bpf_program *ingress,
	      const struct bpf_program *egress)
{
	const struct bpf_program *programs[HOOKS] = { ingress, egress };
	int err;

	done.ifindex = if_nametoindex(ifname);
	if (way == TC_WAY_ANY)
		way = has_tcx(ingress) ? TC_WAY_TCX : TC_WAY_CLSACT;
	err = way == TC_WAY_CLSACT ? make_qdisc() : 0;
	for (int hook = INGRESS; !err && hook < HOOKS; hook++)
		err = way == TC_WAY_TCX ? attach_tcx(hook, programs[hook])
					: attach_filter(hook, programs[hook]);
	if (!err)
		return way;
	tc_detach();
	fail("attach to %s by %s: %s%s", ifname, ways[way], strerror(-err),
	     hint(err, way));
	return -1;
}

static bool link_there(int fd)
{
	/*
	 * A tcx link outlives its interface, with the interface number 0, which
	 * stands where that of an XDP link does. (Older headers know no tcx.)
	 */
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.xdp.ifindex;
}

bool tc_attached(void)
{
	for (int hook = INGRESS; hook < HOOKS; hook++)
		if (done.links[hook] >= 0 ? !link_there(done.links[hook])
					  : !filter_there(hook))
			return false;
	return true;
}

void tc_detach(void)
{
	for (int hook = INGRESS; hook < HOOKS; hook++) {
		detach_filter(hook);
		if (done.links[hook] >= 0)
			close(done.links[hook]);
		done.links[hook] = -1;
	}
	remove_qdisc();
}
