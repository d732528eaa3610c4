/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the data plane, lb.bpf.c, and the control plane, lbd, agree on: the keys
 * and values of the maps. An IPv4 address a.b.c.d is ::ffff:a.b.c.d here (RFC 4291);
 * addresses and ports are in network order, all else in the host's. No key has
 * padding that the compiler chose: all bytes of a key are hashed. And each is some
 * words of 8 bytes long: the kernel compares keys by these, what is left by bytes,
 * and keeps room for whole ones in any case.
 */
#ifndef LB_H
#define LB_H

#include <linux/types.h>

enum {
	LB_VIPS_MAX = 64,
	LB_BACKENDS_MAX = 8192, /* of all VIPs; number 0 is nobody */
	LB_FLOWS = 1 << 16,	/* unless the loader is told otherwise */
	LB_RING_SIZE = 65537,	/* the same; any prime */
};

/*
 * An address, a port and a protocol. The key of `vips`: with port and protocol 0
 * there, so that fragments for a VIP's address are known, is each address that
 * has a VIP. The key of `replies`: what a backend answers from. And its value: the
 * VIP that it answers for.
 */
struct lb_service {
	__be32 address[4];
	__be16 port;
	__u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 zero[5];
};

/* How a packet gets to a backend. */
enum lb_mode {
	LB_NAT, /* destination address and port become the backend's */
	LB_DSR, /* as it is, to the backend's MAC address: it holds the VIP too */
	LB_IPIP, /* in a packet of its own to the backend, which holds the VIP too */
	LB_MODES
};

/* The values of `vips`. */
struct lb_vip {
	__u16 number;	 /* from 1: its key in `rings` and `vip_counts` */
	__u16 mode;	 /* enum lb_mode */
	__u32 new_flows; /* so many a second are followed; 0: all */
};

/* What a backend is to new flows. */
enum lb_state {
	LB_UP,
	LB_DRAINING, /* somebody wants it to end: known flows only */
	LB_DOWN,     /* it fails its checks: known flows only */
	LB_STATES
};

/*
 * The values of `backends`, an array: a ring's slots and flows have numbers of
 * these. A number that changes hands changes its generation, so what a flow of the
 * last owner refers to is not there any more.
 */
struct lb_backend {
	__be32 address[4];
	__be16 port;	  /* 0 where the VIP's port is not translated */
	__u16 vip;	  /* whose it is; 0: nobody's */
	__u32 generation; /* from 1 */
	__u16 state;	  /* enum lb_state */
	__u16 weight;	  /* with 0 it takes no new flow */
	__u32 zero;
};

/*
 * The key of `flows`: who talks to which VIP. With the VIP's number in the place
 * of address, port and protocol, these are the five that make a flow.
 */
struct lb_flow {
	__be32 address[4]; /* the client's */
	__be16 port;
	__u16 vip;
	__u32 zero;
};

/* And its value: which backend it is followed to. */
struct lb_track {
	__u16 backend;
	__u16 closing; /* the client has sent FIN or RST */
	__u32 generation;
};

/* The values of `vip_counts` and `backend_counts`. */
struct lb_count {
	__u64 packets; /* of clients */
	__u64 bytes;   /* of their frames, as they came */
	__u64 flows;   /* new ones */
};

/*
 * The values of `new_flows`, by VIP: how many have begun to be followed in a
 * second.
 */
struct lb_window {
	__u64 second; /* of CLOCK_MONOTONIC */
	__u64 flows;
};

/* What else became of a packet, and why: the keys of `reasons`. */
enum lb_reason {
	LB_REPLY,	/* a backend's, translated back */
	LB_ICMP_ERROR,	/* about a flow: sent on to its backend */
	LB_PING,	/* to a VIP: answered */
	LB_UNFOLLOWED,	/* above the VIP's limit: served by the ring alone */
	LB_NO_NEIGHBOR, /* passed: the stack finds the next hop's MAC address */
	LB_TOO_LONG,   /* passed: the stack cuts it, or says that it must not */
	LB_FRAGMENT,   /* dropped: it may not have the ports */
	LB_NO_BACKEND, /* dropped: the VIP has none that takes new flows */
	LB_NO_ROUTE,   /* dropped: there is no way to the backend */
	LB_EXPIRED,    /* dropped: the TTL, or hop limit, is used up */
	LB_REASONS
};

_Static_assert(sizeof(struct lb_service) == 24, "no padding");
_Static_assert(sizeof(struct lb_vip) == 8, "no padding");
_Static_assert(sizeof(struct lb_backend) == 32, "no padding");
_Static_assert(sizeof(struct lb_flow) == 24, "no padding");
_Static_assert(sizeof(struct lb_track) == 8, "no padding");
_Static_assert(sizeof(struct lb_count) == 24, "no padding");

#endif
