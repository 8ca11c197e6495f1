#!/bin/sh
# Makes the SSH host keys that are missing; can be run in a Dockerfile, else each container makes
# its own at its first start. With -f, makes them anew.
set -eu
if ! command -v ssh-keygen >/dev/null || [ ! -d /etc/ssh ] || [ ! -e /usr/sbin/sshd ]; then
    echo "No SSH server is installed, so there is no SSH host key to make."
    exit 0
fi
if [ ! -w /etc/ssh ]; then
    echo "cannot write /etc/ssh: SSH host keys are left as they are" >&2
    exit 0
fi
[ "${1-}" != -f ] || rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
for key in /etc/ssh/ssh_host_*_key; do
    [ ! -e "$key" ] || exit 0
done
echo "No SSH host key available. Generating one..."
exec ssh-keygen -A
