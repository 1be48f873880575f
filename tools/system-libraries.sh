#!/bin/sh
# Installs what the system lacks, or prints the one line that would. Asks for nothing that is there.
#   venv PYTHON  what makes a virtual environment
#   report       what WeasyPrint draws PDFs with
#   test         what the tests check PDFs with
set -eu

missing=""
while [ $# -gt 0 ]; do
    case "$1" in
        venv)
            shift
            "$1" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
            ;;
        report)
            # A library is looked up by name, as WeasyPrint does, not by package.
            for pair in libpango-1.0.so.0:libpango-1.0-0 libpangoft2-1.0.so.0:libpangoft2-1.0-0 \
                libharfbuzz-subset.so.0:libharfbuzz-subset0; do
                /sbin/ldconfig -p 2>/dev/null | grep -q "${pair%%:*}" || missing="$missing ${pair#*:}"
            done
            ;;
        test)
            command -v pdfsig >/dev/null 2>&1 || missing="$missing poppler-utils"
            ;;
    esac
    shift
done
[ -n "$missing" ] || exit 0

install="apt-get install --yes --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "auditkit needs these Debian packages, or what your system calls them:$missing" >&2
    exit 6
elif [ "$(id -u)" -eq 0 ]; then
    sudo=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    sudo="sudo"
else
    echo "auditkit needs system packages. Run this once, then the same make command again:" >&2
    echo "    sudo $install" >&2
    exit 6
fi
echo "installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
$sudo $install -qq >/dev/null
