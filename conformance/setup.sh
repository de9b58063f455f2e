#!/bin/sh
# Makes what the comparisons need under .tools/: a Python environment with the reference, and photos from Debian packages,
# unpacked without being installed.
set -eu
cd "$(dirname "$0")/.."

venv=.tools/venv
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv" || {
        echo "conformance: python3 with the venv module is needed (Debian: apt-get install python3-venv)" >&2
        exit 1
    }
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check -r conformance/requirements.txt

# Photos, paintings and drawings under free licences, see usr/share/doc/*/copyright beside the unpacked pictures.
packages="plasma-workspace-wallpapers mate-backgrounds gnome-backgrounds lomiri-wallpapers-16.04
    lomiri-wallpapers-20.04 ukui-wallpapers desktop-base lxqt-themes"
pictures=.tools/pictures
mkdir -p "$pictures/debs" "$pictures/root"
for package in $packages; do
    [ -e "$pictures/root/usr/share/doc/$package" ] && continue
    if (cd "$pictures/debs" && apt-get download --quiet=2 "$package") 2>/dev/null; then
        dpkg-deb --extract "$pictures/debs/$package"_*.deb "$pictures/root"
        rm -f "$pictures/debs/$package"_*.deb
    else
        echo "conformance: no package $package here, going on without its pictures" >&2
    fi
done
