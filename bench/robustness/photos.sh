#!/usr/bin/env bash
# Unpacks, under .tools/photos/, the photos that bench/robustness/photos.txt names: Debian packages are downloaded and taken apart, not
# installed. Prints the packages with their versions, licences and how many photos are used. What is already there is kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

list=bench/robustness/photos.txt
folder=.tools/photos
mkdir -p "$folder"

mapfile -t packages < <(grep -v '^#' "$list" | cut -d' ' -f1 | sort -u)
for package in "${packages[@]}"; do
    [ -e "$folder/$package/.complete" ] && continue
    rm -rf "${folder:?}/$package" "$folder/unpack"
    mkdir -p "$folder/unpack/root" "$folder/$package"
    if ! (cd "$folder/unpack" && apt-get download --quiet=2 "$package" 2>/dev/null); then
        echo "photos: no package $package here, going on without its photos" >&2
        continue
    fi
    dpkg-deb --fsys-tarfile "$folder/unpack/$package"_*.deb | tar --extract --directory "$folder/unpack/root"
    # Only what the list names is kept, and who may use it: the packages are ten times as large.
    grep "^$package " "$list" | cut -d' ' -f2- | sed 's/#[0-9]*$//' | sort -u | while read -r file; do
        [ -e "$folder/unpack/root/$file" ] || { echo "photos: $package has no $file any more" >&2; continue; }
        mkdir -p "$folder/$package/$(dirname "$file")"
        cp --dereference "$folder/unpack/root/$file" "$folder/$package/$file"
    done
    cp --dereference "$folder/unpack/root/usr/share/doc/$package/copyright" "$folder/$package/copyright" || true
    dpkg-deb --field "$folder/unpack/$package"_*.deb Version >"$folder/$package/.complete"
    rm -rf "$folder/unpack"
done

echo "| package | version | photos | licences in its copyright file |"
echo "|---|---|--:|---|"
for package in "${packages[@]}"; do
    [ -e "$folder/$package/.complete" ] || continue
    used=$(grep -c "^$package " "$list")
    licences=$(sed -n 's/^License: *\([^ ].*\)$/\1/p' "$folder/$package/copyright" | sort -u | paste -sd, | sed 's/,/, /g')
    echo "| $package | $(cat "$folder/$package/.complete") | $used | ${licences:-see the file} |"
done
