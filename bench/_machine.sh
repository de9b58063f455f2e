#!/bin/sh
# The last lines of every section: where and when its figures come from.
cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
cache=$(sed -n 's/^cache size[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
memory=$(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
printf '\n<sub>%s, %s cores, %s cache, %s, load %s at the end; %s; %s.</sub>\n' \
    "$cpu" "$(nproc)" "$cache" "$memory" "$(cut -d ' ' -f 1 /proc/loadavg)" "$(rustc --version | cut -d ' ' -f 1-2)" "$(date -u +%F)"
