// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's memory, read by a BPF program. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include "loader.h"
#include "memory.h"
#include "memory.skel.h"

static struct memory_bpf *skel;
static const struct memory_piece *piece; /* as the program fills it */

bool memory_open(void)
{
	int err;

	skel = memory_bpf__open_opts(loader_open_opts());
	err = skel ? memory_bpf__load(skel) : -errno;
	if (err) {
		fail_load(err);
		memory_close();
		return false;
	}
	piece = mmap(NULL, sizeof(*piece), PROT_READ, MAP_SHARED,
		     bpf_map__fd(skel->maps.pieces), 0);
	if (piece == MAP_FAILED) {
		fail("map memory: %s", strerror(errno));
		memory_close();
		return false;
	}
	return true;
}

void memory_close(void)
{
	memory_bpf__destroy(skel); /* the mapping goes with the process */
	skel = NULL;
}

static int read_piece(__u64 address, void *to, size_t size)
{
	struct memory_wish wish = { .address = address, .size = size };
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &wish,
		    .ctx_size_in = sizeof(wish));

	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.memory), &run))
		return -errno;
	if (!run.retval)
		memcpy(to, piece->bytes, size);
	return (int)run.retval;
}

int memory_read(__u64 address, void *to, size_t size)
{
	size_t done, most;
	int err = 0;

	for (done = 0; !err && done < size; done += most) {
		most = size - done < MEMORY_PIECE ? size - done : MEMORY_PIECE;
		err = read_piece(address + done, (char *)to + done, most);
	}
	return err;
}
