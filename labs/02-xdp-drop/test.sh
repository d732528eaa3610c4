#!/bin/bash
source "$(dirname "$0")/../../common/netns.sh"
host client; host server; wire client server
start server build/xdp_drop veth0
stage "$@"
