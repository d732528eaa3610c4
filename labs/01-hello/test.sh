#!/bin/bash
source "$(dirname "$0")/../../common/netns.sh"
host client; host server; wire client server
start client build/hello -v -n client
stage "$@"
