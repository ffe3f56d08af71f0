# Sourced by scripts/demo, scripts/test and scripts/bench from the top of the checkout: finds Python, makes .venv, installs
# what is missing. Says in one line what it cannot do. POSIX sh, since it runs before anything is installed.

fail() {
    echo "loa: $*" >&2
    exit 1
}

# The oldest Python that pyproject.toml allows, or newer; a machine without any gets Debian's.
find_python() {
    command -v python3 >/dev/null 2>&1 || debian python3
    for python in python3 python3.11 python3.12 python3.13 python3.14; do
        if command -v "$python" >/dev/null 2>&1 &&
            "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return
        fi
    done
    fail "Python 3.11 or newer is needed; found: $(python3 --version 2>&1 || echo none)"
}

# How Debian packages can be installed here, or nothing: as root, or by a sudo that asks nothing.
apt_right() {
    command -v apt-get >/dev/null 2>&1 || return 0
    if [ "$(id -u)" = 0 ]; then
        echo env
    elif sudo -n true 2>/dev/null; then
        echo sudo
    fi
}

# debian_missing PACKAGE ...: those of the packages that are not installed.
debian_missing() {
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
    done
}

# debian PACKAGE ...: install what is missing, where it may be. Leaves what is still missing in $missing.
debian() {
    missing=$(debian_missing "$@")
    right=$(apt_right)
    [ -n "$missing" ] && [ -n "$right" ] || return 0
    echo "loa: installing Debian packages:" $missing
    log=$(mktemp)
    # shellcheck disable=SC2086
    if ! { $right apt-get update -qq && DEBIAN_FRONTEND=noninteractive $right apt-get install -y -qq \
        --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -3 "$log" >&2
    fi
    rm -f "$log"
    missing=$(debian_missing "$@")
}

# make_venv EXTRAS: .venv with this checkout and its extras; done again only when pyproject.toml or the extras change.
make_venv() {
    find_python
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        debian python3-venv
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "Python has no venv module and it may not be installed here: install the package python3-venv"
    fi
    free_kb=$(df -Pk . | awk 'NR == 2 {print $4}')
    [ -d .venv ] || [ "$free_kb" -gt 1500000 ] || fail "not enough disk: $((free_kb / 1024)) MB free, 1500 MB are needed"
    stamp=".venv/installed-$(echo "$1" | tr ',' '-')"
    [ -x .venv/bin/python ] || "$python" -m venv .venv || fail "could not make .venv"
    if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
        echo "loa: installing Python packages ($1)"
        .venv/bin/python -m pip install -q --disable-pip-version-check -e ".[$1]" || fail "pip could not install the packages"
        touch "$stamp"
    fi
    compile_catalogues
}

# Translations are compiled where they are used, so that no binary catalogue stands in the tree.
compile_catalogues() {
    for catalogue in hub/locale/*/LC_MESSAGES/*.po provisioning/approval/locale/*/LC_MESSAGES/*.po; do
        [ -e "$catalogue" ] || continue
        compiled="${catalogue%.po}.mo"
        [ "$compiled" -nt "$catalogue" ] ||
            .venv/bin/pybabel -q compile -i "$catalogue" -o "$compiled" || fail "could not compile $catalogue"
    done
}
