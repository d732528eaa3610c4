// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * “XDP Tutorial & Deep Dive”, Compilation Pipeline: bpf_set_link_xdp_fd() attaches.
 * Is there a function FUNCTION to link with?
 */
int FUNCTION(void);

int main(void)
{
	return FUNCTION();
}
